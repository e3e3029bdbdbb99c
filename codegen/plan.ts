/** The manifest of a compiled cell (`plan.json`): everything a runtime needs to run it, and nothing of how it was made. */
import type { OptionValues, Sizes } from './frontend/tree.js';
import type { Recurrence } from './passes/recurrence.js';

export type { Sizes };

/**
 * A tensor the host reads or writes. On the device the innermost axis is padded with zeros to a multiple
 * of four, and matrices pad both axes. `sequence` tensors are ordered by step, `[T, B, unit]`.
 */
export interface TensorSlot {
  /** Name of one of the plan's buffers. */
  readonly buffer: string;
  /** In 32-bit words from the start of the buffer. */
  readonly offset: number;
  /** The logical shape: `[T, B, H]`, `[B, H]`, `[H, I]`, `[H]`, `[]`. */
  readonly shape: readonly number[];
  /** The shape on the device. Same rank, except that a scalar takes four words. */
  readonly padded: readonly number[];
  /**
   * What all of it is where a run leaves it out: of an initial state, zero where this is missing; of a parameter, which
   * may be left out only where this is there.
   */
  readonly fill?: number;
  /** Of a sequence over another time axis than T: which. */
  readonly time?: string;
  /** Of an input, an output or a cotangent of one that has no time: `[B, …]`. */
  readonly timeless?: true;
  /** Of an output or its cotangent: one for all sequences, `[]`. */
  readonly total?: true;
  /** Of symbols: how many there are of each. */
  readonly symbols?: number;
  /** Of a parameter: how it is filled when nobody gives it. */
  readonly init?: Init;
  /** Of an input of a plan for segments: how many of its steps are ones before the segment's first. */
  readonly before?: number;
}

/** How a parameter is filled when nobody gives it: a number fills all of it, between two numbers it is uniform. */
export type Init = 'uniform' | 'orthogonal' | 'zeros' | 'ones' | number | readonly [number, number];

/** Memory on the device. */
export interface BufferSpec {
  /** As tensors and kernels call it. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
}

/** The source of one kernel, which several passes may run. */
export interface KernelSpec {
  /** As passes call it. */
  readonly name: string;
  /** A whole module. */
  readonly wgsl: string;
  /** In the module. */
  readonly entryPoint: 'main';
  /** Whether lanes hand each other what they loaded: subgroups must be this wide. */
  readonly subgroup?: number;
  /** In binding order, group 0. */
  readonly bindings: readonly { readonly buffer: string; readonly access: 'read' | 'read_write' }[];
  /** Whether the kernel takes the time step as an immediate `i32` at offset 0. */
  readonly usesTime: boolean;
  /**
   * It takes a second number, at offset 4. One that walks over steps by itself: behind the first one the one to stop before. One of
   * a wave: behind its number how many steps the run has.
   */
  readonly walks?: true;
}

/**
 * How a loop over time runs. `stepwise`: its phases are dispatched for every step. `thread`: one dispatch, every lane walks
 * the steps of its own units. `resident`: one dispatch, a workgroup walks the steps of its own sequences and waits between phases.
 * `scan`: three dispatches, lanes walk stretches of the steps side by side. `wavefront`: with other loops of a stack, of which
 * later ones are some steps behind, so that a dispatch has phases of all of them. `chunkwise`: many
 * steps are one, by products of matrices; going forward and back, or neither.
 */
export type LoopStrategy = (typeof LOOP_STRATEGIES)[number];
/**
 * One for all loops that allow it, or one for each loop by its name; loops that are not named run as the compiler chooses, and so does
 * one that is asked for a wavefront while no neighbour in its chain is.
 */
export type LoopStrategies = LoopStrategy | Readonly<Record<string, LoopStrategy>>;
export const LOOP_STRATEGIES = ['stepwise', 'thread', 'resident', 'scan', 'wavefront', 'chunkwise'] as const;

/** How a loop may run. */
export interface LoopChoice {
  /** Of the loop, in its plan. */
  readonly name: string;
  /** What the recurrence is, found in its graph. */
  readonly recurrence: Recurrence;
  /** First as it does. */
  readonly allowed: readonly LoopStrategy[];
  /** The others, and why its graph or the adapter does not allow them. */
  readonly refused: Readonly<Partial<Record<LoopStrategy, string>>>;
  /** Of a loop that allows a wavefront: the loops of its chain, in order, itself among them. Two neighbours at least run so. */
  readonly chain?: readonly string[];
}

/** One dispatch of a kernel, and what it costs. */
export interface PassSpec {
  /** As the schedule calls it. */
  readonly name: string;
  /** Name of its kernel. */
  readonly kernel: string;
  /** Whether it packs weights, or runs for all steps before the loop over time, at each step in it, or for all behind it. */
  readonly region: 'pack' | 'before' | 'loop' | 'between' | 'after';
  /** Of which run it is a part. */
  readonly direction: 'forward' | 'backward';
  /** `parallel` outside of a loop, and in one how that runs. */
  readonly strategy: 'parallel' | LoopStrategy;
  /** Of one dispatch, along x, y and z. */
  readonly workgroups: readonly [number, number, number];
  /** Of a pass over all T·B rows, by step: rows of one workgroup, along y and then z. A run of fewer steps needs only the first. */
  readonly rowsPerWorkgroup?: number;
  /** Where so many steps of a sequence are one of these rows. */
  readonly stepsAtOnce?: number;
  /** The time axis that its rows are along, where it isn't T. */
  readonly time?: string;
  /** So many steps of the axis are one of its own. */
  readonly chunk?: number;
  /** Times it is dispatched in one run. */
  readonly dispatches: number;
  /** Per run, over all dispatches. */
  readonly bytesRead: number;
  /** Per run. */
  readonly bytesWritten: number;
  /** Per run: multiplications and additions apart. */
  readonly flops: number;
}

/**
 * What to encode, in order. Inside a loop every pass is dispatched once a step, the step counted up or down; one whose kernel
 * walks, once for every so many `steps`.
 */
export type ScheduleItem =
  | { readonly kind: 'pass'; readonly pass: string; readonly time: number }
  | {
      readonly kind: 'loop';
      readonly from: number;
      readonly to: number;
      readonly by: 1 | -1;
      /** The time axis, where it isn't T. */
      readonly axis?: string;
      /** So many steps of the axis are one of its own. */
      readonly chunk?: number;
      /** Of a loop whose kernel walks: the most steps of one dispatch. */
      readonly steps?: number;
      /** For people. */
      readonly choice?: LoopChoice;
      readonly passes: readonly string[];
    }
  | {
      /** Several loops in one: every pass is dispatched once a wave. */
      readonly kind: 'wave';
      readonly axis?: string;
      /** How many there are, counted from 0: `delay` more than steps. */
      readonly waves: number;
      readonly delay: number;
      /** Of its loops, for people. */
      readonly choices: readonly LoopChoice[];
      readonly passes: readonly string[];
    };

/** Memory that is copied within a buffer, in 32-bit words. */
export interface Move {
  /** Name of one of the plan's buffers. */
  readonly buffer: string;
  /** Where it begins. */
  readonly from: number;
  /** Where it goes. */
  readonly to: number;
  /** How much of it. */
  readonly words: number;
}

/**
 * What a plan says that runs long sequences a segment of `sizes.T` steps at a time: states and their cotangents go from one
 * segment to the next by their own tensors, and what reads further than one step by these.
 */
export interface Segments {
  /** Of one segment. */
  readonly steps: number;
  /** T of the whole sequences: the most that a run may have. */
  readonly whole: number;
  /** One `u32`: the number of the segment's first step. */
  readonly origin: { readonly buffer: string; readonly offset: number };
  /** Going forward: the last steps of states become those before the next segment's first. */
  readonly before: readonly Move[];
  /** Going backward: what the first steps hand over becomes what stands behind the earlier segment's last. */
  readonly behind: readonly Move[];
}

/** A compiled cell or model: plain JSON, kernels included. `load` runs it. */
export interface Plan {
  /** Of this form; another is another number. */
  readonly version: 1;
  /** Name of the cell or model. */
  readonly cell: string;
  /** Of a model: its layers begin anew in every run and have directions, so that it takes no `step` and no `reverse`. */
  readonly model?: true;
  /** Values of all its options. */
  readonly options: OptionValues;
  /** What it was compiled for: the largest T and B that it serves, and the dims. */
  readonly sizes: Sizes;
  /** It has room for whole chunks of so many steps: those behind T are behind every sequence's end, and zero. */
  readonly chunk?: number;
  /** Whether it goes backward, too. */
  readonly gradients: boolean;
  /** Memory on the device, which its tensors and what lies between kernels share. */
  readonly buffers: readonly BufferSpec[];
  /**
   * Host tensors by path: `inputs.x`, `state.h` (initial), `params.W`, `cotangents.outputs.h`, `cotangents.state.h`
   * go in; `outputs.h`, `final.h`, `gradients.inputs.x`, `gradients.state.h`, `gradients.params.W` come out.
   */
  readonly tensors: Readonly<Record<string, TensorSlot>>;
  /** Scalars among the `params` that are rates of random masks: numbers from 0 to 1. */
  readonly rates: readonly string[];
  /**
   * `u32[B]`, each sequence's number of steps, along each time axis: `T` of a cell. At `order`, where it is there, `u32[B]` too, the
   * numbers of the sequences, the longest first: tiles of sequences that have ended then cost nothing.
   */
  readonly lengths: Readonly<Record<string, { readonly buffer: string; readonly offset: number; readonly order?: number }>>;
  /** One `u32`: the seed of the random masks, where any are drawn. */
  readonly seed?: { readonly buffer: string; readonly offset: number };
  /** One `u32`: how many sequences a run has, where that counts. */
  readonly batch?: { readonly buffer: string; readonly offset: number };
  /** The WGSL of every kernel. */
  readonly kernels: readonly KernelSpec[];
  /** A kernel each, with when it runs and what that costs. */
  readonly passes: readonly PassSpec[];
  /** What a forward run encodes, in order. */
  readonly forward: readonly ScheduleItem[];
  /** What a backward run encodes after it; empty without gradients. */
  readonly backward: readonly ScheduleItem[];
  /** Where sequences are cut; `sizes.T` is then a segment's, and of a loaded plan that of the whole sequences. Gradients of parameters are then added to what is there. */
  readonly segments?: Segments;
}

/** How many steps a plan has room for along a time axis: whole chunks. */
export const roomFor = ({ sizes, chunk = 1 }: Pick<Plan, 'sizes' | 'chunk'>, time: string): number =>
  Math.ceil((sizes[time] ?? 1) / chunk) * chunk;

/** What each loop of a plan runs as, and may run as. */
export const choicesIn = ({ forward, backward }: Pick<Plan, 'forward' | 'backward'>): LoopChoice[] =>
  [...forward, ...backward].flatMap((item) => {
    if (item.kind === 'wave') return item.choices;
    return item.kind === 'loop' && item.choice ? [item.choice] : [];
  });

/** What an adapter offers, as far as the compiler cares. */
export interface Target {
  /** Lanes that run in step; the width of a workgroup is a multiple. */
  readonly subgroup: number;
  /** A processor posing as a GPU: prefers narrow workgroups and deep register tiles. */
  readonly software: boolean;
  /**
   * Whether lanes of a workgroup of `subgroup` lanes hand each other what they loaded: the device has subgroups, of this width
   * always, and does not see by itself that all of them load the same.
   */
  readonly broadcasts: boolean;
  /** WebGPU's `maxBufferSize`. */
  readonly maxBufferBytes: number;
  /** WebGPU's `maxStorageBufferBindingSize`. */
  readonly maxBindingBytes: number;
  /** WebGPU's `maxComputeWorkgroupsPerDimension`. */
  readonly maxWorkgroupsPerDimension: number;
  /** WebGPU's `maxStorageBuffersPerShaderStage`. */
  readonly maxStorageBuffers: number;
  /** About how many instructions one kernel may have (`schedule/weights.ts`): what is larger is cut into several. */
  readonly maxKernelInstructions: number;
  /** About how many operations a workgroup of one dispatch may do (on a processor, all of them): long loops take several dispatches. */
  readonly maxDispatchWork: number;
}
