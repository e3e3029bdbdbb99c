/** Typed reading of parsed JSON, with messages that name the place. */
import { RecurveError } from '../../codegen/errors.js';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { didYouMean } from '../../codegen/suggest.js';
import { describe, listText, pathOf, quote } from './describe.js';
import { INIT_KEYS } from './form.js';
import { WEIGHT_FORMATS, type WeightFormat } from './types.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export function typeError(where: string, expected: string, value: unknown, fix = `Write ${expected} there.`): RecurveError {
  return new RecurveError({
    code: 'DATA-TYPE',
    message: `${where} must be ${expected}, found ${describe(value)}`,
    fix,
    where,
  });
}

/** @throws RecurveError `DATA-TYPE` */
export function objectAt(value: unknown, where: string, fix?: string): JsonObject {
  if (isObject(value)) return value;
  throw typeError(where, 'an object', value, fix);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws RecurveError `DATA-KEY` */
export function checkKeys(object: JsonObject, known: readonly string[], where: string): void {
  for (const key of Object.keys(object)) {
    if (known.includes(key)) continue;
    throw new RecurveError({
      code: 'DATA-KEY',
      message: `${where} has an unknown key ${quote(key)}`,
      fix: didYouMean(key, known, `It takes ${listText(known)}.`, '"'),
      where,
    });
  }
}

/** @throws RecurveError `DATA-OPTION` */
export function optionsAt(value: unknown, where: string): Readonly<Record<string, OptionValue>> {
  const object = objectAt(value, where, 'Write {"activation": "relu"}.');
  return Object.fromEntries(Object.entries(object).map(([name, given]) => [name, optionAt(given, pathOf(where, name))]));
}

function optionAt(value: unknown, where: string): OptionValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new RecurveError({
    code: 'DATA-OPTION',
    message: `${where} must be a string, a finite number, true or false, found ${describe(value)}`,
    fix: Array.isArray(value)
      ? 'Write one value: it holds for every layer and direction. A network whose layers differ is a *.model.ts of your own.'
      : 'Write one value, such as "relu", 0.5 or true; `recurve list <cell>` shows the options.',
    where,
  });
}

/** @throws RecurveError `WEIGHTS-FORMAT` */
export function weightFormatAt(value: unknown, where: string): WeightFormat {
  const format = WEIGHT_FORMATS.find((known) => known === value);
  if (format) return format;
  throw new RecurveError({
    code: 'WEIGHTS-FORMAT',
    message: value === undefined ? `${where} is missing` : `${where} is ${describe(value)}`,
    fix: didYouMean(typeof value === 'string' ? value : '', WEIGHT_FORMATS, `It is one of ${WEIGHT_FORMATS.join(', ')}.`, '"'),
    where,
  });
}

/**
 * Steps of each sequence. Whether they fit T and B is known only once sizes are.
 *
 * @throws RecurveError `DATA-LENGTHS`
 */
export function lengthsAt(values: readonly unknown[], where: string): readonly number[] {
  return values.map((value, sequence) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `${where}[${sequence}] must be a whole number of at least 0, found ${describe(value)}`,
      fix: 'Give each sequence its number of steps, 0 to T.',
      where,
    });
  });
}

/** @throws RecurveError `DATA-SEED` */
export function seedAt(value: unknown, where = 'seed'): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new RecurveError({
    code: 'DATA-SEED',
    message: `${where} must be a whole number from 0 to ${2 ** 32 - 1}, found ${describe(value)}`,
    fix: 'Write for example "seed": 7.',
    where,
  });
}

/** `{"seed": 7}`; the seed is 0 where it is left out, as in the library. @throws RecurveError `DATA-TYPE`, `DATA-KEY`, `DATA-SEED` */
export function initAt(value: unknown): { readonly seed: number } {
  const init = objectAt(value, 'init', 'Write {"seed": 7}.');
  checkKeys(init, INIT_KEYS, 'init');
  return { seed: init.seed === undefined ? 0 : seedAt(init.seed, 'init.seed') };
}
