/**
 * The fields of requests, and what each has to be. Programs without types give anything, and a field that is misspelled or
 * of the wrong type must not change an answer without a word.
 */
import { RecurveError } from '../../codegen/errors.js';
import { LOOP_STRATEGIES } from '../../codegen/plan.js';
import { didYouMean } from '../../codegen/suggest.js';

/** One field; tensors are looked at where they are read. */
interface Form {
  is(given: unknown): boolean;
  readonly fix: string;
  readonly code?: 'DATA-SEED';
}

const anything = { is: () => true, fix: '' };
const flag = { is: (given: unknown) => typeof given === 'boolean', fix: 'Give true or false.' };
const paths = (fix: string) => ({
  is: (given: unknown) => Array.isArray(given) && given.every((each) => typeof each === 'string'),
  fix,
});

const FORMS = {
  inputs: anything,
  state: anything,
  params: anything,
  cotangents: anything,
  lengths: anything,
  adapter: anything,
  rate: anything,
  maxNorm: anything,
  steps: {
    is: (given) =>
      typeof given === 'number' || (isTable(given) && Object.values(given).every((each) => typeof each === 'number')),
    fix: 'Give a whole number, or one for each time axis: { S: 7, T: 5 }.',
  },
  batch: { is: (given) => typeof given === 'number', fix: 'Give a whole number.' },
  reverse: flag,
  seed: {
    is: (given) => typeof given === 'number' && Number.isInteger(given) && given >= 0 && given < 2 ** 32,
    fix: `Give a whole number from 0 to ${2 ** 32 - 1}.`,
    code: 'DATA-SEED',
  },
  read: paths("Give names in an array: ['outputs', 'gradients.params']; [] for nothing."),
  into: { is: isTable, fix: "Give an object that has a GPUBuffer for each path: { 'outputs.h': buffer }." },
  dims: { is: isTable, fix: 'Give an object that has a size for each dim: { T: 8, B: 2, I: 3, H: 4 }.' },
  options: { is: isTable, fix: "Give an object that has a value for each option: { activation: 'relu' }." },
  gradients: flag,
  tune: flag,
  trace: paths("Give names in an array: ['h'].") as Form,
  clip: {
    is: (given) => typeof given === 'number' && given > 0 && Math.fround(given) > 0 && Number.isFinite(Math.fround(given)),
    fix: 'Give a number above 0, or leave it out.',
  },
  memory: {
    is: (given) => typeof given === 'number' && given > 0 && Number.isFinite(given),
    fix: 'Give a number of bytes above 0, or leave it out.',
  },
  onSegment: { is: (given) => typeof given === 'function', fix: 'Give a function, or leave it out.' },
  strategy: {
    is: (given) => LOOP_STRATEGIES.some((known) => known === given),
    fix: `Give one of ${LOOP_STRATEGIES.join(', ')}, or leave it out.`,
  },
} as const satisfies Readonly<Record<string, Form>>;

/** What a request may have. */
export type Field = keyof typeof FORMS;

/**
 * @param what is asked, for messages: `run`
 * @param fields that such a request has; all may be left out here
 * @throws RecurveError `DATA-TYPE`, `DATA-KEY`, `DATA-SEED`
 */
export function requireForm(what: string, request: unknown, fields: readonly Field[]): void {
  if (!isTable(request)) throw wrongType(`what ${what} is given`, request, `Give an object: { ${fields[0]}: … }.`, what);
  for (const [name, given] of Object.entries(request)) {
    const field = fields.find((each) => each === name);
    if (field === undefined) throw unknownKey(`what ${what} is given`, name, fields, what);
    const { is, fix, code }: Form = FORMS[field];
    if (given === undefined || is(given)) continue;
    const shown = typeof given === 'number' || typeof given === 'string' ? JSON.stringify(given) : undefined;
    throw code === undefined && shown === undefined
      ? wrongType(name, given, fix)
      : new RecurveError({ code: code ?? 'DATA-TYPE', message: `${name} is ${shown ?? typeOf(given)}`, fix, where: name });
  }
}

/** @throws RecurveError `DATA-KEY` */
export function unknownKey(what: string, name: string, known: readonly string[], where: string): RecurveError {
  return new RecurveError({
    code: 'DATA-KEY',
    message: `${what} has an unknown key ${JSON.stringify(name)}`,
    fix: didYouMean(name, known, `It takes ${known.join(', ')}.`, '"'),
    where,
  });
}

/** An object that has something by names. */
export function isTable(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given) && !ArrayBuffer.isView(given);
}

export function wrongType(what: string, given: unknown, fix: string, where = what): RecurveError {
  return new RecurveError({ code: 'DATA-TYPE', message: `${what} is ${typeOf(given)}`, fix, where });
}

function typeOf(given: unknown): string {
  return given === null || given === undefined ? `${given}` : `of the type ${tagOf(given).slice('[object '.length, -1)}`;
}

export function tagOf(given: unknown): string {
  return Object.prototype.toString.call(given);
}
