/**
 * `@jax-js/jax` on our own device, so nothing of ours and theirs differs but the kernels and the graph they are in: JAX's way to write a
 * cell, a function that its `jit` traces over all steps and fuses.
 */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { whereInstalled } from './installed.js';
import type { Jax } from './jax-activations.js';
import { jaxCell } from './jax-cells.js';
import { JaxLayer } from './jax-layer.js';
import { installNavigator } from './navigator.js';
import type { Peer } from './peer.js';
import { unevenness } from './plain.js';

const PACKAGE = '@jax-js/jax';

const require = createRequire(import.meta.url);

/** Opens jax-js; where it is not installed, says how to get it. One at a time in a process. */
export async function openJax(device: RecurveDevice): Promise<Peer | string> {
  const jax = await whereInstalled(`npm install ${PACKAGE}@0.1.25`, async () => freshCopy());
  if (typeof jax === 'string') return jax;
  // It reads the navigator whenever it compiles, too.
  const close = installNavigator(gpuOf(device));
  if (!(await jax.init('webgpu')).includes('webgpu')) {
    close();
    return `it refuses the device ${device.name}`;
  }
  jax.defaultDevice('webgpu');
  return {
    name: 'jax-js',
    layer(signature, sizes, data) {
      const uneven = unevenness(data);
      if (uneven !== undefined) return uneven;
      const cell = jaxCell(jax, signature);
      return typeof cell === 'string' ? cell : new JaxLayer(jax, device, cell, signature, sizes, data);
    },
    close,
  };
}

/** It asks for its device once in a process: a copy that was loaded before holds one that may be closed by now. */
function freshCopy(): Jax {
  const entry = require.resolve(PACKAGE);
  for (const path of Object.keys(require.cache)) {
    if (path.startsWith(dirname(entry) + sep)) Reflect.deleteProperty(require.cache, path);
  }
  return require(entry) as Jax;
}

/** An adapter's only device, to whoever asks, is ours. */
function gpuOf({ device }: RecurveDevice): Partial<GPU> {
  const { limits, features } = device;
  const adapter: Partial<GPUAdapter> = { limits, features, requestDevice: () => Promise.resolve(device) };
  return { requestAdapter: () => Promise.resolve(adapter as GPUAdapter) };
}
