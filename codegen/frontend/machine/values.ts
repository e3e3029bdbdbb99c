/** What an expression of a step can mean while it is lowered. */
import type { GraphBuilder } from '../../ir/builder.js';
import type { MatrixRef, NodeId, Shape } from '../../ir/graph.js';
import type { GroupTitle } from '../declare/declarations.js';
import type { Declaration, LayerInstance, OptionValue, Span, TensorDeclaration } from '../tree.js';
import { showDim } from './dims.js';

/** What `matvec` multiplies with. `transposed` says how it is used; the rest is about the matrix before that. */
export type Matrix =
  /** A parameter. `shape` ends in rows and columns; blocks have their head axis before them. */
  | {
      readonly source: 'param';
      readonly ref: MatrixRef;
      readonly constructor_: Declaration['constructor_'];
      readonly shape: Shape;
      readonly transposed: boolean;
    }
  /** A value of rank 2: a matrix of its own for every sequence. */
  | { readonly source: 'value'; readonly id: NodeId; readonly shape: Shape; readonly transposed: boolean };

export type Value =
  /** Known when compiling. `choices` are the values a choice option can have. */
  | { readonly kind: 'static'; readonly value: OptionValue; readonly choices?: readonly string[] }
  /** A value per unit and sequence: a number or the result of a comparison. */
  | { readonly kind: 'node'; readonly id: NodeId }
  /** The number of the step; a node once something is computed with it. */
  | { readonly kind: 'time' }
  /** A declared tensor that nothing has computed with yet; a matrix stays one. */
  | {
      readonly kind: 'declared';
      readonly group: GroupTitle;
      readonly declaration: TensorDeclaration;
      readonly constructor_: Declaration['constructor_'];
    }
  /** A matrix that is not one of the declared as it stands: transposed, taken out of a stack, masked. */
  | { readonly kind: 'matrix'; readonly matrix: Matrix }
  /** A declared tensor that these options leave out. */
  | { readonly kind: 'absent'; readonly group: GroupTitle; readonly name: string }
  /** `title` says what its members are, for messages; unknown members of an open one have been reported. */
  | {
      readonly kind: 'object';
      readonly title: string;
      readonly members: ReadonlyMap<string, Value>;
      readonly open: boolean;
      /** Where each member is written, for one that a literal made. */
      readonly places?: ReadonlyMap<string, Span>;
    }
  | { readonly kind: 'array'; readonly items: readonly Value[] }
  /** What all sequences of a run have together: an output of a model, and nothing else. `id` is each sequence's own share of it. */
  | { readonly kind: 'total'; readonly id: NodeId; readonly of: 'sum' | 'mean' }
  /** A layer of a model, to be called. */
  | { readonly kind: 'layer'; readonly instance: LayerInstance }
  /** The result of a mistake that has been reported. */
  | { readonly kind: 'poison' };

export const POISON: Value = { kind: 'poison' };

/** `vec('H')`, `mat('H', 'I')`, `map('X', 'Y', 3)`, `a scalar`, as a spec writes them. */
export function showShape(shape: Shape): string {
  const constructor_ = shape.length === 1 ? 'vec' : shape.length === 2 ? 'mat' : 'map';
  return shape.length === 0 ? 'a scalar' : `${constructor_}(${shape.map(showDim).join(', ')})`;
}

/** The same for a declared tensor: what differs in meaning differs in words. */
function showDeclared(constructor_: Declaration['constructor_'], shape: Shape): string {
  if (constructor_ === 'kernel') return `kernel(${[...shape.slice(-2), ...shape.slice(0, -2)].map(showDim).join(', ')})`;
  return shape.length === 0 ? 'a scalar' : `${constructor_}(${shape.map(showDim).join(', ')})`;
}

/** What a value is, for messages. */
export function describe(value: Value, builder: GraphBuilder): string {
  switch (value.kind) {
    case 'static':
      if (typeof value.value === 'string') return `the string '${value.value}'`;
      return typeof value.value === 'number' ? `the number ${value.value}` : `the boolean ${value.value}`;
    case 'node': {
      const { shape, type } = builder.node(value.id);
      return type === 'boolean' ? 'the result of a comparison' : showShape(shape);
    }
    case 'time':
      return 'the number of the step';
    case 'declared':
      return showDeclared(value.constructor_, value.declaration.shape);
    case 'matrix':
      return describeMatrix(value.matrix);
    case 'absent':
      return `the absent \`${value.name}\``;
    case 'object':
      return 'an object';
    case 'array':
      return 'an array';
    case 'total':
      return `the ${value.of} over all sequences`;
    case 'layer':
      return `the layer \`${value.instance.name}\``;
    case 'poison':
      return 'a mistake';
  }
}

function describeMatrix(matrix: Matrix): string {
  const { shape, transposed } = matrix;
  const [rows = '', columns = ''] = shape.slice(-2);
  const used = transposed ? [...shape.slice(0, -2), columns, rows] : shape;
  const what = `a matrix of ${used.map(showDim).join(' by ')}`;
  return matrix.source === 'param' ? `${what} out of \`${matrix.ref.param}\`` : what;
}

/** Locals while a function is evaluated. Scopes nest like the blocks they stand for. */
export class Environment {
  readonly #values = new Map<string, Value>();

  constructor(readonly parent?: Environment) {}

  declare(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  read(name: string): Value | undefined {
    return this.#values.get(name) ?? this.parent?.read(name);
  }

  /** Names of this level. */
  entries(): Iterable<[string, Value]> {
    return this.#values;
  }

  assign(name: string, value: Value): void {
    if (this.#values.has(name)) this.#values.set(name, value);
    else this.parent?.assign(name, value);
  }
}
