/** A built-in cell's page under docs/cells, made from its spec alone, so that it cannot drift. */
import { lower, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { CellTree, OptionDeclaration, OptionValue, OptionValues, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { outputShapes } from '../../runtime/check/index.js';
import { stepCosts } from '../costs.js';
import { equationsOf, optionText } from '../list.js';
import { genericTarget } from '../target.js';
import { tensorNotes } from '../tensors.js';

/** Markdown, ending in a line break. */
export function cellPage(tree: CellTree): string {
  const options = resolveOptions(tree, {});
  return [
    `# ${tree.name}`,
    '',
    tree.documentation,
    '',
    '## Step',
    '',
    '```ts',
    ...equationsOf(tree),
    '```',
    '',
    '## Signature',
    '',
    'With every option at its default; behind a name its shape, of one step of one sequence.',
    '',
    ...signatureTable(tree, options),
    ...optionSection(tree, options),
    '## What runs',
    '',
    ...costTable(tree, options),
    '',
  ].join('\n');
}

/** The list of all cells, one line each. */
export function cellIndex(trees: readonly CellTree[]): string {
  return ['# Built-in cells', '', ...trees.map(({ name, summary }) => `- [${name}](${name}.md): ${summary}`), ''].join('\n');
}

const shapeText = ({ name, shape }: { name: string; shape: readonly string[] }) => `\`${name}[${shape.join(', ')}]\``;
const tensorText = (kind: 'input' | 'state' | 'param') => (tensor: TensorDeclaration) => {
  const notes = tensorNotes(tensor, kind);
  return `${shapeText(tensor)}${notes === '' ? '' : ` (${notes})`}`;
};

function signatureTable(tree: CellTree, options: OptionValues): string[] {
  const signature = resolveSignature(tree, options);
  const outputs = Object.entries(outputShapes(signature, lower(tree, signature))).map(([name, shape]) => ({ name, shape }));
  const rows = [
    ['dims', signature.dims.map((dim) => `\`${dim}\``)],
    ['inputs', signature.inputs.map(tensorText('input'))],
    ['state', signature.state.map(tensorText('state'))],
    ['parameters', signature.params.map(tensorText('param'))],
    ['outputs', outputs.map(shapeText)],
  ] as const;
  return ['| | |', '|---|---|', ...rows.map(([title, items]) => `| ${title} | ${items.join(', ')} |`), ''];
}

function optionSection(tree: CellTree, options: OptionValues): string[] {
  if (tree.options.length === 0) return [];
  const rows = tree.options.map(
    (option) => `| \`${optionText(option).replaceAll('|', '\\|')}\` | ${changes(tree, options, option)} |`,
  );
  return ['## Options', '', '| option | tensors that it brings or changes |', '|---|---|', ...rows, ''];
}

/** What other values of an option do to the signature. */
function changes(tree: CellTree, options: OptionValues, option: OptionDeclaration): string {
  const before = tensorsOf(tree, options);
  const differences = otherValues(option).flatMap((value) => {
    const after = tensorsOf(tree, { ...options, [option.name]: value });
    const added = after.filter((tensor) => !before.includes(tensor));
    return added.length === 0 ? [] : [`${value}: ${added.join(', ')}`];
  });
  return differences.join('; ') || '–';
}

function tensorsOf(tree: CellTree, options: OptionValues): string[] {
  const { inputs, state, params } = resolveSignature(tree, options);
  return [...inputs.map(tensorText('input')), ...state.map(tensorText('state')), ...params.map(tensorText('param'))];
}

function otherValues(option: OptionDeclaration): readonly OptionValue[] {
  if (option.kind === 'choice') return option.values.filter((value) => value !== option.default);
  if (option.kind === 'flag') return [!option.default];
  const next = option.default + 1;
  return option.max === undefined || next <= option.max ? [next] : [];
}

/** Dispatches at the defaults, and at every other value of an option that changes them. */
function costTable(tree: CellTree, options: OptionValues): string[] {
  const row = (title: string, of: OptionValues) => {
    const { perStep, once, strategy } = stepCosts(tree, of, genericTarget);
    return { title, text: `${perStep.forward} + ${perStep.backward} | ${once.forward} + ${once.backward} | ${strategy}` };
  };
  const standard = row('defaults', options);
  const others = tree.options.flatMap((option) =>
    otherValues(option).map((value) => row(`\`${option.name}=${value}\``, { ...options, [option.name]: value })),
  );
  const shown = [standard, ...others.filter(({ text }) => text !== standard.text)];
  return [
    'Dispatches, forward + backward.',
    '',
    '| | for each step | outside the loop | strategy |',
    '|---|---|---|---|',
    ...shown.map(({ title, text }) => `| ${title} | ${text} |`),
  ];
}
