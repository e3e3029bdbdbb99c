/** Programs that a user of the installed package might write. */

/** Everything typed by a generated module: what fits, and after each `@ts-expect-error` what does not. */
export const TYPED = `import { adopt, type Layer, load, RecurveError, type RunRequest, type RunResult } from 'recurve/runtime';
import { open } from 'recurve/node';
import { plan, type Types } from './kernels/gru/gru.js';
import { plan as tracing } from './kernels/mgu/mgu.js';

export async function onTheirDevice(device: GPUDevice): Promise<void> {
  const layer: Layer<Types> = await load(device, plan);
  const adopted: Layer<Types> = await load(adopt(device), plan);
  adopted.destroy();
  layer.setParams({ W_r: { shape: [8, 3], data: new Float64Array(24) }, b_r: new Float32Array(8) });
  // @ts-expect-error there is no such parameter
  layer.setParams({ W_q: new Float32Array(24) });
  // @ts-expect-error W_r is [8, 3]
  layer.setParams({ W_r: { shape: [3, 8], data: new Float32Array(24) } });
  const x = { shape: [4, 2, 3], data: new Float32Array(24) } as const;
  const request: RunRequest<Types> = { inputs: { x }, lengths: [4, 1], cotangents: { outputs: { h: new Float32Array(64) } } };
  const { outputs, state, gradients }: RunResult<Types> = await layer.run(request);
  const units: 8 = outputs.h.shape[2];
  const steps: number = outputs.h.shape[0];
  const data: Float32Array = state.h.data;
  const weight: readonly [number, number] | undefined = gradients?.params.U_r.shape;
  // @ts-expect-error a GRU has no cell state
  state.c;
  // @ts-expect-error an input is missing
  await layer.run({ inputs: {} });
  // @ts-expect-error x has 3 units
  await layer.run({ inputs: { x: { shape: [4, 2, 5], data: new Float32Array(40) } } });
  // @ts-expect-error initial states are of [B, H]
  await layer.run({ inputs: { x }, state: { h: { shape: [4, 2, 8], data } } });
  // @ts-expect-error there is no output y
  await layer.backward({ cotangents: { outputs: { y: data } } });
  const buffer = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE });
  const step = await layer.step({ inputs: { x: buffer } });
  await layer.step({ inputs: { x: { shape: [2, 3], data: new Float32Array(6) } } });
  // @ts-expect-error one step has no axis for time
  await layer.step({ inputs: { x } });
  const flat: readonly [B: number, H: 8] = step.outputs.h.shape;
  console.log(units, steps, weight, flat);
}

const gpu = await open({ adapter: 'swiftshader' });
const layer = await gpu.load(plan);
layer.init({ seed: 1 });
const { outputs } = await layer.run({ inputs: { x: { shape: [2, 1, 3], data: new Float32Array(6) } } });
try {
  await layer.run({ inputs: { x: new Float32Array(7) } });
} catch (error) {
  if (!(error instanceof RecurveError)) throw error;
  console.log(error.code, outputs.h.shape.join());
}
layer.destroy();
const traced = await gpu.load(tracing);
traced.init({ seed: 1 });
const x = { shape: [3, 2, 3], data: new Float32Array(18).fill(1) } as const;
const seen = await traced.run({ inputs: { x }, cotangents: { outputs: { h: new Float32Array(48).fill(1) } } });
const gate: 8 | undefined = seen.traces?.f.shape[2];
// @ts-expect-error n is not traced
seen.traces?.n;
console.log('traced', seen.traces?.f.shape.join(), gate, seen.gradients?.traces?.h.data.some((each) => each !== 0));
traced.destroy();
gpu.close();
`;
