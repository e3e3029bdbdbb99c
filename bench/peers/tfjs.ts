/**
 * `@tensorflow/tfjs-layers` and `tfjs-core` on a backend of theirs: what a user would otherwise run. `tfjs-backend-webgpu` takes our own
 * device, so nothing of ours and theirs differs but the kernels and the graph they are in; `tfjs-backend-wasm` computes on one core of
 * the processor, with SIMD.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { whereInstalled } from './installed.js';
import { kerasLayer } from './keras.js';
import { installNavigator } from './navigator.js';
import { networkOf } from './networks/index.js';
import type { Peer } from './peer.js';
import { unevenness } from './plain.js';
import { type Backend, type Packages, submitted, type Tfjs } from './tfjs-device.js';
import { TfjsLayer } from './tfjs-layer.js';
import { TfjsNetwork } from './tfjs-network.js';

const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'] as const;
const BACKENDS = {
  'tfjs-webgpu': '@tensorflow/tfjs-backend-webgpu',
  'tfjs-wasm': '@tensorflow/tfjs-backend-wasm',
} as const;
type TfjsName = keyof typeof BACKENDS;

/** As much of the backends' packages as is used here. */
interface WebGpuPackage {
  readonly WebGPUBackend: new (device: GPUDevice, info: Pick<GPUAdapterInfo, 'vendor' | 'architecture'>) => Backend;
}
interface WasmPackage {
  readonly setWasmPaths: (folder: string) => void;
}

const require = createRequire(import.meta.url);

/** Opens tfjs; where it is not installed, says how to get it. One backend at a time in a process. */
export async function openTfjs(name: TfjsName, device: RecurveDevice): Promise<Peer | string> {
  const install = `npm install ${[...PACKAGES, BACKENDS[name]].map((own) => `${own}@4.22`).join(' ')}`;
  const tfjs = await whereInstalled(install, () => (name === 'tfjs-wasm' ? onWasm() : onWebGpu(device)));
  if (typeof tfjs === 'string') return tfjs;
  return {
    name,
    layer(signature, sizes, data) {
      const uneven = unevenness(data);
      if (uneven !== undefined) return uneven;
      if (signature.times === undefined) {
        const keras = kerasLayer(signature);
        return typeof keras === 'string' ? keras : new TfjsLayer(tfjs, keras, signature, sizes, data);
      }
      const network = networkOf(signature, data);
      return typeof network === 'string' ? network : new TfjsNetwork(tfjs, network, signature, data);
    },
    close: tfjs.close,
  };
}

interface Opened extends Tfjs {
  readonly close: () => void;
}

async function onWebGpu(device: RecurveDevice): Promise<Opened> {
  // tfjs asks for `navigator.gpu` while loading and when a backend is made, and for nothing else of a browser's.
  const { packages, backend } = withNavigator(device.gpu, () => {
    const packages = loadPackages();
    const { WebGPUBackend } = require(BACKENDS['tfjs-webgpu']) as WebGpuPackage;
    if (packages.core.findBackendFactory('webgpu')) packages.core.removeBackend('webgpu');
    return { packages, backend: new WebGPUBackend(device.device, device.adapter) };
  });
  const { core } = packages;
  core.registerBackend('webgpu', () => backend);
  await core.setBackend('webgpu');
  return { packages, finished: () => submitted(backend, device), close: () => core.removeBackend('webgpu') };
}

async function onWasm(): Promise<Opened> {
  const packages = loadPackages();
  const { setWasmPaths } = require(BACKENDS['tfjs-wasm']) as WasmPackage;
  if (packages.core.getBackend() !== 'wasm') {
    setWasmPaths(`${dirname(require.resolve(BACKENDS['tfjs-wasm']))}/`);
    await packages.core.setBackend('wasm');
  }
  // Its kernels are done when they return. The package makes its backend once: it stays.
  return { packages, finished: () => Promise.resolve(), close: () => {} };
}

const loadPackages = (): Packages => ({ core: require(PACKAGES[0]), layers: require(PACKAGES[1]) });

function withNavigator<R>(gpu: GPU, use: () => R): R {
  const remove = installNavigator(gpu);
  try {
    return use();
  } finally {
    remove();
  }
}
