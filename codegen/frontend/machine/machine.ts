/** What evaluating a step needs at hand: the graph being built, mistakes, uses, and limits. */
import { GraphBuilder } from '../../ir/builder.js';
import type { MatrixRef, NodeId, Shape } from '../../ir/graph.js';
import { SINGULAR } from '../declare/declarations.js';
import type { SpecCode } from '../diagnostics/codes.js';
import type { Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import { isLibraryFile } from '../language/library.js';
import { TRAINING } from '../language/training.js';
import type { FunctionTree, OptionValues, SizeRule, Span, SpecTree } from '../tree.js';
import { showDim } from './dims.js';
import { lostInFloat32 } from './float32.js';
import type { Operand } from './operand.js';
import { describe, type Value } from './values.js';
import { Vocabularies } from './vocabularies.js';

/** Gives the value of a call of a helper, by its key in the tree. */
export type HelperCall = (machine: Machine, key: string, args: readonly Value[], at: Span) => Value;

/** Thrown to leave a step that is too large; the mistake has been reported. */
export class TooLarge extends Error {}

const MOST_NODES = 20_000;
const MOST_EVALUATIONS = 1_000_000;
/**
 * Expressions, blocks and calls of helpers inside each other. Both evaluators recurse along them; a level takes about
 * 800 bytes of the stack here and 400 in the reference, of the 984 KB that Node gives.
 */
export const MOST_NESTED = 600;

const RETURN_TOTAL = "Return it as it stands, `total: sum(loss, 'B')`; what is computed with it is computed before the sum.";

/** What a machine evaluates: a cell's step, or a model's run. */
export type Subject = Pick<SpecTree, 'file' | 'name' | 'dims' | 'helpers' | 'span'>;

/** What a model's run can do with its values, which may be sequences. */
export interface Sequences {
  /** The same values where one operation can meet them all; `undefined` after a mistake. */
  meet(operands: readonly Operand[], at: Span): readonly Operand[] | undefined;
  /** A layer run on sequences. */
  call(callee: Operand, args: readonly Operand[], at: Span): Value;
  /** Its time axes: the steps of a sequence may be an axis of a shape, that of a memory. */
  readonly times: readonly { readonly name: string }[];
  /** What a function makes of the steps of a sequence; `undefined` where it is about the units of one step. */
  overTime(name: string, operands: readonly Operand[], at: Span): Value | undefined;
}

/** What the machines of a model have in common: that of its run, and those of the steps of its layers. */
export interface Common {
  readonly builder: GraphBuilder;
  readonly vocabularies: Vocabularies;
  readonly draws: { next: number };
  /** How each matrix parameter is used: a gradient is one or the other. */
  readonly uses: Map<string, 'matrix' | 'values'>;
  /** Which entries of each matrix are left out. */
  readonly masks: Map<string, string>;
}

export function newCommon(): Common {
  const builder = new GraphBuilder();
  return { builder, vocabularies: new Vocabularies(builder), draws: { next: 0 }, uses: new Map(), masks: new Map() };
}

/** A layer's dims by the names that its cell has for them. */
export type DimNames = Readonly<Record<string, string>>;

export class Machine {
  readonly builder: GraphBuilder;
  /** In a model's run. */
  sequences: Sequences | undefined;
  /** In the step of a model's layer. */
  dimNames: DimNames = {};
  /** `params.W`: every declared tensor that was computed with. */
  readonly used = new Set<string>();
  /** Dims that the step itself names: of a broadcast, a slice, a convolution's result. */
  readonly dims = new Set<string>();
  /** What must hold between the sizes of dims. */
  readonly rules: SizeRule[] = [];
  /** Scalar parameters that are rates of random masks. */
  readonly rates = new Set<string>();
  readonly common: Common;
  /** Helper calls around what is being evaluated, outermost first. */
  readonly #calls: { readonly callee: FunctionTree; readonly at: Span }[] = [];
  /** Expressions, statements and rounds of loops that were evaluated. */
  evaluations = 0;
  #depth = 0;

  /**
   * `note` says under which options, behind every message; `callHelper` runs the statements of a helper, which expressions
   * cannot know of: statements are made of them.
   */
  constructor(
    readonly tree: Subject,
    readonly options: OptionValues,
    readonly recovery: Recovery,
    readonly baseReport: Report,
    readonly note: string,
    private readonly callHelper: HelperCall,
    common: Common = newCommon(),
  ) {
    this.common = common;
    this.builder = common.builder;
  }

  /** The value of a helper for these arguments. */
  call(key: string, args: readonly Value[], at: Span): Value {
    return this.callHelper(this, key, args, at);
  }

  report(code: SpecCode, at: Span, message: string, fix: string): void {
    const call = this.#calls.at(-1);
    // What is wrong inside of a helper that comes with recurve is what it was given: that stands where the user calls it.
    const own = isLibraryFile(at.file) ? this.#calls.findLast((outer) => !isLibraryFile(outer.at.file)) : undefined;
    const { name } = (own ?? call)?.callee ?? {};
    const place = own !== undefined || call === undefined ? '' : `, called at ${call.at.file}:${call.at.line}:${call.at.column}`;
    const where = name === undefined ? '' : ` (in \`${name}\`${place})`;
    this.baseReport(code, own?.at ?? at, `${message}${where}${this.note}`, fix);
  }

  /** Counts one evaluated expression, statement or round of a loop. */
  spend(at: Span): void {
    this.evaluations += 1;
    if (this.evaluations <= MOST_EVALUATIONS && this.builder.nodes.length <= MOST_NODES) return;
    const what = this.builder.nodes.length > MOST_NODES ? `${MOST_NODES} values` : `${MOST_EVALUATIONS} evaluations`;
    this.report(
      'SPEC-TOO-LARGE',
      at,
      `a step has more than ${what} when loops are unrolled and helpers inlined`,
      'Shorten the loops, or split the cell.',
    );
    throw new TooLarge();
  }

  /** Evaluates something nested, refusing what would overflow the stack here or in a later stage. */
  nested<T>(at: Span, evaluate: () => T): T {
    if (this.#depth >= MOST_NESTED) {
      this.report(
        'SPEC-TOO-DEEP',
        at,
        `this is nested more than ${MOST_NESTED} levels deep, calls of helpers included`,
        'Name parts of it with `const`, add terms up in a `for`, or call helpers one after the other.',
      );
      throw new TooLarge();
    }
    this.#depth += 1;
    try {
      return evaluate();
    } finally {
      this.#depth -= 1;
    }
  }

  inside<T>(callee: FunctionTree, at: Span, evaluate: () => T): T {
    this.#calls.push({ callee, at });
    try {
      return evaluate();
    } finally {
      this.#calls.pop();
    }
  }

  shape(id: NodeId): Shape {
    return this.builder.node(id).shape;
  }

  get training(): boolean {
    return this.options[TRAINING] === true;
  }

  /** The number of a random call among those of one step. */
  nextDraw(): number {
    this.common.draws.next += 1;
    return this.common.draws.next - 1;
  }

  /** A value that no gradient flows through. */
  held(id: NodeId, at: Span): NodeId {
    return this.builder.apply('stopGradient', [id], at);
  }

  /** Notes how a matrix parameter is used, per unit or whole; false, and reported, where it is used in both ways. */
  uses(name: string, way: 'matrix' | 'values', at: Span): boolean {
    this.used.add(`params.${name}`);
    const before = this.common.uses.get(name);
    this.common.uses.set(name, before ?? way);
    if (before === undefined || before === way) return true;
    const message = `\`${name}\` is used both by \`matvec\` and per unit`;
    this.report('SPEC-MATRIX-USED-TWICE', at, message, 'Declare two parameters, one for each use.');
    return false;
  }

  /** Notes which entries of a matrix a product leaves out; false, and reported, where another leaves out others. */
  multiplies({ param, slice, triangle, drop }: MatrixRef, at: Span): boolean {
    const matrix = `${param} ${slice?.index}`;
    const mask = JSON.stringify([triangle, drop]);
    const before = this.common.masks.get(matrix);
    this.common.masks.set(matrix, before ?? mask);
    if (before === undefined || before === mask) return true;
    const message = `\`${param}\` is multiplied with different entries left out`;
    const fix = 'Name the masked matrix with `const` and use it in every place, or declare one parameter for each.';
    this.report('SPEC-MATRIX-MASKS', at, message, fix);
    return false;
  }

  /** The node of a value that must be a number per unit, or one for all; `undefined` after a mistake. */
  number(value: Value, at: Span): NodeId | undefined {
    switch (value.kind) {
      case 'poison':
        return undefined;
      case 'static':
        return this.#constant(value, at);
      case 'node':
        if (this.builder.node(value.id).type === 'number') return value.id;
        this.report('SPEC-BOOLEAN-AS-NUMBER', at, 'a comparison is no number', 'Choose with it: `a > b ? 1 : 0`.');
        return undefined;
      case 'time':
        return this.builder.leaf({ op: 'time' }, [], at);
      case 'declared':
        return this.#leaf(value, at);
      case 'matrix':
        this.#refuseMatrix(value, at);
        return undefined;
      case 'absent':
        this.absent(value, at);
        return undefined;
      case 'total':
        this.report('SPEC-TOTAL', at, `${describe(value, this.builder)} is read, and it can only be an output`, RETURN_TOTAL);
        return undefined;
      case 'object':
      case 'array':
      case 'layer':
        this.report('SPEC-NOT-A-NUMBER', at, `${describe(value, this.builder)} is no number`, 'Take a member of it.');
        return undefined;
    }
  }

  /** Whether a dim counts the steps of a model's sequences: they are numbers of no vocabulary, and none can be declared. */
  isTime(dim: string): boolean {
    return this.sequences?.times.some(({ name }) => name === dim) ?? false;
  }

  /**
   * Whether a value can be one of as many symbols as `dim` counts: false, and reported, where it is a symbol of another
   * vocabulary, however large. `what` says who takes it, `otherwise` how that could take it.
   */
  isAmong(id: NodeId, dim: string, at: Span, what: string, otherwise: (own: string) => string): boolean {
    const own = this.common.vocabularies.of(id).find((known) => known !== dim);
    if (own === undefined || this.isTime(dim)) return true;
    const fix = `Give both the same dim: \`symbol(${showDim(dim)})\`, or ${otherwise(own)}.`;
    this.report('SPEC-SYMBOL', at, `this is one of ${own} symbols, and ${what}`, fix);
    return false;
  }

  absent({ group, name }: Extract<Value, { kind: 'absent' }>, at: Span): void {
    const message = `the ${SINGULAR[group]} \`${name}\` is read, but its \`when\` leaves it out under these options`;
    this.report('SPEC-ABSENT', at, message, 'Read it behind the same test: `o.option ? … : …`.');
  }

  #constant({ value }: Extract<Value, { kind: 'static' }>, at: Span): NodeId | undefined {
    if (typeof value === 'string') {
      this.report('SPEC-STRING-AS-NUMBER', at, `the string '${value}' is no number`, 'Compare it with `===`, or write a number.');
      return undefined;
    }
    if (typeof value === 'boolean') {
      this.report('SPEC-BOOLEAN-AS-NUMBER', at, `\`${value}\` is no number`, 'Choose with it: `o.option ? 1 : 0`.');
      return undefined;
    }
    const lost = lostInFloat32(value);
    if (lost !== undefined) {
      this.report('SPEC-NONFINITE', at, lost.message, lost.fix);
      return undefined;
    }
    return this.builder.constant(value, at);
  }

  #leaf({ group, declaration, constructor_ }: Extract<Value, { kind: 'declared' }>, at: Span): NodeId | undefined {
    const { name, shape, symbols, span } = declaration;
    if (group === 'inputs' || group === 'state') {
      this.used.add(`${group}.${name}`);
      const id = group === 'inputs' ? this.builder.input(name, shape, span) : this.builder.state(name, shape, span);
      if (symbols !== undefined) this.common.vocabularies.declare(id, symbols);
      return id;
    }
    if (constructor_ === 'blocks' || constructor_ === 'stack' || constructor_ === 'kernel') {
      this.used.add(`params.${name}`);
      const fix = {
        blocks: `Multiply it: \`matvec(p.${name}, x)\`.`,
        stack: `Multiply one of its matrices: \`matvec(p.${name}[0], x)\`.`,
        kernel: `Convolve with it: \`conv1d(p.${name}, x)\`.`,
      }[constructor_];
      const message = `the ${constructor_} \`${name}\` ${constructor_ === 'blocks' ? 'are' : 'is'} used where a vector or number belongs`;
      this.report('SPEC-MATRIX-ARITHMETIC', at, message, fix);
      return undefined;
    }
    if (shape.length < 2) this.used.add(`params.${name}`);
    else if (!this.uses(name, 'values', at)) return undefined;
    return this.builder.param(name, shape, span);
  }

  #refuseMatrix({ matrix }: Extract<Value, { kind: 'matrix' }>, at: Span): void {
    if (matrix.source === 'param') this.used.add(`params.${matrix.ref.param}`);
    const message = `${describe({ kind: 'matrix', matrix }, this.builder)} is used where a vector or number belongs`;
    this.report('SPEC-MATRIX-ARITHMETIC', at, message, 'Multiply it with a vector: `matvec(…, x)`.');
  }
}
