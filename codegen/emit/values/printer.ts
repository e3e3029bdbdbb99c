/** What is asked of a printer of values, and what those see of it who print one kind of them. */
import type { GraphBuilder } from '../../ir/builder.js';
import type { NodeId } from '../../ir/graph.js';
import type { WgslFunction } from '../../ops/wgsl/index.js';
import type { Phase } from '../../schedule/phases.js';
import type { Storage } from '../../schedule/storage.js';
import type { Bindings } from '../bindings.js';
import type { Loaders, Summing } from '../handing.js';
import type { Registers } from '../registers.js';
import type { Block } from './blocks.js';
import type { Spot } from './spots.js';

export interface ValueRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly phase: Phase;
  readonly bindings: Bindings;
  /** Added to a loop's bound where an adapter's compiler must not know it. */
  readonly opaque: string;
  /** Of a lane that walks over steps by itself. */
  readonly registers?: Registers | undefined;
  /** Values at the lane's own units that have names already. */
  readonly given?: readonly NodeId[] | undefined;
  /** Of whose rows nothing is computed: zeros are stored at once. */
  readonly skips?: 'ended sequences' | undefined;
  /** How sums over the units of a row are shared out among lanes that have the same row; otherwise each sums them from first to last. */
  readonly summing?: Summing | undefined;
  /** Of lanes that differ in the last axis alone, what each of them loads for all. */
  readonly loaders?: Loaders | undefined;
}

/** What was printed. */
export interface Tally {
  readonly calls: Set<WgslFunction>;
  /** Per unit, what loops repeat counted as often. */
  flops: number;
  /** About how many instructions. */
  instructions: number;
  /** `vec4f` from memory, what loops repeat counted as often. */
  loads: number;
  /** Whether there are loops. */
  loops: boolean;
  /** Whether lanes hand each other parts of sums, or what they loaded. */
  hands: boolean;
}

export interface Printer {
  readonly request: ValueRequest;
  readonly tally: Tally;
  /** The block that all others are in. */
  readonly root: Block;
  /** Counters that are not the same for all lanes. */
  readonly uneven: Set<string>;
  /** A number that no name has yet. */
  turn(): number;
  /** Names of a value at spots, which differ in indices alone; printed into the block unless an outer one has it. */
  values(id: NodeId, wanted: readonly Spot[], within: Block): string[];
}
