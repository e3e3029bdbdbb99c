// A plan that was compiled before, by
//   npx recurve generate gru --dims T=16,B=4,I=3,H=8 --out kernels
// Its module knows the names and shapes of all tensors: a wrong one is an error while you type. The compiler is not
// loaded; on a device of your own, `load(device, plan)` from 'recurve/runtime' does the same, in a browser too.
import { open } from 'recurve/node';
import type { Layer } from 'recurve/runtime';
import { plan, sizes, type Types } from './kernels/gru/gru.js';

const gpu = await open();
const gru: Layer<Types> = await gpu.load(plan);
gru.init({ seed: 1 });

// A plan serves any smaller T and B.
const [T, B] = [sizes.T - 6, 2];
const { outputs } = await gru.run({ inputs: { x: { shape: [T, B, 3], data: new Float32Array(T * B * 3).fill(0.5) } } });
const [steps, batch, units] = outputs.h.shape; // units: 8
console.log(`h of ${steps} steps, ${batch} sequences, ${units} units ends at ${outputs.h.data.at(-1)}`);

gru.destroy();
gpu.close();
