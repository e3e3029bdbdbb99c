/** What a layer takes and gives. Names and shapes come from the cell; `generate` writes them down for one plan. */

import type { Lengths } from '../lengths.js';

/** A result of the device: numbers in row-major order, the last axis fastest. */
export interface Tensor<Shape extends readonly number[] = readonly number[]> {
  /** Sizes of its axes, outermost first; `[]` for a scalar. */
  readonly shape: Shape;
  /** As many numbers as the shape has room for. */
  readonly data: Float32Array;
}

/** Names and tensors of one plan; any names where nothing is known of it. T and B are `number`: a plan serves smaller ones. */
export interface CellTypes {
  /** `[T, B, …]` each. */
  readonly inputs: Record<string, Tensor>;
  /** `[B, …]` each. */
  readonly state: Record<string, Tensor>;
  /** As the cell declares them: `[H, I]`, `[H]`. */
  readonly params: Record<string, Tensor>;
  /** `[T, B, …]` each. */
  readonly outputs: Record<string, Tensor>;
  /** Parameters that are trained. */
  readonly gradients: Record<string, Tensor>;
  /** Values that are traced, `[T, B, …]` each, where any are. */
  readonly traces?: Record<string, Tensor>;
}

/**
 * Numbers for a tensor: an array in row-major order, the same with its shape, or a buffer with the same numbers as
 * float32 on the layer's own device (usage `STORAGE`). An array without a shape is taken to have the plan's own shape, or,
 * of an input, as many steps as it holds.
 */
export type Given<Shape extends readonly number[] = readonly number[]> =
  | GivenTensor<Shape>
  | Float32Array
  | Float64Array
  | GPUBuffer;

/** Numbers with their shape. What is given as float64 is rounded to float32. */
export interface GivenTensor<Shape extends readonly number[] = readonly number[]> {
  /** Sizes of its axes, outermost first; `DATA-SHAPE` where the plan has others. */
  readonly shape: Shape;
  /** In row-major order. */
  readonly data: Float32Array | Float64Array;
}

/** What may be given for tensors of these names. */
export type GivenTo<T> = { readonly [Name in keyof T]: T[Name] extends Tensor<infer Shape> | undefined ? Given<Shape> : Given };

/** One step of sequences: `[B, …]` for each `[T, B, …]`. */
export type StepOf<T> = { readonly [Name in keyof T]: Tensor<WithoutTime<T[Name]>> };

/** The shape of one step of a sequence: `[B, …]` of `[T, B, …]`. */
export type WithoutTime<T> =
  T extends Tensor<readonly [number, ...infer Shape extends readonly number[]]> ? Readonly<Shape> : readonly number[];

/** How long the sequences of a run are, and how many there are: at most the plan's. */
export interface RunExtent {
  /** T of the data; of a model with several time axes, of each. Default: what an input tells, else the plan's. */
  readonly steps?: number | Readonly<Record<string, number>>;
  /** B of the data. Default: what a tensor tells, else the plan's. */
  readonly batch?: number;
  /** Steps of each sequence, 0 to T; of a model with several time axes, along each. Default: T for all. */
  readonly lengths?: Lengths;
  /** Each sequence from its own end; not of a model, whose layers have directions. Default false. */
  readonly reverse?: boolean;
}

/** What to read back: `outputs`, `outputs.h`, `state`, `gradients`, `gradients.params`, `gradients.params.W` … */
export type Wanted = readonly string[];

/** What a forward run takes. Everything is read before the call returns: arrays may be used again at once. */
export interface ForwardRequest<S extends CellTypes = CellTypes> extends RunExtent {
  /** `[T, B, …]` each, in data order. All of them. */
  readonly inputs: GivenTo<S['inputs']>;
  /** `[B, …]` each: the initial state; what is missing is the state's `init`, or zero. `'kept'`: as the last run left it. */
  readonly state?: Partial<GivenTo<S['state']>> | 'kept';
  /** All parameters, in the place of what the device holds. Left out, what `setParams` or `init` put there serves. */
  readonly params?: Partial<GivenTo<S['params']>>;
  /** Of the random masks. Default 0. */
  readonly seed?: number;
  /** Results to read back. Default: all. What is not asked for stays on the device. */
  readonly read?: Wanted;
  /** Buffers on the layer's device that results are written to as well, dense, by path: `{ 'outputs.h': buffer }`. */
  readonly into?: Readonly<Record<string, GPUBuffer>>;
}

/** Cotangents of a loss: `[T, B, …]` for outputs, `[B, …]` for final states. What is missing is zero. */
export interface Cotangents<S extends CellTypes = CellTypes> {
  /** ∂L/∂output, by the output's name. */
  readonly outputs?: Partial<GivenTo<S['outputs']>>;
  /** ∂L/∂(final state), by the state's name. */
  readonly state?: Partial<GivenTo<S['state']>>;
}

/** What a backward run takes; all else is as the last forward run left it. */
export interface BackwardRequest<S extends CellTypes = CellTypes> {
  /** Of the loss, whose outputs the forward run gave. */
  readonly cotangents: Cotangents<S>;
  /** Results to read back, of `gradients`. Default: all. */
  readonly read?: Wanted;
  /** Buffers that gradients are written to as well, by path: `{ 'gradients.params.W': buffer }`. */
  readonly into?: Readonly<Record<string, GPUBuffer>>;
}

/** What `run` takes: a forward run and, with cotangents, the backward run after it. */
export interface RunRequest<S extends CellTypes = CellTypes> extends ForwardRequest<S> {
  /** Where given, gradients are computed. */
  readonly cotangents?: Cotangents<S>;
}

/** One step of every sequence: `[B, …]` each. */
export interface StepRequest<S extends CellTypes = CellTypes> {
  /** All of them, without an axis for time. */
  readonly inputs: GivenTo<StepOf<S['inputs']>>;
  /** Of the random masks. Default 0. */
  readonly seed?: number;
  /** Results to read back. Default: all. */
  readonly read?: Wanted;
  /** Buffers that results are written to as well, as of `ForwardRequest`. */
  readonly into?: Readonly<Record<string, GPUBuffer>>;
}

/** ∂L of what a run was given, each in the shape of its tensor; only those that `read` names. */
export interface Gradients<S extends CellTypes = CellTypes> {
  /** ∂L/∂input `[T, B, …]`, zero past a sequence's length. */
  readonly inputs: S['inputs'];
  /** ∂L/∂(initial state) `[B, …]`. */
  readonly state: S['state'];
  /** ∂L/∂parameter, summed over steps and sequences, of those that are trained. */
  readonly params: S['gradients'];
  /** ∂L of traced values, `[T, B, …]` each, where any are traced. */
  readonly traces?: S['traces'];
}

/** What was read back of a forward run: all of it, or what `read` names. */
export interface ForwardResult<S extends CellTypes = CellTypes> {
  /** `[T, B, …]`, zero past a sequence's length. */
  readonly outputs: S['outputs'];
  /** Final state `[B, …]`, at each sequence's own end. */
  readonly state: S['state'];
  /** Traced values, `[T, B, …]` each, where any are. */
  readonly traces?: S['traces'];
}

/** What was read back of one step. */
export interface StepResult<S extends CellTypes = CellTypes> {
  /** `[B, …]`, without an axis for time. */
  readonly outputs: StepOf<S['outputs']>;
  /** The state after it, `[B, …]` each. */
  readonly state: S['state'];
}

/** What was read back of a run. */
export interface RunResult<S extends CellTypes = CellTypes> extends ForwardResult<S> {
  /** Where cotangents were given. */
  readonly gradients?: Gradients<S>;
}

/** Where a tensor lies on the device, for kernels of one's own. */
export interface DevicePlace {
  /** The plan's own, shared with other tensors: do not destroy it. */
  readonly buffer: GPUBuffer;
  /** In 32-bit words from the buffer's start. */
  readonly offset: number;
  /** The logical shape. */
  readonly shape: readonly number[];
  /** The shape in memory: the last axis, and a matrix's last two, are padded with zeros to multiples of four. */
  readonly padded: readonly number[];
}
