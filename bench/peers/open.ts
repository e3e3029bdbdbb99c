/** Loads the peer that is asked for, and only that. */
import type { RecurveDevice } from '../../runtime/device/index.js';
import type { Peer, PeerName } from './peer.js';

/** Opens a peer, on our device where it takes one, or says in one sentence why it cannot run here. */
export async function openPeer(name: PeerName, device: RecurveDevice): Promise<Peer | string> {
  switch (name) {
    case 'per-op': {
      const { openPerOp } = await import('./per-op/index.js');
      return openPerOp(device);
    }
    case 'tfjs-webgpu':
    case 'tfjs-wasm': {
      const { openTfjs } = await import('./tfjs.js');
      return openTfjs(name, device);
    }
    case 'jax-js': {
      const { openJax } = await import('./jax.js');
      return openJax(device);
    }
    case 'onnxruntime': {
      const { openOnnxRuntime } = await import('./onnxruntime.js');
      return openOnnxRuntime();
    }
    case 'torch':
    case 'torch-loop':
    case 'torch-compile': {
      const { openTorch } = await import('./torch/index.js');
      return openTorch(name);
    }
  }
}
