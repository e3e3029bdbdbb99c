/**
 * The language of models: the names that a `*.model.ts` file imports from `recurve` beside those of cells.
 *
 * A cell says what happens in one step, a model what happens over whole sequences. A value of `run` has a shape and a time
 * axis, or none: parameters, inputs without `over`, final states and reductions over time have none. Whatever a step may
 * say is said of every step of a sequence, and a value without time that meets a sequence is repeated along it.
 */
import type { Cell, Chosen, Group, OptionTable, Params, Plain, Values } from './cell-types.js';
import { notExecuted } from './not-executed.js';

/** Of a model's input: there is one at every step of this time axis, e.g. `over('T', vec('I'))`. */
export function over<V extends Values[string]>(_axis: string, _value: V): V {
  return notExecuted('over');
}

/** What `run` gives a layer beside its inputs. */
export interface LayerSettings<S> {
  /** Initial states by name, values without time. Others are what the cell declares as `init`, else zero. */
  readonly state?: { readonly [K in keyof S]?: number };
  /**
   * States by name that every step is given, sequences, in place of those that the step before left: what cells of one step hand
   * to each other. `from: low.state` is all that another layer's steps left.
   */
  readonly from?: { readonly [K in keyof S]?: number };
  /** Static. `true`: each sequence is processed from its own end; what comes out stands at the step it belongs to. */
  readonly reverse?: boolean;
}

// A generic call that gives a plain function is left out when TypeScript infers what `run` is given, and then nobody could
// call `a` of `layers: { a: layer('gru') }`. An intersection is no plain function to it, though CallableFunction adds nothing.

/**
 * A cell that runs over whole sequences, with parameters of its own: `first({ x }).h`. Calling it twice shares them.
 * Inputs are those of the cell, sequences over one time axis; one without time is repeated along it, and not all may be.
 * It gives every output of the cell as a sequence, `state`: the states that every step leaves, sequences, and `final`: the last
 * state of each sequence, without time, where steps have it from each other.
 */
export type Layer<X, S> = CallableFunction &
  ((
    inputs: { readonly [K in keyof X]?: number },
    settings?: LayerSettings<S>,
  ) => { readonly [K in keyof S]: number } & Readonly<Record<string, number>> & {
      readonly final: { readonly [K in keyof S]: number };
      readonly state: { readonly [K in keyof S]: number };
    });

/** A layer of a cell that is known by its name only: what it takes and gives is checked when it is compiled. */
type NamedLayer = CallableFunction &
  ((inputs: Readonly<Record<string, number>>, settings?: LayerSettings<Readonly<Record<string, number>>>) => Named);
// Under noUncheckedIndexedAccess an index signature adds `undefined` to what it gives, and only `any` is a number all the
// same, or can be called.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Named = Readonly<Record<string, any>>;
type AnyLayer = (...args: never[]) => object;
/** Layers of one kind, each with parameters of its own: `deep[k]` with a static `k` is one of them. */
export interface Repeated<L> {
  /** The k-th of them, counted from 0. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly [k: number]: L extends AnyLayer ? any : never;
}
type Layers = Readonly<Record<string, AnyLayer | Repeated<AnyLayer>>>;

/** What a layer is made with. */
export interface LayerDeclared<O> {
  /**
   * Values of the cell's options, fixed when compiling; others have their defaults. `options: o` passes the model's own on: the
   * cell takes those that it has, too.
   */
  readonly options?: Partial<O>;
  /** The layer exists only when this holds, e.g. `o.deep`. */
  readonly when?: boolean;
}
/** By the cell's dim: a dim of the model or a whole number. A dim that is not here keeps its name. */
type Dims = Readonly<Record<string, string | number>>;

/**
 * A layer: a cell, the default export of a `*.cell.ts` file or a built-in one by its name, and what its dims are in the
 * model: `layer(mine, { I: 'E' })`, `layer('lstm', { I: 'H' }, { options: { peepholes: true } })`.
 */
export function layer<O extends OptionTable, X extends Values, S extends Values, P extends Params>(
  _cell: Cell<O, X, S, P>,
  _dims?: Dims,
  _declared?: LayerDeclared<O>,
): Layer<X, S>;
export function layer<O extends OptionTable, X extends Values, S extends Values, P extends Params>(
  _cell: string | Cell<O, X, S, P>,
  _dims?: Dims,
  _declared?: LayerDeclared<OptionTable>,
): NamedLayer;
export function layer(): never {
  return notExecuted('layer');
}
/** `count` layers with parameters of their own, none for 0; `count` is static. */
export function repeat<L extends AnyLayer>(_count: number, _layer: L): Repeated<L> {
  return notExecuted('repeat');
}

/** A whole network. */
export interface Model<O extends OptionTable, X extends Values, S extends Values, L extends Layers, P extends Params> {
  /** How kernels and files are called. */
  readonly name: string;
  /** What users choose when compiling: `choice`, `flag`, `real`, `integer`. */
  readonly options?: O;
  /** Every dim name that shapes and layers use, besides the time axes and `B` (sequences). */
  readonly dims: readonly string[];
  /** The time axes; default `['T']`. Sequences have a length of their own along each. */
  readonly times?: readonly string[];
  /** `over('T', vec('I'))` is there at every step, `vec('I')` once for each sequence. */
  readonly inputs: Group<O, X>;
  /**
   * `word: over('T', vec('E'))`: what each step of a time axis is given by the step before it, so that what a network says
   * is what it hears next. It begins with what the caller gives, else with its `init`, else zero; the last one is given back.
   */
  readonly state?: Group<O, S>;
  /** What `run` calls: `layer(…)` and `repeat(…)`, by name. */
  readonly layers?: Group<O, L>;
  /** The model's own; those of a layer are the layer's. */
  readonly params?: Group<O, P>;
  /**
   * What happens over whole sequences: gives the outputs by name, each a sequence or a value without time; under the name of
   * a state its next values, sequences made of this step and those before.
   */
  run(
    inputs: Plain<X>,
    layers: L,
    params: Plain<P>,
    context: { readonly options: Chosen<O>; readonly state: Plain<S> },
  ): Readonly<Record<string, number | undefined>>;
}

/** Defines a model: `export default model({ … })`. */
export function model<
  const O extends OptionTable,
  X extends Values,
  L extends Layers,
  P extends Params,
  S extends Values = Readonly<Record<never, never>>,
>(definition: Model<O, X, S, L, P>): Model<O, X, S, L, P> {
  return definition;
}

/**
 * The sequence whose value at step t is that of `x` at step t + `steps` of the same sequence, and zero where there is no
 * such step: `shift(x, -1)` is what was. `steps` is static and not 0. In a cell it is `delay` that looks back.
 */
export function shift(_x: number, _steps: number): number {
  return notExecuted('shift');
}
/** The first step of each sequence, without time; 0 of a sequence that has none. */
export function first(_x: number): number {
  return notExecuted('first');
}
/** The last step of each sequence, without time; 0 of a sequence that has none. */
export function last(_x: number): number {
  return notExecuted('last');
}
/**
 * All steps of a sequence of vectors as one value without time, `['S', 'H']` of one over `S`: what attention looks at. Zero
 * behind each sequence's own end, which `index('S') < steps('S')` tells apart. Nothing is copied.
 */
export function memory(_x: number): number {
  return notExecuted('memory');
}
/** How many steps each sequence has along a time axis: one number, without time. */
export function steps(_axis: string): number {
  return notExecuted('steps');
}
