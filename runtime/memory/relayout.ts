/**
 * Dense tensors in a caller's own buffers, to and from their padded, step-ordered places in a plan's: what `copy.ts` does
 * for the host, without the host. Row-major float32 on the dense side.
 */
import type { Plan } from '../../codegen/plan.js';
import { elements } from '../data.js';
import type { Supervised } from '../device/supervise.js';
import { constants } from './buffers.js';
import { type Extent, shapeIn, wordsIn } from './copy.js';
import type { PlacedTensor } from './slots.js';

const LANES = 64;

/** One unit is `[lead, rows, columns]`: only the last two axes are ever padded. */
const WGSL = `
struct Layout {
  count: u32, stride: u32, offset: u32, reverse: u32,
  batch: u32, paddedBatch: u32, lengths: u32, lead: u32,
  rows: u32, paddedRows: u32, columns: u32, paddedColumns: u32,
  first: u32, before: u32,
}
@group(0) @binding(0) var<uniform> form: Layout;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;
@group(0) @binding(2) var<storage, read> source: array<u32>;
@group(0) @binding(3) var<storage, read_write> goal: array<u32>;

// Step and position are the same thing seen from both sides: reversing twice changes nothing.
fn turned(step: u32, sequence: u32) -> u32 {
  let length = lengths[form.lengths + sequence];
  return select(step, length - 1u - step, form.reverse == 1u && step < length);
}

// One word of the padded place each.
@compute @workgroup_size(${LANES})
fn pack(@builtin(global_invocation_id) id: vec3u) {
  let word = id.y * form.stride + id.x;
  if (word >= form.count) { return; }
  let column = word % form.paddedColumns;
  let row = word / form.paddedColumns % form.paddedRows;
  let unit = word / form.paddedColumns / form.paddedRows;
  let sequence = unit / form.lead % form.paddedBatch;
  let slot = unit / form.lead / form.paddedBatch;
  let step = slot + form.first - form.before;
  var value = 0u;
  // Before the first step there is none.
  let there = slot + form.first >= form.before;
  if (column < form.columns && row < form.rows && sequence < form.batch && there) {
    let at = (turned(step, sequence) * form.batch + sequence) * form.lead + unit % form.lead;
    value = source[(at * form.rows + row) * form.columns + column];
  }
  goal[form.offset + word] = value;
}

// One element of the dense tensor each.
@compute @workgroup_size(${LANES})
fn unpack(@builtin(global_invocation_id) id: vec3u) {
  let element = id.y * form.stride + id.x;
  if (element >= form.count) { return; }
  let column = element % form.columns;
  let row = element / form.columns % form.rows;
  let unit = element / form.columns / form.rows;
  let sequence = unit / form.lead % form.batch;
  let slot = unit / form.lead / form.batch;
  let start = (slot * form.paddedBatch + sequence) * form.lead + unit % form.lead;
  let end = (turned(form.first + slot, sequence) * form.batch + sequence) * form.lead + unit % form.lead;
  goal[(end * form.rows + row) * form.columns + column] =
    source[form.offset + (start * form.paddedRows + row) * form.paddedColumns + column];
}
`;

export type Direction = 'pack' | 'unpack';

/** A tensor of a plan beside the caller's buffer that it goes to or comes from. */
export interface Relayout {
  readonly direction: Direction;
  readonly tensor: PlacedTensor;
  /** The plan's buffer. */
  readonly own: GPUBuffer;
  /** The caller's. */
  readonly dense: GPUBuffer;
}

/** Copies on the device, in the order of the queue. */
export class Relayouter {
  readonly #device: GPUDevice;
  readonly #plan: Pick<Plan, 'lengths'>;
  readonly #lengths: GPUBuffer;
  #pipelines: Readonly<Record<Direction, GPUComputePipeline>> | undefined;
  /** Layouts of what is encoded and not yet submitted. */
  readonly #layouts: GPUBuffer[] = [];

  /** @param lengths `u32[B]` of each time axis, as kernels read them: written before anything is copied */
  constructor({ device }: Supervised, plan: Pick<Plan, 'lengths'>, lengths: GPUBuffer) {
    this.#device = device;
    this.#plan = plan;
    this.#lengths = lengths;
  }

  /**
   * Encodes one copy. The dense side holds what `shapeIn` says.
   * @param first of a segment's steps: the dense side holds the whole sequences
   */
  encode(pass: GPUComputePassEncoder, { direction, tensor, own, dense }: Relayout, extent: Extent, first = 0): void {
    const count = direction === 'pack' ? wordsIn(tensor, extent) : elements(shapeIn(tensor, extent));
    if (count === 0) return;
    this.#pipelines ??= this.#compile();
    const pipeline = this.#pipelines[direction];
    const device = this.#device;
    const groups = Math.ceil(count / LANES);
    const across = Math.min(groups, device.limits.maxComputeWorkgroupsPerDimension);
    // A small buffer each time: what is queued must not be overwritten by the next copy.
    const layout = constants(device, 'layout', GPUBufferUsage.UNIFORM, [
      ...layoutOf(tensor, extent, this.#plan.lengths[tensor.time]?.offset ?? 0, count, across * LANES),
      first,
      tensor.slot.before ?? 0,
    ]);
    const [from, to] = direction === 'pack' ? [dense, own] : [own, dense];
    const bindings = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [layout, this.#lengths, from, to].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(across, Math.ceil(groups / across));
    this.#layouts.push(layout);
  }

  /** To be called when what was encoded has been submitted: frees what it took. */
  submitted(): void {
    for (const layout of this.#layouts.splice(0)) layout.destroy();
  }

  #compile(): Readonly<Record<Direction, GPUComputePipeline>> {
    const device = this.#device;
    const module = device.createShaderModule({ label: 'relayout', code: WGSL });
    const buffer = (type: GPUBufferBindingType, binding: number) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type },
    });
    const types = ['uniform', 'read-only-storage', 'read-only-storage', 'storage'] as const;
    const layout = device.createPipelineLayout({
      bindGroupLayouts: [device.createBindGroupLayout({ entries: types.map(buffer) })],
    });
    const pipeline = (entryPoint: Direction) => device.createComputePipeline({ layout, compute: { module, entryPoint } });
    return { pack: pipeline('pack'), unpack: pipeline('unpack') };
  }
}

function layoutOf(tensor: PlacedTensor, extent: Extent, lengths: number, count: number, stride: number): number[] {
  const { shape, padded } = tensor.unit;
  const [batch, paddedBatch] =
    tensor.leading === 'shared' ? [1, 1] : [extent.batch, tensor.slot.padded[tensor.leading === 'sequence' ? 1 : 0] ?? 1];
  const [rows, paddedRows] = [shape.at(-2) ?? 1, padded.at(-2) ?? 1];
  const [columns, paddedColumns] = [shape.at(-1) ?? 1, padded.at(-1) ?? 1];
  const lead = elements(shape.slice(0, -2));
  const reverse = tensor.leading === 'sequence' && extent.reverse ? 1 : 0;
  const { offset } = tensor.slot;
  return [count, stride, offset, reverse, batch, paddedBatch, lengths, lead, rows, paddedRows, columns, paddedColumns];
}
