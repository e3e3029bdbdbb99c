/** Groups of a request's tensors held to what is declared: names first, then shapes. */
import { RecurveError } from '../../codegen/errors.js';
import type { TensorDeclaration } from '../../codegen/frontend/tree.js';
import { didYouMean } from '../../codegen/suggest.js';
import type { Tensors } from '../data.js';
import { listText, own, pathOf } from './describe.js';
import { axisOf, type SizeLedger } from './sizes.js';

export type NamedShape = Pick<TensorDeclaration, 'name' | 'shape' | 'leading'>;

/** @throws RecurveError `DATA-MISSING`, `DATA-NAME` */
export function requireAll(group: string, declared: readonly Pick<NamedShape, 'name'>[], given: Tensors, cell: string): void {
  const missing = declared.filter(({ name }) => !own(given, name)).map(({ name }) => `${group}.${name}`);
  if (missing.length === 0) return;
  // A misspelt name is missing and unknown; the second message has the better advice.
  refuseUnknown(group, declared, given, cell);
  throw new RecurveError({
    code: 'DATA-MISSING',
    message: `${listText(missing)} ${missing.length === 1 ? 'is' : 'are'} missing; cell ${cell} needs ${missing.length === 1 ? 'it' : 'them'}`,
    fix: `Give ${missing.length === 1 ? 'it' : 'each'} as {"shape": [...], "data": [...]}; \`recurve inspect ${cell} --stage signature\` shows the shapes.`,
    where: missing[0] ?? group,
  });
}

/** @throws RecurveError `DATA-NAME` */
export function refuseUnknown(group: string, declared: readonly Pick<NamedShape, 'name'>[], given: Tensors, cell: string): void {
  const names = declared.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const where = pathOf(group, unknown);
  const has = names.length > 0 ? `It has ${listText(names)}.` : `It has none: leave ${group} out.`;
  throw new RecurveError({
    code: 'DATA-NAME',
    message: `${where} is not in cell ${cell} with these options`,
    fix: didYouMean(unknown, names, has, '"'),
    where,
  });
}

/** @throws RecurveError `DATA-NAME`, `DATA-SHAPE` */
export function measureGroup(
  ledger: SizeLedger,
  group: string,
  declared: readonly NamedShape[],
  given: Tensors,
  leading: readonly string[],
  cell: string,
): void {
  refuseUnknown(group, declared, given, cell);
  for (const { name, shape, leading: front } of declared) {
    const tensor = own(given, name);
    if (tensor) ledger.measure(`${group}.${name}`, tensor.shape, [...(front ?? leading), ...shape].map(axisOf));
  }
}
