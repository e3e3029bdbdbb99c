/** How much of a plan a request uses, and what each of its tensors holds. */
import { RecurveError } from '../../codegen/errors.js';
import { elements } from '../data.js';
import { type Executable, isBuffer, type Source } from '../execute/index.js';
import { type Extent, shapeIn } from '../memory/copy.js';
import type { PlacedTensor } from '../memory/slots.js';
import type { Given, GivenTensor, RunExtent } from './types.js';

export type GivenTensors = Readonly<Record<string, Given | undefined>>;

/**
 * T, B and lengths of a run: as stated, or as the tensors tell.
 * @throws RecurveError `RUN-EXTENT`, `DATA-LENGTHS`, `DATA-SHAPE`
 */
export function extentOf(
  { plan, given }: Pick<Executable, 'plan' | 'given'>,
  request: RunExtent & { readonly inputs: GivenTensors; readonly state: GivenTensors },
): Extent {
  const { T = 1, B = 1 } = plan.sizes;
  const timed = Object.entries(request.inputs).filter(([name]) => given.get(`inputs.${name}`)?.leading !== 'row');
  const sequences = shapesOf(Object.fromEntries(timed));
  const rows = shapesOf(request.state);
  const batch = request.batch ?? sequences[0]?.[1] ?? rows[0]?.[0] ?? request.lengths?.length ?? B;
  requireWithin('B', batch, B, plan.cell);
  const steps = request.steps ?? sequences[0]?.[0] ?? stepsOfArrays(Object.fromEntries(timed), given, batch) ?? T;
  requireWithin('T', steps, T, plan.cell);
  return { steps, batch, lengths: checkLengths(request.lengths, batch, steps), reverse: request.reverse ?? false };
}

function shapesOf(tensors: GivenTensors): (readonly number[])[] {
  return Object.values(tensors).flatMap((tensor) => (isTensor(tensor) ? [tensor.shape] : []));
}

/** As many steps as a bare array holds. */
function stepsOfArrays(inputs: GivenTensors, given: Executable['given'], batch: number): number | undefined {
  for (const [name, tensor] of Object.entries(inputs)) {
    const place = given.get(`inputs.${name}`);
    if (!ArrayBuffer.isView(tensor) || place === undefined) continue;
    const steps = tensor.length / (batch * elements(place.unit.shape));
    if (!Number.isInteger(steps)) {
      throw new RecurveError({
        code: 'DATA-SHAPE',
        message: `inputs.${name} has ${tensor.length} numbers, which are no whole number of steps of [${batch}, ${place.slot.shape.slice(2).join(', ')}]`,
        fix: 'Give as many numbers as T·B·units, or { shape, data }.',
        where: `inputs.${name}`,
      });
    }
    return steps;
  }
  return undefined;
}

function requireWithin(dim: 'T' | 'B', size: number, most: number, cell: string): void {
  if (Number.isInteger(size) && size >= 1 && size <= most) return;
  throw new RecurveError({
    code: 'RUN-EXTENT',
    message: `${dim} is ${size}, and the plan for ${cell} was compiled for ${dim} = ${most}`,
    fix: `Compile it for the largest ${dim} that comes; a plan serves every smaller one, from 1 on.`,
    where: dim,
  });
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

/**
 * What a tensor is to hold.
 * @throws RecurveError `DATA-SHAPE`, `DATA-BUFFER`
 */
export function sourceOf(tensor: PlacedTensor, given: Given, extent: Extent): Source {
  const expected = shapeIn(tensor, extent);
  if (isBuffer(given)) return requireDense(given, tensor.path, expected);
  const { shape, data } = isTensor(given) ? given : { shape: undefined, data: given };
  const fits = shape === undefined || (shape.length === expected.length && shape.every((size, axis) => size === expected[axis]));
  if (fits && data?.length === elements(expected)) return data;
  const found = shape === undefined ? '' : `has shape [${shape.join(', ')}] and `;
  throw new RecurveError({
    code: 'DATA-SHAPE',
    message: `${tensor.path} ${found || 'has '}${data?.length ?? 'no'} numbers`,
    fix: `Give it the shape [${expected.join(', ')}].`,
    where: tensor.path,
  });
}

/**
 * A buffer of the caller's that holds a dense tensor, or is to.
 * @throws RecurveError `DATA-BUFFER`
 */
export function requireDense(buffer: GPUBuffer, path: string, shape: readonly number[]): GPUBuffer {
  const bytes = 4 * elements(shape);
  const usable = (buffer.usage & GPUBufferUsage.STORAGE) !== 0;
  if (usable && buffer.size >= bytes) return buffer;
  const found = usable ? `${buffer.size} bytes` : 'no usage STORAGE';
  throw new RecurveError({
    code: 'DATA-BUFFER',
    message: `the buffer for ${path} has ${found}`,
    fix: `Make it with usage STORAGE and ${bytes} bytes or more: [${shape.join(', ')}] as float32, row-major.`,
    where: path,
  });
}

function isTensor(given: Given | undefined): given is GivenTensor {
  return typeof given === 'object' && given !== null && 'shape' in given && 'data' in given;
}
