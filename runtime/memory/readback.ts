/** Results out of a plan's buffers: all of them through one mapped buffer, made once. */
import type { Plan } from '../../codegen/plan.js';
import type { CellResult, Tensor } from '../data.js';
import type { RecurveDevice } from '../device/index.js';
import { bufferOf, checkSize } from './buffers.js';
import { type Extent, unpad } from './copy.js';
import type { PlacedTensor } from './slots.js';

/** Forward only, or backward as well. */
export type Scope = 'forward' | 'forwardBackward';

export interface Readback {
  /** Waits for what was submitted and returns its results. One at a time. */
  read(scope: Scope, extent: Extent): Promise<CellResult>;
  destroy(): void;
}

interface Copy {
  readonly tensor: PlacedTensor;
  readonly source: GPUBuffer;
  /** In 32-bit words from the start of the mapped buffer. */
  readonly at: number;
}

/** @throws RecurveError `LIMIT-BUFFER` */
export function createReadback(
  owner: RecurveDevice,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
  results: readonly PlacedTensor[],
): Readback {
  const { device } = owner;
  // Forward results first, so that a forward run maps a prefix.
  const isGradient = ({ group }: PlacedTensor) => group.startsWith('gradients.');
  const ordered = [...results.filter((tensor) => !isGradient(tensor)), ...results.filter(isGradient)];
  let words = 0;
  const copies: Copy[] = ordered.map((tensor) => {
    const copy = { tensor, source: bufferOf(buffers, tensor.slot.buffer), at: words };
    words += tensor.words;
    return copy;
  });
  checkSize(owner, `for the results of ${plan.cell}`, words * 4, 'maxBufferSize');
  const mapped = device.createBuffer({
    label: 'results',
    size: Math.max(words * 4, 4),
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const forward = copies.filter(({ tensor }) => !isGradient(tensor));
  let busy = false;

  return {
    async read(scope, extent) {
      if (busy) throw new Error('a read is under way: await it before the next');
      busy = true;
      try {
        const wanted = scope === 'forward' ? forward : copies;
        const encoder = device.createCommandEncoder({ label: 'read results' });
        for (const { tensor, source, at } of wanted) {
          encoder.copyBufferToBuffer(source, tensor.slot.offset * 4, mapped, at * 4, tensor.words * 4);
        }
        device.queue.submit([encoder.finish()]);
        const bytes = wanted.reduce((sum, { tensor }) => sum + tensor.words * 4, 0);
        await owner.settle(mapped.mapAsync(GPUMapMode.READ, 0, bytes));
        const memory = new Float32Array(mapped.getMappedRange(0, bytes));
        try {
          return collect(wanted, memory, extent, scope);
        } finally {
          mapped.unmap();
        }
      } finally {
        busy = false;
      }
    },
    destroy: () => mapped.destroy(),
  };
}

function collect(copies: readonly Copy[], memory: Float32Array, extent: Extent, scope: Scope): CellResult {
  const groups: Record<string, Record<string, Tensor>> = {};
  for (const { tensor, at } of copies) {
    const data = unpad(tensor, memory.subarray(at, at + tensor.words), extent);
    groups[tensor.group] ??= {};
    Object.assign(groups[tensor.group] ?? {}, { [tensor.name]: { shape: tensor.slot.shape, data } });
  }
  const group = (name: string) => groups[name] ?? {};
  const result = { outputs: group('outputs'), state: group('final') };
  if (scope === 'forward') return result;
  const gradients = {
    inputs: group('gradients.inputs'),
    state: group('gradients.state'),
    params: group('gradients.params'),
  };
  return { ...result, gradients };
}
