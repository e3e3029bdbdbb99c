/**
 * A random model as the generator builds it and the shrinker takes it apart: a list of values, each made of those before it.
 * What no output is made of is not printed, so a smaller list needs no bookkeeping.
 */
import type { Model, Shape } from '../model.js';

/** The time axis of a sequence; `undefined` for what has no time. */
export type Time = 'S' | 'T' | undefined;

/** One value of `run`, in its order. */
export interface Value {
  /** `$0`, `$1` … stand for the arguments. One that has `$$` is statements that give the value this name. */
  readonly text: string;
  /** Numbers of values. */
  readonly args: readonly number[];
  readonly shape: Shape;
  readonly time: Time;
  /** What a layer's call gives is an object, and has no shape; a total over all sequences is an output, and nothing is made of it. */
  readonly type: 'number' | 'test' | 'call' | 'total' | 'symbol';
  /** Of a symbol: the dim that counts all there are. */
  readonly symbols?: string;
  /** Whether it is made of an input. */
  readonly varies: boolean;
  /** Instead of a text. */
  readonly call?: Call;
}

export interface Call {
  /** `l0` or `l0[1]`. */
  readonly layer: string;
  /** Places in `args`, by name. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly state: Readonly<Record<string, number>>;
  /** States that every step is given. */
  readonly from: Readonly<Record<string, number>>;
  readonly reverse: boolean;
}

export interface NetworkLayer {
  /** Name of a built-in cell, or a random one, written to a file of its own. */
  readonly cell: string | Model;
  readonly dims: Readonly<Record<string, string>>;
  /** `{ options: { peepholes: true } }`, or nothing. */
  readonly settings: string;
  /** Of a repeated one. */
  readonly count?: number;
}

export interface Declared {
  /** Of a symbol, in place of a shape: the dim that counts all there are. */
  readonly symbols?: string;
  readonly shape: Shape;
  readonly time: Time;
}

export interface Network {
  /** Of every dim, `B` and the time axes included: `S` too where there are two. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, Declared>>;
  /** Values that each step is given by the one before; their next values are the outputs of these names. */
  readonly state: Readonly<Record<string, Declared>>;
  /** `mat('D0', 'D1')` by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly layers: Readonly<Record<string, NetworkLayer>>;
  readonly values: readonly Value[];
  /** Numbers of values, by name. */
  readonly outputs: Readonly<Record<string, number>>;
  readonly run: { readonly seed: number; readonly ragged: boolean; readonly training: boolean };
}
