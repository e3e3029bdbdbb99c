/** What the reference is given, checked and widened to float64. */
import { type ErrorDetail, RecurveError } from '../../codegen/errors.js';
import type { Signature, Sizes, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { elements, requireRates, shapeOf, type Tensors } from '../data.js';

/**
 * The tensors of one group as float64 by name. What is missing and has a number in `fill` holds that number.
 *
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`
 */
export function widened(
  group: string,
  given: Tensors,
  shapes: Readonly<Record<string, readonly number[]>>,
  fill: (name: string) => number | undefined,
): ReadonlyMap<string, Float64Array> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shapes, name)) {
      throw refuse(
        'DATA-NAME',
        `${group}.${name}`,
        'is no tensor that is known here',
        `Known: ${Object.keys(shapes).join(', ')}.`,
      );
    }
  }
  const found = new Map<string, Float64Array>();
  for (const [name, shape] of Object.entries(shapes)) {
    const tensor = Object.hasOwn(given, name) ? given[name] : undefined;
    const where = `${group}.${name}`;
    const filler = tensor === undefined ? fill(name) : undefined;
    if (tensor === undefined && filler === undefined) {
      throw refuse('DATA-MISSING', where, 'is missing', `Give it with shape [${shape}].`);
    }
    if (tensor && (`${tensor.shape}` !== `${shape}` || tensor.data.length !== elements(shape))) {
      throw refuse('DATA-SHAPE', where, `has shape [${tensor.shape}], not [${shape}]`, 'Give the expected shape.');
    }
    found.set(
      name,
      tensor ? Float64Array.from(tensor.data) : new Float64Array(elements(shape)).fill(Math.fround(filler ?? Number.NaN)),
    );
  }
  return found;
}

/** Everything must be given. */
export function nothing(): undefined {
  return undefined;
}

export function zero(): number {
  return 0;
}

/** What an untrained parameter holds where the data leaves it out: its `init`, if that is a number. */
function initialFill({ trainable, init }: Pick<TensorDeclaration, 'trainable' | 'init'>): number | undefined {
  return trainable ? undefined : constantOf(init);
}

/** What all of a state is where the data leave it out. */
export function initialState({ init }: Pick<TensorDeclaration, 'init'>): number {
  return constantOf(init) ?? 0;
}

function constantOf(init: TensorDeclaration['init']): number | undefined {
  if (init === 'zeros') return 0;
  if (init === 'ones') return 1;
  return typeof init === 'number' ? init : undefined;
}

/**
 * Parameters by name; an untrained one that is missing holds its `init`.
 *
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`, `DATA-RATE`
 */
export function widenedParams({ params, rates }: Signature, given: Tensors, sizes: Sizes): ReadonlyMap<string, Float64Array> {
  requireRates(rates, given);
  const fills = new Map(params.map((declaration) => [declaration.name, initialFill(declaration)]));
  const shapes = Object.fromEntries(params.map((declaration) => [declaration.name, shapeOf(declaration, sizes)]));
  return widened('params', given, shapes, (name) => fills.get(name));
}

/** @throws RecurveError `DATA-SEED` */
export function checkSeed(seed = 0): number {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw refuse('DATA-SEED', 'seed', `is ${seed}`, 'Give a whole number from 0 to 4294967295.');
}

/** @throws RecurveError `DATA-LENGTHS` */
export function checkLengths(lengths: readonly number[] | undefined, T: number, B: number): readonly number[] {
  if (lengths === undefined) return new Array<number>(B).fill(T);
  const wrong = lengths.length !== B || lengths.some((length) => !Number.isInteger(length) || length < 0 || length > T);
  if (!wrong) return lengths;
  throw refuse('DATA-LENGTHS', 'lengths', `is [${lengths}]`, `Give ${B} whole numbers from 0 to ${T}.`);
}

export function refuse(code: ErrorDetail['code'], where: string, found: string, fix: string): RecurveError {
  return new RecurveError({ code, message: `${where} ${found}`, fix, where });
}
