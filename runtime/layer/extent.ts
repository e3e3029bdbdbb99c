/** How much of a plan a request uses, and what each of its tensors holds. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import { elements, requireSymbols, reversedModel } from '../data.js';
import { type Executable, isBuffer, type Source } from '../execute/index.js';
import { type Lengths, lengthsByAxis, lengthsName } from '../lengths.js';
import { type Course, type Extent, type Numbers, shapeIn } from '../memory/copy.js';
import type { PlacedTensor } from '../memory/slots.js';
import { isTable, tagOf, unknownKey, wrongType } from './forms.js';
import type { Given, GivenTensor, RunExtent } from './types.js';

export type GivenTensors = Readonly<Record<string, Given | undefined>>;

/** All steps of all sequences. */
export function wholeOf({ sizes, lengths }: Pick<Plan, 'sizes' | 'lengths'>): Extent {
  const { B: batch = 1 } = sizes;
  const along = Object.keys(lengths).map((time): [string, Course] => {
    const steps = sizes[time] ?? 1;
    return [time, { steps, lengths: Array.from({ length: batch }, () => steps) }];
  });
  return { along: Object.fromEntries(along), batch, reverse: false };
}

/**
 * B, and steps and lengths along each time axis, of a run: as stated, or as the tensors tell.
 * @throws RecurveError `RUN-EXTENT`, `RUN-MODEL`, `DATA-LENGTHS`, `DATA-SHAPE`
 */
export function extentOf(
  { plan, given }: Pick<Executable, 'plan' | 'given'>,
  request: RunExtent & { readonly inputs: GivenTensors; readonly state: GivenTensors },
): Extent {
  const { sizes, cell } = plan;
  if (plan.model && request.reverse) throw reversedModel(cell);
  const times = Object.keys(plan.lengths);
  const inputs = Object.entries(request.inputs);
  const timed = inputs.filter(([name]) => given.get(`inputs.${name}`)?.leading !== 'row');
  const timeless = inputs.filter(([name]) => given.get(`inputs.${name}`)?.leading === 'row');
  const stated = lengthsByAxis(lengthsGiven(request.lengths), times);
  const told = [
    ...shapesOf(timed).map(([, batch]) => batch),
    ...shapesOf([...timeless, ...Object.entries(request.state)]).flat(1),
  ];
  const batch = request.batch ?? told[0] ?? Object.values(stated)[0]?.length ?? sizes.B ?? 1;
  requireWithin('B', batch, sizes.B, cell);
  const along = times.map((time): [string, Course] => {
    const own = timed.filter(([name]) => (given.get(`inputs.${name}`)?.time ?? time) === time);
    const asked = stepsAsked(request.steps, time, times);
    const steps = asked ?? shapesOf(own)[0]?.[0] ?? stepsOfArrays(own, given, batch) ?? sizes[time] ?? 1;
    requireWithin(time, steps, sizes[time], cell);
    return [time, { steps, lengths: checkLengths(stated[time], lengthsName(time, times), batch, steps) }];
  });
  return { along: Object.fromEntries(along), batch, reverse: request.reverse ?? false };
}

/** Whose memory no buffer of the caller's may be. */
export type Owner = Pick<Executable, 'owns'>;

/** JavaScript lets callers give anything. @throws RecurveError `DATA-TYPE` */
function lengthsGiven(given: unknown): Lengths | undefined {
  if (given === undefined) return undefined;
  if (isNumbers(given)) return Array.from(given);
  if (isTable(given)) return given as Exclude<Lengths, readonly number[]>;
  throw wrongType(
    'lengths',
    given,
    'Give an array with the steps of each sequence; where there are several time axes, one for each.',
  );
}

/** Along one axis; a number is of the only one. @throws RecurveError `DATA-TYPE`, `DATA-KEY` */
function stepsAsked(steps: RunExtent['steps'], time: string, times: readonly string[]): number | undefined {
  if (steps === undefined) return undefined;
  if (typeof steps === 'number') {
    if (times.length === 1) return steps;
    throw wrongType('steps', steps, `Give one for each time axis: { ${times.map((each) => `${each}: …`).join(', ')} }.`);
  }
  const unknown = Object.keys(steps).find((each) => !times.includes(each));
  if (unknown !== undefined) throw unknownKey('steps', unknown, times, 'steps');
  return steps[time];
}

function shapesOf(tensors: readonly (readonly [string, Given | undefined])[]): (readonly number[])[] {
  return tensors.flatMap(([, tensor]) =>
    isTensor(tensor) && isNumbers(tensor.shape) && isNumbers(tensor.data) ? [tensor.shape] : [],
  );
}

/** As many steps as a bare array holds. */
function stepsOfArrays(
  inputs: readonly (readonly [string, Given | undefined])[],
  given: Executable['given'],
  batch: number,
): number | undefined {
  for (const [name, tensor] of inputs) {
    const place = given.get(`inputs.${name}`);
    if (!isNumbers(tensor) || place === undefined) continue;
    const steps = tensor.length / (batch * elements(place.unit.shape));
    if (!Number.isInteger(steps)) {
      throw new RecurveError({
        code: 'DATA-SHAPE',
        message: `inputs.${name} has ${tensor.length} numbers, which are no whole number of steps of [${batch}, ${place.slot.shape.slice(2).join(', ')}]`,
        fix: `Give as many numbers as ${place.time}·B·units, or { shape, data }.`,
        where: `inputs.${name}`,
      });
    }
    return steps;
  }
  return undefined;
}

function requireWithin(dim: string, size: number, most = 1, cell: string): void {
  if (Number.isInteger(size) && size >= 1 && size <= most) return;
  throw new RecurveError({
    code: 'RUN-EXTENT',
    message: `${dim} is ${size}, and the plan for ${cell} was compiled for ${dim} = ${most}`,
    fix: `Compile it for the largest ${dim} that comes; a plan serves every smaller one, from 1 on.`,
    where: dim,
  });
}

function checkLengths(lengths: readonly number[] | undefined, where: string, batch: number, steps: number): readonly number[] {
  const checked = lengths === undefined ? Array.from({ length: batch }, () => steps) : lengths;
  const wanted = `${batch} whole numbers from 0 to ${steps}`;
  if (!isNumbers(checked)) throw wrongType(where, checked, `Give ${wanted}.`);
  const good = (length: number) => Number.isInteger(length) && length >= 0 && length <= steps;
  if (checked.length !== batch || !checked.every(good)) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `${where} are [${checked.join(', ')}]`,
      fix: `Give ${wanted}, one for each sequence.`,
      where,
    });
  }
  return checked;
}

/**
 * What a tensor is to hold.
 * @throws RecurveError `DATA-TYPE`, `DATA-SHAPE`, `DATA-SYMBOL`, `DATA-BUFFER`
 */
export function sourceOf(tensor: PlacedTensor, given: Given, extent: Extent, owner: Owner): Source {
  const expected = shapeIn(tensor, extent);
  if (isBuffer(given)) return requireDense(given, tensor.path, expected, owner);
  const { shape, data } = isTensor(given) ? given : { shape: undefined, data: given };
  requireNumbers(tensor.path, data, expected);
  if (shape !== undefined && !isNumbers(shape))
    throw wrongType(`the shape of ${tensor.path}`, shape, cureOf(expected), tensor.path);
  const fits = shape === undefined || (shape.length === expected.length && shape.every((size, axis) => size === expected[axis]));
  if (fits && data.length === elements(expected)) {
    const { symbols } = tensor.slot;
    if (symbols !== undefined)
      requireSymbols(tensor.path, { shape: expected, data }, symbols, extent.along[tensor.time]?.lengths);
    return data;
  }
  const found = shape === undefined ? '' : `has shape [${shape.join(', ')}] and `;
  throw new RecurveError({
    code: 'DATA-SHAPE',
    message: `${tensor.path} ${found || 'has '}${data.length} numbers`,
    fix: `Give it the shape [${expected.join(', ')}].`,
    where: tensor.path,
  });
}

/**
 * A buffer of the caller's that holds a dense tensor, or is to.
 * @throws RecurveError `DATA-BUFFER`, `DATA-TYPE`
 */
export function requireDense(buffer: GPUBuffer, path: string, shape: readonly number[], owner: Owner): GPUBuffer {
  const bytes = 4 * elements(shape);
  if (!isBuffer(buffer)) throw wrongType(path, buffer, `Give a GPUBuffer of ${bytes} bytes or more.`);
  const usable = (buffer.usage & GPUBufferUsage.STORAGE) !== 0;
  if (buffer.mapState === 'mapped' || buffer.mapState === 'pending') {
    throw new RecurveError({
      code: 'DATA-BUFFER',
      message: `the buffer for ${path} is mapped`,
      fix: 'Call its unmap() first.',
      where: path,
    });
  }
  if (owner.owns(buffer)) {
    throw new RecurveError({
      code: 'DATA-BUFFER',
      message: `the buffer for ${path} is memory of the plan's own`,
      fix: 'Give a buffer of yours: what `place` tells is padded, and shared with other tensors.',
      where: path,
    });
  }
  if (usable && buffer.size >= bytes) return buffer;
  const found = usable ? `${buffer.size} bytes` : 'no usage STORAGE';
  throw new RecurveError({
    code: 'DATA-BUFFER',
    message: `the buffer for ${path} has ${found}`,
    fix: `Make it with usage STORAGE and ${bytes} bytes or more: [${shape.join(', ')}] as float32, row-major.`,
    where: path,
  });
}

/**
 * A group of tensors in a request, such as `inputs`: JavaScript lets callers give anything.
 * @throws RecurveError `DATA-TYPE`
 */
export function tensorsIn(group: string, given: unknown): GivenTensors {
  if (isTable(given)) return given as GivenTensors;
  throw wrongType(group, given, 'Give an object that has a tensor for each name.');
}

export function isTensor(given: unknown): given is GivenTensor {
  return typeof given === 'object' && given !== null && 'shape' in given && 'data' in given;
}

/**
 * Whether it can be read as numbers: those without types may give any array. By its tag, for arrays of another realm, such
 * as a test runner's, are no instances of this one's classes.
 */
export function isNumbers(given: unknown): given is ArrayLike<number> {
  return Array.isArray(given) || /^\[object (Float|Int|Uint|Uint8Clamped)\d*Array\]$/.test(tagOf(given));
}

/** @throws RecurveError `DATA-TYPE` */
function requireNumbers(path: string, given: unknown, expected: readonly number[]): asserts given is Numbers {
  if (!isNumbers(given)) throw wrongType(path, given, cureOf(expected));
  if (!Array.isArray(given)) return;
  // Where there is none, as in [1, , 2], `undefined` is found.
  const at = given.findIndex((value) => typeof value !== 'number');
  if (at >= 0) throw wrongType(`${path}[${at}]`, given[at], cureOf(expected), path);
}

function cureOf(expected: readonly number[]): string {
  return `Give a Float32Array, a Float64Array, { shape, data } or a GPUBuffer: numbers of the shape [${expected.join(', ')}], in row-major order.`;
}
