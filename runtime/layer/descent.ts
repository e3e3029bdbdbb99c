/** Gradient descent on the device: θ ← θ − rate · ∂L/∂θ, and nothing crosses the bus. */
import { RecurveError } from '../../codegen/errors.js';
import type { Supervised } from '../device/supervise.js';
import type { Executable } from '../execute/index.js';
import type { PlacedTensor } from '../memory/slots.js';

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

/** A parameter and its gradient have the same layout; padding is zero in both. */
const WGSL = `
struct Step { count: u32, param: u32, gradient: u32, slot: u32, slots: u32, rate: f32, most: f32 }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> params: array<f32>;
@group(0) @binding(2) var<storage, read> gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> squares: array<f32>;
var<workgroup> partial: array<f32, ${LANES}>;

// Σ g² of one parameter, always summed in the same order.
@compute @workgroup_size(${LANES})
fn square(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var at = lane; at < step.count; at += ${LANES}u) {
    let g = gradients[step.gradient + at];
    sum += g * g;
  }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = ${LANES / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { squares[step.slot] = partial[0]; }
}

@compute @workgroup_size(${LANES})
fn descend(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * ${LANES}u + lane;
  if (at >= step.count) { return; }
  var rate = step.rate;
  if (step.most > 0) {
    var total = 0.0;
    for (var slot = 0u; slot < step.slots; slot++) { total += squares[slot]; }
    rate *= min(1.0, step.most / max(sqrt(total), 1e-30));
  }
  params[step.param + at] -= rate * gradients[step.gradient + at];
}
`;

const STEP_BYTES = 32;

interface Pair {
  readonly param: PlacedTensor;
  readonly gradient: PlacedTensor;
}

export class Descent {
  readonly #device: GPUDevice;
  readonly #executable: Executable;
  readonly #pairs: readonly Pair[];
  #made:
    | {
        readonly kernels: Record<'square' | 'descend', GPUComputePipeline>;
        readonly layout: GPUBindGroupLayout;
        readonly squares: GPUBuffer;
      }
    | undefined;

  constructor({ device }: Supervised, executable: Executable) {
    this.#device = device;
    this.#executable = executable;
    this.#pairs = [...executable.results.values()].flatMap((gradient): Pair[] => {
      const param = gradient.group === 'gradients.params' ? executable.given.get(`params.${gradient.name}`) : undefined;
      return param === undefined ? [] : [{ param, gradient }];
    });
  }

  /** A step that `requireStep` let pass. */
  apply({ rate, maxNorm }: DescentStep): void {
    this.#made ??= this.#make();
    const { kernels } = this.#made;
    const device = this.#device;
    const steps = this.#pairs.map((pair, slot) => this.#step(pair, slot, rate, maxNorm));
    const encoder = device.createCommandEncoder({ label: 'descent' });
    const pass = encoder.beginComputePass({ label: 'descent' });
    if (maxNorm !== undefined) {
      pass.setPipeline(kernels.square);
      for (const { bindings } of steps) {
        pass.setBindGroup(0, bindings);
        pass.dispatchWorkgroups(1);
      }
    }
    pass.setPipeline(kernels.descend);
    for (const { bindings, words } of steps) {
      pass.setBindGroup(0, bindings);
      const groups = Math.ceil(words / LANES);
      const across = Math.min(groups, device.limits.maxComputeWorkgroupsPerDimension);
      pass.dispatchWorkgroups(across, Math.ceil(groups / across));
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
    for (const { uniform } of steps) uniform.destroy();
  }

  destroy(): void {
    this.#made?.squares.destroy();
  }

  #step({ param, gradient }: Pair, slot: number, rate: number, maxNorm: number | undefined) {
    const device = this.#device;
    if (this.#made === undefined) throw new Error('no pipelines yet');
    const uniform = device.createBuffer({
      label: 'step',
      size: STEP_BYTES,
      usage: GPUBufferUsage.UNIFORM,
      mappedAtCreation: true,
    });
    const memory = uniform.getMappedRange();
    new Uint32Array(memory).set([param.words, param.slot.offset, gradient.slot.offset, slot, this.#pairs.length]);
    new Float32Array(memory).set([rate, maxNorm ?? 0], 5);
    uniform.unmap();
    const buffers = [uniform, this.#executable.bufferOf(param), this.#executable.bufferOf(gradient), this.#made.squares];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    return { uniform, words: param.words, bindings: device.createBindGroup({ layout: this.#made.layout, entries }) };
  }

  #make() {
    const device = this.#device;
    const module = device.createShaderModule({ label: 'descent', code: WGSL });
    const types = ['uniform', 'storage', 'read-only-storage', 'storage'] as const;
    const layout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
    const pipeline = (entryPoint: 'square' | 'descend') =>
      device.createComputePipeline({
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint },
      });
    const size = Math.max(4, 4 * this.#pairs.length);
    const squares = device.createBuffer({ label: 'squares', size, usage: GPUBufferUsage.STORAGE });
    return { kernels: { square: pipeline('square'), descend: pipeline('descend') }, layout, squares };
  }
}

/** @throws RecurveError `DESCENT-RATE` */
export function requireStep({ rate, maxNorm }: DescentStep): void {
  requireNumber('rate', rate, Number.isFinite(rate));
  if (maxNorm !== undefined) requireNumber('maxNorm', maxNorm, maxNorm > 0);
}

function requireNumber(name: string, value: number, good: boolean): void {
  if (good) return;
  throw new RecurveError({
    code: 'DESCENT-RATE',
    message: `${name} is ${value}`,
    fix: name === 'rate' ? 'Give a finite number.' : 'Give a number above 0, or leave it out.',
    where: name,
  });
}
