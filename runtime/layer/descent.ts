/** Gradient descent on the device: θ ← θ − rate · ∂L/∂θ, and nothing crosses the bus. */
import { RecurveError } from '../../codegen/errors.js';
import type { Supervised } from '../device/supervise.js';
import type { Executable } from '../execute/index.js';
import { constants } from '../memory/buffers.js';
import type { PlacedTensor } from '../memory/slots.js';
import { requireForm } from './forms.js';

/** A step of gradient descent. */
export interface DescentStep {
  /** Of learning: a finite number; `DESCENT-RATE` otherwise. */
  readonly rate: number;
  /**
   * Gradients whose norm over all parameters is larger are scaled to it (Pascanu et al. 2013). Default: none is.
   */
  readonly maxNorm?: number;
}

const LANES = 256;
/** Workgroups of one parameter at most: each takes every so many words. */
const MOST_GROUPS = 1024;

/** A parameter and its gradient have the same layout; padding is zero in both. */
const WGSL = `
struct Step { slots: u32, rate: f32, most: f32 }
struct Pair { count: u32, param: u32, gradient: u32, slot: u32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> pairs: array<Pair>;
@group(0) @binding(2) var<storage, read_write> params: array<f32>;
@group(0) @binding(3) var<storage, read> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> squares: array<f32>;
var<workgroup> partial: array<f32, ${LANES}>;

// Σ g² of one parameter, always summed in the same order.
@compute @workgroup_size(${LANES})
fn square(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pair = pairs[group.y];
  var sum = 0.0;
  for (var at = lane; at < pair.count; at += ${LANES}u) {
    let g = gradients[pair.gradient + at];
    sum += g * g;
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { squares[pair.slot] = partial[0]; }
}

@compute @workgroup_size(${LANES})
fn descend(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let pair = pairs[group.y];
  var rate = step.rate;
  if (step.most > 0) {
    var total = 0.0;
    for (var slot = 0u; slot < step.slots; slot++) { total += squares[slot]; }
    rate *= min(1.0, step.most / max(sqrt(total), 1e-30));
  }
  for (var at = group.x * ${LANES}u + lane; at < pair.count; at += groups.x * ${LANES}u) {
    params[pair.param + at] -= rate * gradients[pair.gradient + at];
  }
}
`;

/** A parameter with its gradient, and where the sum of its squares goes. */
interface Pair {
  readonly param: PlacedTensor;
  readonly gradient: PlacedTensor;
  readonly slot: number;
}

/** Parameters that lie in one buffer, as their gradients do: one dispatch. */
interface Together {
  readonly table: GPUBuffer;
  readonly bindings: GPUBindGroup;
  readonly pairs: number;
  readonly groups: number;
}

interface Made {
  readonly kernels: Readonly<Record<'square' | 'descend', GPUComputePipeline>>;
  readonly step: GPUBuffer;
  readonly squares: GPUBuffer;
  readonly dispatches: readonly Together[];
}

export class Descent {
  readonly #device: GPUDevice;
  readonly #executable: Executable;
  readonly #pairs: readonly Pair[];
  #made: Made | undefined;
  /** What the device was told. */
  #told: DescentStep | undefined;

  constructor({ device }: Supervised, executable: Executable) {
    this.#device = device;
    this.#executable = executable;
    this.#pairs = [...executable.results.values()]
      .flatMap((gradient): Omit<Pair, 'slot'>[] => {
        const param = gradient.group === 'gradients.params' ? executable.given.get(`params.${gradient.name}`) : undefined;
        return param === undefined ? [] : [{ param, gradient }];
      })
      .map((pair, slot) => ({ ...pair, slot }));
  }

  /** A step that `requireStep` let pass. */
  apply({ rate, maxNorm }: DescentStep): void {
    this.#made ??= this.#make();
    const { kernels, step, dispatches } = this.#made;
    const device = this.#device;
    if (rate !== this.#told?.rate || maxNorm !== this.#told.maxNorm) {
      device.queue.writeBuffer(step, 4, Float32Array.of(rate, maxNorm ?? 0));
      this.#told = { rate, maxNorm };
    }
    const encoder = device.createCommandEncoder({ label: 'descent' });
    const pass = encoder.beginComputePass({ label: 'descent' });
    if (maxNorm !== undefined) {
      pass.setPipeline(kernels.square);
      for (const { bindings, pairs } of dispatches) {
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(1, pairs);
      }
    }
    pass.setPipeline(kernels.descend);
    for (const { bindings, groups, pairs } of dispatches) {
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(groups, pairs);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    if (this.#made === undefined) return;
    const { step, squares, dispatches } = this.#made;
    for (const buffer of [step, squares, ...dispatches.map(({ table }) => table)]) buffer.destroy();
  }

  #make(): Made {
    const device = this.#device;
    const module = device.createShaderModule({ label: 'descent', code: WGSL });
    const types = ['uniform', 'read-only-storage', 'storage', 'read-only-storage', 'storage'] as const;
    const layout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
    const pipelines = device.createPipelineLayout({ bindGroupLayouts: [layout] });
    const pipeline = (entryPoint: 'square' | 'descend') =>
      device.createComputePipeline({ layout: pipelines, compute: { module, entryPoint } });
    const size = Math.max(4, 4 * this.#pairs.length);
    const squares = device.createBuffer({ label: 'squares', size, usage: GPUBufferUsage.STORAGE });
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const step = constants(device, 'step', usage, [this.#pairs.length, 0, 0]);
    const dispatches = this.#together().map(({ params, gradients, pairs }): Together => {
      const words = pairs.flatMap(({ param, gradient, slot }) => [param.words, param.slot.offset, gradient.slot.offset, slot]);
      const table = constants(device, 'parameters', GPUBufferUsage.STORAGE, words);
      const entries = [step, table, params, gradients, squares].map((buffer, binding) => ({ binding, resource: { buffer } }));
      const largest = Math.max(...pairs.map(({ param }) => param.words));
      const bindings = device.createBindGroup({ label: 'descent', layout, entries });
      return { table, bindings, pairs: pairs.length, groups: Math.min(MOST_GROUPS, Math.ceil(largest / LANES)) };
    });
    return { kernels: { square: pipeline('square'), descend: pipeline('descend') }, step, squares, dispatches };
  }

  /** By the buffers that they and their gradients lie in: a large plan has several. */
  #together() {
    const found: { readonly params: GPUBuffer; readonly gradients: GPUBuffer; readonly pairs: Pair[] }[] = [];
    for (const pair of this.#pairs) {
      const [params, gradients] = [this.#executable.bufferOf(pair.param), this.#executable.bufferOf(pair.gradient)];
      const known = found.find((each) => each.params === params && each.gradients === gradients);
      if (known === undefined) found.push({ params, gradients, pairs: [pair] });
      else known.pairs.push(pair);
    }
    return found;
  }
}

/** @throws RecurveError `DESCENT-RATE`; `DATA-TYPE`, `DATA-KEY` */
export function requireStep(step: DescentStep): void {
  requireForm('descend', step, ['rate', 'maxNorm']);
  const { rate, maxNorm } = step;
  requireNumber('rate', rate, typeof rate === 'number' && Number.isFinite(Math.fround(rate)));
  if (maxNorm !== undefined) requireNumber('maxNorm', maxNorm, typeof maxNorm === 'number' && Math.fround(maxNorm) > 0);
}

function requireNumber(name: string, value: number, good: boolean): void {
  if (good) return;
  throw new RecurveError({
    code: 'DESCENT-RATE',
    message: `${name} is ${typeof value === 'string' ? JSON.stringify(value) : value}`,
    fix: name === 'rate' ? 'Give a number that float32 can hold.' : 'Give a number above 0, or leave it out.',
    where: name,
  });
}
