/** Final states into the places of initial ones, on the device: what the last run left is what the next begins with. */
import type { Supervised } from '../device/supervise.js';
import { constants } from './buffers.js';
import type { PlacedTensor } from './slots.js';

const LANES = 64;
/** Workgroups of one state at most: each takes every so many words. */
const MOST_GROUPS = 1024;

/** WebGPU copies from one buffer to another only, and both places of a state often lie in one. */
const WGSL = `
struct Place { start: u32, goal: u32, words: u32 }
@group(0) @binding(0) var<storage, read> states: array<Place>;
@group(0) @binding(1) var<storage, read_write> memory: array<u32>;

@compute @workgroup_size(${LANES})
fn carry(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let state = states[group.y];
  for (var at = group.x * ${LANES}u + lane; at < state.words; at += groups.x * ${LANES}u) {
    memory[state.goal + at] = memory[state.start + at];
  }
}
`;

interface State {
  readonly final: PlacedTensor;
  readonly initial: PlacedTensor;
}

/** The states of one buffer, copied by one dispatch. */
interface Within {
  readonly table: GPUBuffer;
  readonly bindings: GPUBindGroup;
  readonly workgroups: readonly [number, number];
}

export class Carrier {
  readonly #device: GPUDevice;
  readonly #place: (tensor: PlacedTensor) => GPUBuffer;
  /** Whose two places lie in one buffer, by that, and in two. */
  readonly #within = new Map<GPUBuffer, State[]>();
  readonly #between: State[] = [];
  #made: { readonly pipeline: GPUComputePipeline; readonly dispatches: readonly Within[] } | undefined;

  /** @param place the buffer that holds a tensor */
  constructor(
    { device }: Supervised,
    given: readonly PlacedTensor[],
    results: readonly PlacedTensor[],
    place: (tensor: PlacedTensor) => GPUBuffer,
  ) {
    this.#device = device;
    this.#place = place;
    for (const state of statesOf(given, results)) {
      const [from, to] = [place(state.final), place(state.initial)];
      if (from !== to) this.#between.push(state);
      else this.#within.set(to, [...(this.#within.get(to) ?? []), state]);
    }
  }

  /** Between buffers, for which a pass would have to end. */
  copy(encoder: GPUCommandEncoder): void {
    for (const { final, initial } of this.#between) {
      const [start, goal] = [final.slot.offset * 4, initial.slot.offset * 4];
      encoder.copyBufferToBuffer(this.#place(final), start, this.#place(initial), goal, initial.words * 4);
    }
  }

  /** Within them. */
  encode(pass: GPUComputePassEncoder): void {
    if (this.#within.size === 0) return;
    this.#made ??= this.#make();
    pass.setPipeline(this.#made.pipeline);
    for (const { bindings, workgroups } of this.#made.dispatches) {
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(...workgroups);
    }
  }

  destroy(): void {
    for (const { table } of this.#made?.dispatches ?? []) table.destroy();
  }

  #make() {
    const device = this.#device;
    const module = device.createShaderModule({ label: 'carry state', code: WGSL });
    const pipeline = device.createComputePipeline({ label: 'carry state', layout: 'auto', compute: { module } });
    const dispatches = [...this.#within].map(([buffer, states]): Within => {
      const words = states.flatMap(({ final, initial }) => [final.slot.offset, initial.slot.offset, initial.words]);
      const table = constants(device, 'states', GPUBufferUsage.STORAGE, words);
      const entries = [table, buffer].map((each, binding) => ({ binding, resource: { buffer: each } }));
      const bindings = device.createBindGroup({ label: 'carry state', layout: pipeline.getBindGroupLayout(0), entries });
      const largest = Math.max(...states.map(({ initial }) => initial.words));
      return { table, bindings, workgroups: [Math.min(MOST_GROUPS, Math.ceil(largest / LANES)), states.length] };
    });
    return { pipeline, dispatches };
  }
}

/** Final states, each beside the initial one that it becomes. */
function statesOf(given: readonly PlacedTensor[], results: readonly PlacedTensor[]): State[] {
  return given
    .filter(({ group }) => group === 'state')
    .map((initial) => {
      const final = results.find(({ path }) => path === `final.${initial.name}`);
      if (final?.words !== initial.words) throw new Error(`the plan has no final.${initial.name} like state.${initial.name}`);
      return { final, initial };
    });
}
