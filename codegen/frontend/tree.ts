/**
 * The parsed cell: a small, plain syntax tree that the compiler and the reference both read.
 * It is the only thing the two share. Nothing here holds on to ts-morph.
 */

import type { FunctionName } from '../ops/index.js';
import type { Structural as StructuralName } from './language/vocabulary.js';

/** The functions of the language, per unit and others: the reference has one of its own for each. */
export type { FunctionName, StructuralName };

/** A place in a spec file. Lines and columns are 1-based. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Characters marked on that line, at least 1. */
  readonly length: number;
}

export type UnaryOperator = '-' | '+' | '!';
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '**' | '<' | '<=' | '>' | '>=' | '===' | '!==' | '&&' | '||';

export type Expression =
  | { readonly kind: 'number'; readonly value: number; readonly span: Span }
  | { readonly kind: 'string'; readonly value: string; readonly span: Span }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly span: Span }
  /** A local: a parameter of the function, or a const/let in scope. Module constants are already replaced by their value's tree. */
  | { readonly kind: 'name'; readonly name: string; readonly span: Span }
  | { readonly kind: 'member'; readonly object: Expression; readonly property: string; readonly span: Span }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression; readonly span: Span }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression; readonly span: Span }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
      readonly span: Span;
    }
  /** A function of the language (`sigmoid`, `matvec`): the imported name, whatever the local alias. */
  | { readonly kind: 'builtin'; readonly name: string; readonly args: readonly Expression[]; readonly span: Span }
  /** A call of a helper function: key into `CellTree.helpers`. */
  | { readonly kind: 'helper'; readonly key: string; readonly args: readonly Expression[]; readonly span: Span }
  /** In a model: a layer is run on sequences. */
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: readonly Expression[]; readonly span: Span }
  | { readonly kind: 'object'; readonly entries: readonly ObjectEntry[]; readonly span: Span }
  | { readonly kind: 'array'; readonly items: readonly Expression[]; readonly span: Span };

export interface ObjectEntry {
  readonly name: string;
  readonly value: Expression;
  readonly span: Span;
}

/** What a declaration binds: one name, or the members of an object (`{ x }`, `{ h: previous }`), or of an array. */
export type Pattern =
  | { readonly kind: 'name'; readonly name: string; readonly span: Span }
  | {
      readonly kind: 'object';
      readonly members: readonly { readonly property: string; readonly name: string; readonly span: Span }[];
      readonly span: Span;
    }
  | { readonly kind: 'array'; readonly names: readonly { readonly name: string; readonly span: Span }[]; readonly span: Span };

export type Statement =
  | {
      readonly kind: 'declare';
      readonly mutable: boolean;
      readonly pattern: Pattern;
      readonly value: Expression;
      readonly span: Span;
    }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expression; readonly span: Span }
  /** Static: the test must be known when compiling. */
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly then: readonly Statement[];
      readonly otherwise: readonly Statement[];
      readonly span: Span;
    }
  /** `for (let name = from; name < to; name += step)`; `to` exclusive after normalization, bounds static. */
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly from: Expression;
      readonly comparison: '<' | '<=' | '>' | '>=';
      readonly to: Expression;
      readonly step: Expression;
      readonly body: readonly Statement[];
      readonly span: Span;
    }
  | { readonly kind: 'return'; readonly value: Expression; readonly span: Span };

export interface FunctionTree {
  readonly name: string;
  readonly parameters: readonly Pattern[];
  readonly body: readonly Statement[];
  readonly span: Span;
}

/** Of a choice, a number or a flag. */
export type OptionValue = string | number | boolean;
/** Values of options by name. */
export type OptionValues = Readonly<Record<string, OptionValue>>;

export type OptionDeclaration = { readonly name: string; readonly span: Span } & (
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly default: string }
  | { readonly kind: 'flag'; readonly default: boolean }
  | ({ readonly kind: 'real' } & NumberOption)
  | ({ readonly kind: 'integer' } & NumberOption)
);

interface NumberOption {
  readonly default: number;
  readonly min?: number;
  readonly max?: number;
  /** Other defaults, by the value of a choice. */
  readonly per?: { readonly option: string; readonly defaults: Readonly<Record<string, number>> };
}

/** `W: mat('H', 'I', { init: 'orthogonal', when: o.peepholes })` before options are known. */
export interface Declaration {
  readonly name: string;
  readonly constructor_: 'vec' | 'mat' | 'scalar' | 'symbol' | 'map' | 'blocks' | 'stack' | 'kernel';
  /** Of a model's input: `over('T', …)`, the time axis along which there is one at every step. */
  readonly time?: { readonly name: string; readonly span: Span };
  /** One expression per axis, outermost first; each evaluates to a declared dim's name or a whole number once options are known. */
  readonly shape: readonly Expression[];
  /** Of a `symbol`: evaluates to the dim, or the number, of all there are. */
  readonly symbols?: Expression | undefined;
  readonly init: Expression | undefined;
  /** Evaluates to an array of two numbers. */
  readonly range: Expression | undefined;
  /** Evaluates to a boolean; `undefined` means trainable. */
  readonly trainable: Expression | undefined;
  /** Evaluates to a boolean; `undefined` means always there. */
  readonly when: Expression | undefined;
  readonly span: Span;
}

/** `params: {...}` or `params: (o) => ({...})`: `optionsName` is what the arrow calls the options. */
export interface DeclarationGroup {
  readonly optionsName: string | undefined;
  readonly entries: readonly Declaration[];
  readonly span: Span;
}

/** A cell as it was parsed, before its options are known. */
export interface CellTree {
  /** Tells it from a model. */
  readonly kind: 'cell';
  /** Path of its file. */
  readonly file: string;
  /** As the file declares it. */
  readonly name: string;
  /** First sentence of the doc comment above `export default`. */
  readonly summary: string;
  /** The whole doc comment, without the stars. */
  readonly documentation: string;
  /** In declared order, without T and B. */
  readonly dims: readonly { readonly name: string; readonly span: Span }[];
  /** In declared order. */
  readonly options: readonly OptionDeclaration[];
  /** One step of one sequence each. */
  readonly inputs: DeclarationGroup;
  /** One sequence's each. */
  readonly state: DeclarationGroup;
  /** Shared by all steps and sequences. */
  readonly params: DeclarationGroup;
  /** Names of the sequences a caller gets; `undefined` means every name that `step` returns. */
  readonly outputs: readonly { readonly name: string; readonly span: Span }[] | undefined;
  /** `step(inputs, state, params, { options, t })`. */
  readonly step: FunctionTree;
  /** Functions that the step calls, by the key that a call of one names. */
  readonly helpers: Readonly<Record<string, FunctionTree>>;
  /** Source lines by file, for carets and messages. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  /** Of the definition. */
  readonly span: Span;
}

/** `encoder: layer('gru', { I: 'E' }, { options: { reset: o.reset }, when: o.deep })`, or `repeat(o.layers, layer(…))`. */
export interface LayerDeclaration {
  /** As `run` calls it. */
  readonly name: string;
  /** Evaluates to a key of `ModelTree.cells`: the name of a built-in cell, or the path of a file that the model imports. */
  readonly cell: Expression;
  /** By the cell's dim: evaluates to a dim of the model or a whole number. A dim that is not here keeps its name. */
  readonly dims: readonly ObjectEntry[];
  /** By the cell's option. */
  readonly options: readonly ObjectEntry[];
  /** `options: o`: they are all of the model's, and those that the cell does not have are not meant for it. */
  readonly passesOptions: boolean;
  /** How many layers of their own parameters, `name[k]`; `undefined` for one that is no array. */
  readonly count: Expression | undefined;
  /** Evaluates to a boolean; `undefined` means always there. */
  readonly when: Expression | undefined;
  /** Of the declaration. */
  readonly span: Span;
}

/** A whole network: layers are cells, and `run` says what happens over whole sequences. */
export interface ModelTree {
  /** Tells it from a cell. */
  readonly kind: 'model';
  /** Path of its file. */
  readonly file: string;
  /** As the file declares it. */
  readonly name: string;
  /** First sentence of the doc comment above `export default`. */
  readonly summary: string;
  /** The whole doc comment, without the stars. */
  readonly documentation: string;
  /** In declared order, without the time axes and B. */
  readonly dims: CellTree['dims'];
  /** Time axes; `T` where the file names none. */
  readonly times: readonly { readonly name: string; readonly span: Span }[];
  /** In declared order. */
  readonly options: readonly OptionDeclaration[];
  /** Sequences over one of `times`, or one value a sequence. */
  readonly inputs: DeclarationGroup;
  /** Values that each step of a time axis is given by the one before: what `run` returns under the same name. */
  readonly state: DeclarationGroup;
  /** The model's own; those of a layer are the layer's. */
  readonly params: DeclarationGroup;
  /** What the layers' expressions call the options. */
  readonly layersOptionsName: string | undefined;
  /** In declared order. */
  readonly layers: readonly LayerDeclaration[];
  /** `run(inputs, layers, params, { options })`. */
  readonly run: FunctionTree;
  /** Functions that `run` calls, by the key that a call of one names. */
  readonly helpers: Readonly<Record<string, FunctionTree>>;
  /** Every cell that a layer may be, by the name of a built-in one or the path of its file. */
  readonly cells: Readonly<Record<string, CellTree>>;
  /** Source lines by file, for carets and messages. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  /** Of the definition. */
  readonly span: Span;
}

/** What a file holds. */
export type SpecTree = CellTree | ModelTree;

/** A layer once options are known. */
export interface LayerInstance {
  /** `lstm`, or `deep.0`, `deep.1` of a repeated one: what its parameters are called, `deep.1.W_i`. */
  readonly name: string;
  /** Key of `ModelTree.cells`. */
  readonly cell: string;
  /** The cell's own, in the cell's dims. */
  readonly signature: Signature;
  /** From the cell's dims to the model's, or to digits. */
  readonly dims: Readonly<Record<string, string>>;
}

/** A tensor of the signature, once options are known. */
export interface TensorDeclaration {
  /** As data and kernels call it. */
  readonly name: string;
  /** Names of dims, or digits for an axis of fixed size: `['H', 'I']`, `['3', 'O', 'I']`; `[]` for a scalar. */
  readonly shape: readonly string[];
  /** A number fills the whole tensor. Of a state what it starts from: a number, `zeros`, `ones` or nothing, which is zero. */
  readonly init: 'uniform' | 'orthogonal' | 'zeros' | 'ones' | number | undefined;
  /** Of a symbol: the dim that counts all there are. Its values are whole numbers below that. */
  readonly symbols?: string;
  /** What checks draw it from: low and high. */
  readonly range?: readonly [number, number];
  /**
   * Axes in front of `shape`, where they are not those of its group (`T`, `B` of an input, `B` of a state, none of a
   * parameter): `B` alone of a model's input that has no time, `S`, `B` of one over another time axis.
   */
  readonly leading?: readonly string[];
  /** A parameter that is not trained has no gradient. */
  readonly trainable: boolean;
  /** Of its declaration. */
  readonly span: Span;
}

/** Sizes of every dim: `T` steps, `B` sequences, and the cell's own dims. */
export type Sizes = Readonly<Record<string, number>>;

/** constant + Σ factor · size(dim). */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly { readonly dim: string; readonly factor: number }[];
}

/** The size of `dim` is, or is at least, ⌊value / divisor⌋. */
export interface SizeRule {
  readonly dim: string;
  readonly relation: 'equal' | 'atLeast';
  readonly value: Affine;
  readonly divisor: number;
  /** `concat`, `conv1d`: what asks for it. */
  readonly by: string;
  readonly span: Span;
}

/** What a cell takes and gives once its options are chosen. */
export interface Signature {
  /** Of the cell or model. */
  readonly name: string;
  /** Values of all its options. */
  readonly options: OptionValues;
  /** Dims that this choice of options uses, in declared order; axes of fixed size are not among them. */
  readonly dims: readonly string[];
  /** What the step asks of the sizes of dims: `completeSizes` finds those that follow from others. */
  readonly rules: readonly SizeRule[];
  /** Scalar parameters that are rates of random masks: probabilities. */
  readonly rates: readonly string[];
  /** `[T, B, …shape]` each in data. */
  readonly inputs: readonly TensorDeclaration[];
  /** `[B, …shape]` each in data. */
  readonly state: readonly TensorDeclaration[];
  /** `shape` each in data. */
  readonly params: readonly TensorDeclaration[];
  /** Output sequences by name: state names and further values that `step` returns. Shapes come from lowering. */
  readonly outputs: readonly string[] | undefined;
  /** Of a model: its time axes. A cell has `T`. */
  readonly times?: readonly string[];
  /** Of a model: axes in front of the outputs that are not `[T, B, …]`: `[S, B]` over another time axis, `[B]` without time. */
  readonly outputAxes?: Readonly<Record<string, readonly string[]>>;
  /** Of a model: its layers, in the order of their declaration. */
  readonly layers?: readonly LayerInstance[];
}
