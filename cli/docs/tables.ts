/** What the pages of cells and of models have in common: tensors with their shapes, and what options change of them. */
import type { OptionDeclaration, OptionValue, OptionValues, Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { optionText } from '../list.js';
import { tensorNotes } from '../tensors.js';

type Group = 'inputs' | 'state' | 'params';

/** `x[I]`. */
export const shapeText = (name: string, shape: readonly string[]) => `\`${name}[${shape.join(', ')}]\``;

/** Every tensor of a group with its notes. @param leading axes in front of those of its declaration */
export function tensorTexts(
  signature: Signature,
  group: Group,
  leading: (tensor: TensorDeclaration) => readonly string[] = () => [],
): string[] {
  const kind = group === 'inputs' ? 'input' : group === 'params' ? 'param' : 'state';
  return signature[group].map((tensor) => {
    const symbols = tensor.symbols === undefined ? [] : [`one of ${tensor.symbols}`];
    const notes = [...symbols, tensorNotes(tensor, kind)].filter((note) => note !== '').join(', ');
    return `${shapeText(tensor.name, [...leading(tensor), ...tensor.shape])}${notes === '' ? '' : ` (${notes})`}`;
  });
}

/** A table without a head, a row for each title. */
export function plainTable(rows: readonly (readonly [title: string, items: readonly string[]])[]): string[] {
  return ['| | |', '|---|---|', ...rows.map(([title, items]) => `| ${title} | ${items.join(', ')} |`), ''];
}

/** @param tensorsOf texts of all tensors under some options */
export function optionSection(
  declared: readonly OptionDeclaration[],
  standard: OptionValues,
  tensorsOf: (options: OptionValues) => readonly string[],
): string[] {
  if (declared.length === 0) return [];
  const rows = declared.map((option) => {
    const changed = changes(standard, option, tensorsOf);
    return `| \`${optionText(option).replaceAll('|', '\\|')}\` | ${changed} |`;
  });
  return ['## Options', '', '| option | tensors that it brings or changes |', '|---|---|', ...rows, ''];
}

/** What other values of an option do to the tensors. */
function changes(
  standard: OptionValues,
  option: OptionDeclaration,
  tensorsOf: (options: OptionValues) => readonly string[],
): string {
  const before = tensorsOf(standard);
  const differences = otherValues(option).flatMap((value) => {
    const after = tensorsOf({ ...standard, [option.name]: value });
    const added = after.filter((tensor) => !before.includes(tensor));
    return added.length === 0 ? [] : [`${value}: ${added.join(', ')}`];
  });
  return differences.join('; ') || '–';
}

/** Every other value of a choice or a flag, and the next of a number. */
export function otherValues(option: OptionDeclaration): readonly OptionValue[] {
  if (option.kind === 'choice') return option.values.filter((value) => value !== option.default);
  if (option.kind === 'flag') return [!option.default];
  const next = option.default + 1;
  return option.max === undefined || next <= option.max ? [next] : [];
}

/** What runs with every option at its default, and with other values that change it. @param textOf cells of a row */
export function costRows(
  declared: readonly OptionDeclaration[],
  standard: OptionValues,
  textOf: (options: OptionValues) => string,
): string[] {
  const first = textOf(standard);
  const others = declared.flatMap((option) =>
    otherValues(option).map((value) => {
      return { title: `\`${option.name}=${value}\``, text: textOf({ ...standard, [option.name]: value }) };
    }),
  );
  const shown = [{ title: 'defaults', text: first }, ...others.filter(({ text }) => text !== first)];
  return shown.map(({ title, text }) => `| ${title} | ${text} |`);
}
