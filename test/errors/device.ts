/** What goes wrong with adapters, devices and layers on them. All on the embedded SwiftShader. */
import { vi } from 'vitest';
import { runPasses } from '../../bench/passes.js';
import { compile, compileWithin, resolveOptions } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import { type AdapterChoice, openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { supervise } from '../../runtime/device/supervise.js';
import { type Layer, load, type RunRequest, type StepRequest } from '../../runtime/layer/index.js';
import { TARGET } from '../codegen/target.js';
import { builtIn, fromText, prepare } from '../conformance/compare-cell.js';
import { runningSumData, runningSumPlan } from '../execute/running-sum.js';
import { cellOf } from '../frontend/specs.js';
import { type Witness, witness } from './witness.js';

const SIZES = { T: 3, B: 2, H: 5 };
const PLAN = runningSumPlan(SIZES);
const DATA = runningSumData(SIZES);

const onDevice = (use: (owner: RecurveDevice) => unknown, found: string): Witness =>
  witness(async () => {
    const owner = await openDevice('swiftshader');
    try {
      return await use(owner);
    } finally {
      vi.restoreAllMocks();
      owner.close();
    }
  }, found);

/** A plan that this device, or the runtime, refuses. */
const plan = (change: (plan: Plan) => Partial<Plan>, found: string) =>
  onDevice((owner) => load(owner, { ...PLAN, ...change(PLAN) }), found);
/** A layer, of which something is asked that it does not do. */
const layer = (ask: (layer: Layer, owner: RecurveDevice) => unknown, found: string, more: Partial<Plan> = {}) =>
  onDevice(async (owner) => ask(await load(owner, { ...PLAN, ...more }), owner), found);

const LSTM = builtIn('lstm');
const LSTM_REQUEST = { options: resolveOptions(LSTM, {}), sizes: { T: 3, B: 1, I: 2, H: 2 }, gradients: true };

/** A test made of so many tests that no kernel holds it, and that nothing cuts. */
const TESTS = cellOf({
  body: `const a = matvec(p.W, x) + matvec(p.U, h) + p.b;
let q = a > 0;
for (let k = 0; k < 3000; k++) q = q || a > k;
return { h: q ? a : 2 * a };`,
});

export const DEVICE = {
  'ADAPTER-NONE': onDevice(({ gpu }) => {
    vi.spyOn(Object.getPrototypeOf(gpu), 'requestAdapter').mockResolvedValue(null);
    return openDevice('hardware');
  }, 'no hardware adapter'),
  'ADAPTER-REFUSED': onDevice(({ gpu }) => {
    vi.spyOn(Object.getPrototypeOf(gpu), 'requestAdapter').mockResolvedValue(null);
    return openDevice('swiftshader');
  }, 'the embedded SwiftShader'),
  'ADAPTER-UNKNOWN': witness(() => openDevice('cuda' as AdapterChoice), 'cuda'),
  'DEVICE-ERROR': layer((asked, owner) => {
    const small = owner.device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST });
    owner.device.queue.writeBuffer(small, 0, new Float32Array(8));
    return asked.run(DATA as RunRequest);
  }, 'refused a command'),
  'DEVICE-CLOSED': layer((asked, owner) => {
    owner.close();
    return asked.run(DATA as RunRequest);
  }, 'was closed'),
  'DEVICE-LOST': layer((asked, owner) => {
    owner.device.destroy(); // not through close(): as if the driver had done it
    return asked.run(DATA as RunRequest);
  }, 'was lost'),
  'DEVICE-MEMORY': onDevice(() => {
    const device = Object.assign(new EventTarget(), { lost: new Promise<never>(() => {}) }) as unknown as GPUDevice;
    const supervised = supervise(device, { name: 'a card', time: 'uniform', maker: 'recurve' });
    const error = new GPUOutOfMemoryError('2 GiB asked for');
    device.dispatchEvent(Object.assign(new Event('uncapturederror', { cancelable: true }), { error }));
    supervised.check();
  }, '2 GiB asked for'),
  'DEVICE-REFUSED': onDevice(() => {
    vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockRejectedValue(new Error('none left'));
    return openDevice('swiftshader');
  }, 'none left'),
  'LIMIT-BINDINGS': plan(({ kernels }) => {
    const bindings = Array.from({ length: 13 }, () => ({ buffer: 'given', access: 'read' as const }));
    return { kernels: kernels.map((kernel) => ({ ...kernel, bindings })) };
  }, 'binds 13 buffers'),
  'LIMIT-BUFFER': plan(({ buffers }) => ({ buffers: [...buffers, { name: 'huge', bytes: 2 ** 40 }] }), 'buffer huge'),
  'LIMIT-KERNEL': witness(() => {
    const sizes = { T: 3, B: 2, I: 2, H: 5 };
    const { tree, options } = prepare(fromText(TESTS), sizes);
    return compile(tree, { options, sizes, gradients: true, target: TARGET });
  }, '8000'),
  'LIMIT-SUBGROUP': plan(
    ({ kernels }) => ({ kernels: kernels.map((kernel) => ({ ...kernel, subgroup: 128 })) }),
    'subgroups of 128 lanes',
  ),
  'LIMIT-WORKGROUPS': plan(
    ({ passes }) => ({ passes: passes.map((pass) => ({ ...pass, workgroups: [70_000, 1, 1] as const })) }),
    '70000 workgroups',
  ),
  TIMESTAMPS: onDevice((owner) => {
    const device = { ...owner, adapter: { ...owner.adapter, features: [] } };
    return runPasses({ device, cases: [], strategies: [], rates: undefined, onProgress() {} });
  }, 'no timestamps'),

  'DATA-BUFFER': layer((asked, { device }) => {
    const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
    return asked.run({ ...DATA, inputs: { x: buffer } } as unknown as RunRequest);
  }, 'has 4 bytes'),
  'DESCENT-RATE': layer((asked) => asked.descend({ rate: Number.NaN }), 'NaN'),
  'LAYER-DESTROYED': layer((asked) => {
    asked.destroy();
    return asked.run(DATA as RunRequest);
  }, 'running-sum was destroyed'),
  'PARAMS-SHARED': layer(
    (asked, owner) => load(owner, runningSumPlan({ ...SIZES, H: 9 }), { params: asked }),
    'its parameters differ',
  ),
  'MEMORY-LEAST': witness(() => compileWithin(LSTM, { ...LSTM_REQUEST, target: TARGET }, 100), 'and 100 are allowed'),
  'MEMORY-PLACE': onDevice(async (owner) => {
    const plan = compile(LSTM, { ...LSTM_REQUEST, segmentsOf: 9, target: owner.target });
    return (await load(owner, plan)).place('outputs.h');
  }, 'outputs.h has no place on the device'),
  'RESULT-UNKNOWN': layer((asked) => asked.place('outputs.q'), 'outputs.q'),
  'RUN-EXTENT': layer((asked) => asked.run({ ...DATA, batch: 9 } as RunRequest), 'B is 9'),
  'RUN-GRADIENTS': layer((asked) => asked.backward({ cotangents: {} }), 'without gradients', { gradients: false }),
  'RUN-MODEL': layer((asked) => asked.step(DATA as unknown as StepRequest), 'has no single step', { model: true }),
  'RUN-ORDER': layer((asked) => asked.backward({ cotangents: {} }), 'backward has no forward run'),
} as const satisfies Readonly<Record<string, Witness>>;
