/** What the benchmark asks of another system that runs the same layer on the same device. */
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';

export type PeerName = 'tfjs-webgpu';
export const PEER_NAMES: readonly PeerName[] = ['tfjs-webgpu'];

/** One layer with its weights and its data on the device. */
export interface PeerLayer {
  /** Where its mathematics is not quite ours: what differs. */
  readonly note?: string;
  /** Runs the whole sequence and waits until the device has finished. */
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

/** Opens a peer on our device, or says in one sentence why it cannot run here. */
export async function openPeer(name: PeerName, device: RecurveDevice): Promise<Peer | string> {
  switch (name) {
    case 'tfjs-webgpu': {
      const { openTfjs } = await import('./tfjs.js');
      return openTfjs(device);
    }
  }
}
