/**
 * `@tensorflow/tfjs-layers` and `tfjs-core` on `@tensorflow/tfjs-backend-webgpu`, on our own device: what a user would otherwise run.
 *
 * The backend takes a device, so nothing of ours and theirs differs but the kernels and the graph they are in.
 */
import { createRequire } from 'node:module';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { kerasLayer } from './keras.js';
import { networkOf } from './networks/index.js';
import type { Peer } from './peer.js';
import type { Packages } from './tfjs-device.js';
import { TfjsLayer } from './tfjs-layer.js';
import { TfjsNetwork } from './tfjs-network.js';

/** The kernels of tfjs are registered for this name only, so one backend can be open at a time. */
const BACKEND = 'webgpu';
const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-webgpu'] as const;

/** Opens tfjs on our device; where it is not installed, says how to get it. One at a time in a process. */
export async function openTfjs(device: RecurveDevice): Promise<Peer | string> {
  // tfjs asks for `navigator.gpu` while loading and when a backend is made, and for nothing else of a browser's.
  const opened = withNavigator(device.gpu, () => {
    const packages = loadPackages();
    if (typeof packages === 'string') return packages;
    if (packages.core.findBackendFactory(BACKEND)) packages.core.removeBackend(BACKEND);
    return { packages, backend: new packages.WebGPUBackend(device.device, device.adapter) };
  });
  if (typeof opened === 'string') return opened;
  const { packages, backend } = opened;
  packages.core.registerBackend(BACKEND, () => backend);
  await packages.core.setBackend(BACKEND);
  return {
    name: 'tfjs-webgpu',
    layer(signature, sizes, data) {
      if (data.lengths !== undefined || data.reverse) return 'the comparison runs full sequences forward in time';
      const tfjs = { packages, backend, device };
      if (signature.times === undefined) {
        const keras = kerasLayer(signature);
        return typeof keras === 'string' ? keras : new TfjsLayer(tfjs, keras, signature, sizes, data);
      }
      const network = networkOf(signature, data);
      return typeof network === 'string' ? network : new TfjsNetwork(tfjs, network, signature, data);
    },
    close() {
      packages.core.removeBackend(BACKEND);
    },
  };
}

function loadPackages(): Packages | string {
  const require = createRequire(import.meta.url);
  try {
    const { WebGPUBackend } = require(PACKAGES[2]) as Pick<Packages, 'WebGPUBackend'>;
    return { core: require(PACKAGES[0]), layers: require(PACKAGES[1]), WebGPUBackend };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    return `it is not installed; npm install ${PACKAGES.map((name) => `${name}@4.22`).join(' ')}`;
  }
}

function withNavigator<R>(gpu: GPU, use: () => R): R {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  try {
    return use();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}
