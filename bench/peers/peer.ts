/** What the benchmark asks of another system that runs the same layer, on the same device or on the processor. */
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData, CellResult } from '../../runtime/data.js';

export const PEER_NAMES = [
  'per-op',
  'tfjs-webgpu',
  'tfjs-wasm',
  'jax-js',
  'onnxruntime',
  'torch',
  'torch-loop',
  'torch-compile',
] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** One layer with its weights and its data where it runs. */
export interface PeerLayer {
  /** Where its mathematics is not quite ours: what differs. Its numbers are not compared with ours then. */
  readonly differs?: string;
  /** What else a reader of its times must know; asked for when they are taken. */
  readonly note?: string;
  /** What the last run took by its own clock, in milliseconds, where it runs in another process: asking for it is not in it. */
  readonly lastMs?: number | undefined;
  /** Runs the whole sequence and waits until it is done. */
  forward(): Promise<void>;
  /** The same, and the gradients of Σ outputs·cotangents for the input and every weight. Missing where it has none. */
  forwardBackward?(): Promise<void>;
  /** The numbers of `forwardBackward`, or where there is none those of `forward`, under our names. */
  read(): Promise<CellResult>;
  dispose(): void;
}

export interface Peer {
  readonly name: PeerName;
  /** The layer that computes what this cell does, or a sentence that says why there is none. */
  layer(signature: Signature, sizes: Sizes, data: CellData): PeerLayer | string;
  close(): void;
}
