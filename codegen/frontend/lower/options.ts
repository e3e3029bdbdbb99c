/** Option values: defaults filled in, values from a command line or a data file checked and coerced. */
import { RecurveError } from '../../errors.js';
import { didYouMean, listNames } from '../../suggest.js';
import { lostInFloat32 } from '../machine/float32.js';
import type { OptionDeclaration, OptionValue, OptionValues, SpecTree } from '../tree.js';

/**
 * Every option of a cell with the value given, or its default. Strings are read as what the option takes.
 * @throws RecurveError `OPTION-UNKNOWN`, `OPTION-VALUE`, `OPTION-TYPE` or `OPTION-RANGE`
 */
export function resolveOptions(
  tree: Pick<SpecTree, 'kind' | 'name' | 'options'>,
  given: Readonly<Record<string, OptionValue>>,
): OptionValues {
  const names = tree.options.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const has = names.length === 0 ? `\`${tree.name}\` has no options.` : `It has ${listNames(names)}.`;
    throw new RecurveError({
      code: 'OPTION-UNKNOWN',
      message: `the ${tree.kind} ${tree.name} has no option \`${name}\``,
      fix: didYouMean(name, names, has),
      where: name,
    });
  }
  return completeOptions(
    tree.options,
    Object.fromEntries(
      tree.options.flatMap((option) => {
        const value = Object.hasOwn(given, option.name) ? given[option.name] : undefined;
        return value === undefined ? [] : [[option.name, check(option, value)]];
      }),
    ),
  );
}

/** Values that are known to be good, and the defaults of all other options beside them. */
export function completeOptions(options: readonly OptionDeclaration[], given: OptionValues): OptionValues {
  const value = (option: OptionDeclaration) => (Object.hasOwn(given, option.name) ? given[option.name] : undefined);
  const plain = new Map(options.map((option) => [option.name, value(option) ?? option.default]));
  return Object.fromEntries(
    options.map((option) => {
      const per = option.kind === 'real' || option.kind === 'integer' ? option.per : undefined;
      const chosen = per && String(plain.get(per.option));
      const own = per && chosen !== undefined && Object.hasOwn(per.defaults, chosen) ? per.defaults[chosen] : undefined;
      return [option.name, value(option) ?? own ?? option.default];
    }),
  );
}

function check(option: OptionDeclaration, value: OptionValue): OptionValue {
  switch (option.kind) {
    case 'choice':
      return checkChoice(option, value);
    case 'flag':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw wrongType(option, value, 'true or false');
    case 'real':
    case 'integer':
      return checkNumber(option, value);
  }
}

function checkChoice(option: Extract<OptionDeclaration, { kind: 'choice' }>, value: OptionValue): string {
  const text = String(value);
  if (option.values.includes(text)) return text;
  throw new RecurveError({
    code: 'OPTION-VALUE',
    message: `the option \`${option.name}\` cannot be \`${text}\``,
    fix: didYouMean(text, option.values, `It is one of ${listNames(option.values)}.`),
    where: option.name,
  });
}

function checkNumber(option: Extract<OptionDeclaration, { kind: 'real' | 'integer' }>, value: OptionValue): number {
  const readable = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  const number = readable ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw wrongType(option, value, 'a number');
  if (option.kind === 'integer' && !Number.isSafeInteger(number)) throw wrongType(option, value, 'a whole number');
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option;
  // Kernels compute in 32 bits.
  const lost = option.kind === 'real' ? lostInFloat32(number) : undefined;
  if (number >= min && number <= max && lost === undefined) return number;
  const bounds = [option.min === undefined ? '' : `at least ${min}`, option.max === undefined ? '' : `at most ${max}`];
  throw new RecurveError({
    code: 'OPTION-RANGE',
    message: `the option \`${option.name}\` cannot be ${number}`,
    fix: lost?.fix ?? `It is ${bounds.filter((bound) => bound !== '').join(' and ')}.`,
    where: option.name,
  });
}

function wrongType(option: OptionDeclaration, value: OptionValue, wanted: string): RecurveError {
  return new RecurveError({
    code: 'OPTION-TYPE',
    message: `the option \`${option.name}\` cannot be \`${value}\``,
    fix: `Give it ${wanted}, e.g. ${option.name}=${option.default}.`,
    where: option.name,
  });
}
