/** What an expression of a step can mean while it is lowered. */
import type { GraphBuilder } from '../ir/builder.js';
import type { NodeId, Shape } from '../ir/graph.js';
import type { GroupTitle } from './declarations.js';
import type { OptionValue, Span, TensorDeclaration } from './tree.js';

export type Value =
  /** Known when compiling. `choices` are the values a choice option can have. */
  | { readonly kind: 'static'; readonly value: OptionValue; readonly choices?: readonly string[] }
  /** A value per unit and sequence: a number or the result of a comparison. */
  | { readonly kind: 'node'; readonly id: NodeId }
  /** A declared tensor that nothing has computed with yet; a matrix stays one. */
  | { readonly kind: 'declared'; readonly group: GroupTitle; readonly declaration: TensorDeclaration }
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
  /** The result of a mistake that has been reported. */
  | { readonly kind: 'poison' };

export const POISON: Value = { kind: 'poison' };

export function isMatrix(value: Value): boolean {
  return value.kind === 'declared' && value.declaration.shape.length === 2;
}

/** `vec('H')`, `mat('H', 'I')`, `scalar`, as a spec writes them. */
export function showShape(shape: Shape): string {
  const dims = shape.map((dim) => `'${dim}'`).join(', ');
  return shape.length === 0 ? 'a scalar' : `${shape.length === 1 ? 'vec' : 'mat'}(${dims})`;
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
    case 'declared':
      return showShape(value.declaration.shape);
    case 'absent':
      return `the absent \`${value.name}\``;
    case 'object':
      return 'an object';
    case 'array':
      return 'an array';
    case 'poison':
      return 'a mistake';
  }
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

  assign(name: string, value: Value): void {
    if (this.#values.has(name)) this.#values.set(name, value);
    else this.parent?.assign(name, value);
  }
}
