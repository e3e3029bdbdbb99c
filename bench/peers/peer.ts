/** What the benchmark asks of another system that runs the same layer, on the same device or on the processor. */
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData, CellResult } from '../../runtime/data.js';

export const PEER_NAMES = ['tfjs-webgpu', 'tfjs-wasm'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** One layer with its weights and its data on the device. */
export interface PeerLayer {
  /** Where its mathematics is not quite ours: what differs. */
  readonly note?: string;
  /** Runs the whole sequence and waits until it is done. */
  forward(): Promise<void>;
  /** The same, and the gradients of Σ outputs·cotangents for the input and every weight. */
  forwardBackward(): Promise<void>;
  /** The numbers of `forwardBackward`, under our names. */
  read(): Promise<CellResult>;
  dispose(): void;
}

export interface Peer {
  readonly name: PeerName;
  /** The layer that computes what this cell does, or a sentence that says why there is none. */
  layer(signature: Signature, sizes: Sizes, data: CellData): PeerLayer | string;
  close(): void;
}
