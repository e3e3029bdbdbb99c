/** Host data into a plan's buffers, through one staging array that every run uses again. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import { type CellData, elements, requireRates, type Tensors } from '../data.js';
import { bufferOf } from './buffers.js';
import { type Extent, type Numbers, pad } from './copy.js';
import type { PlacedTensor } from './slots.js';

export type Uploader = (data: CellData) => Extent;

/**
 * Prepares the upload of a plan's tensors. The function it returns writes everything a run reads from the host,
 * padding included: nothing of an earlier run is left. A state that is missing is what its `init` says,
 * or zero; what `cotangents` lack is zero.
 */
export function createUploader(
  device: GPUDevice,
  plan: Plan,
  buffers: ReadonlyMap<string, GPUBuffer>,
  given: readonly PlacedTensor[],
): Uploader {
  const staging = new Float32Array(given.reduce((most, tensor) => Math.max(most, tensor.words), 0));
  const batch = plan.sizes.B ?? 1;
  const steps = plan.sizes.T ?? 1;
  const lengthWords = new Uint32Array(batch);
  const targets = given.map((tensor) => ({ tensor, buffer: bufferOf(buffers, tensor.slot.buffer) }));
  const lengthsBuffer = bufferOf(buffers, plan.lengths.buffer);
  const seed = plan.seed && { ...plan.seed, buffer: bufferOf(buffers, plan.seed.buffer) };

  return (data) => {
    const extent = { lengths: checkLengths(data.lengths, batch, steps), reverse: data.reverse };
    // Everything is checked before anything is written.
    requireRates(plan.rates, data.params);
    const sources = targets.map(({ tensor }) => checkSource(tensor, data));
    lengthWords.set(extent.lengths);
    device.queue.writeBuffer(lengthsBuffer, plan.lengths.offset * 4, lengthWords);
    if (seed) device.queue.writeBuffer(seed.buffer, seed.offset * 4, Uint32Array.of(data.seed ?? 0));
    targets.forEach(({ tensor, buffer }, index) => {
      const source = sources[index];
      const { fill, shape } = tensor.slot;
      if (source) pad(tensor, source, staging, extent);
      else if (fill !== undefined) pad(tensor, new Float32Array(elements(shape)).fill(fill), staging, extent);
      else staging.fill(0, 0, tensor.words);
      device.queue.writeBuffer(buffer, tensor.slot.offset * 4, staging, 0, tensor.words);
    });
    return extent;
  };
}

/** The numbers for a tensor, `undefined` where the data have none and need not. */
function checkSource(tensor: PlacedTensor, data: CellData): Numbers | undefined {
  const { path, name, slot } = tensor;
  const found = groupOf(tensor, data)?.[name];
  if (!found) {
    if (tensor.group !== 'inputs' && tensor.group !== 'params') return undefined;
    throw new RecurveError({ code: 'DATA-MISSING', message: `${path} is missing`, fix: `Give ${path}.`, where: path });
  }
  const fits = found.shape.length === slot.shape.length && found.shape.every((size, axis) => size === slot.shape[axis]);
  if (!fits || found.data.length !== elements(slot.shape)) {
    throw new RecurveError({
      code: 'DATA-SHAPE',
      message: `${path} has shape [${found.shape.join(', ')}] and ${found.data.length} numbers`,
      fix: `Give it the shape [${slot.shape.join(', ')}].`,
      where: path,
    });
  }
  return found.data;
}

function groupOf({ group, path }: PlacedTensor, data: CellData): Tensors | undefined {
  switch (group) {
    case 'inputs':
      return data.inputs;
    case 'state':
      return data.state;
    case 'params':
      return data.params;
    case 'cotangents.outputs':
      return data.cotangents?.outputs;
    case 'cotangents.state':
      return data.cotangents?.state;
    default:
      throw new Error(`the plan has a tensor ${path} of no known group`);
  }
}

function checkLengths(lengths: readonly number[] | undefined, batch: number, steps: number): readonly number[] {
  const checked = lengths ?? Array.from({ length: batch }, () => steps);
  const good = (length: number) => Number.isInteger(length) && length >= 0 && length <= steps;
  if (checked.length !== batch || !checked.every(good)) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `lengths are [${checked.join(', ')}]`,
      fix: `Give ${batch} whole numbers from 0 to ${steps}, one for each sequence.`,
      where: 'lengths',
    });
  }
  return checked;
}
