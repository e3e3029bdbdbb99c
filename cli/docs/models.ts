/** A built-in model's page under docs/models, made from its spec alone, so that it cannot drift. */
import { resolveOptions, resolveSpec, valuesOf } from '../../codegen/frontend/index.js';
import type { LayerInstance, ModelTree, OptionValues, Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { builtInCells } from '../../codegen/shipped.js';
import { outputShapes } from '../../runtime/check/index.js';
import { modelCosts } from '../costs.js';
import { equationsOf } from '../list.js';
import { genericTarget } from '../target.js';
import { sectionRows } from './sections.js';
import { costRows, optionSection, plainTable, shapeText, tensorTexts } from './tables.js';

/** Markdown, ending in a line break. */
export function modelPage(tree: ModelTree): string {
  const options = resolveOptions(tree, {});
  const signature = resolveSpec(tree, options);
  return [
    `# ${tree.name}`,
    '',
    tree.documentation,
    '',
    '## Run',
    '',
    '```ts',
    ...equationsOf(tree),
    '```',
    '',
    '## Topology',
    '',
    'With every option at its default, as all that follows.',
    '',
    ...layerTable(signature.layers ?? []),
    'What is computed together, in order, and what of it goes where:',
    '',
    '| | over | from step to step | reads | gives |',
    '|---|---|---|---|---|',
    ...sectionRows(tree, options).map((row) => `| ${row.join(' | ')} |`),
    '',
    '## Signature',
    '',
    'Behind a name its shape; T, or another time axis, and B sequences are axes of data, and not of a step.',
    '',
    ...signatureTable(tree, signature),
    ...optionSection(tree.options, options, (of) => tensorsOf(resolveSpec(tree, of))),
    '## What runs',
    '',
    ...costTable(tree, options),
    '',
  ].join('\n');
}

/** The list of all models, one line each. */
export function modelIndex(trees: readonly ModelTree[]): string {
  return [
    '# Built-in models',
    '',
    'What a model is and how one is written: [models](../models.md).',
    '',
    ...trees.map(({ name, summary }) => `- [${name}](${name}.md): ${summary}`),
    '',
  ].join('\n');
}

function layerTable(layers: readonly LayerInstance[]): string[] {
  if (layers.length === 0) return [];
  const builtIn = builtInCells().map(({ name }) => name);
  const rows = layers.map(({ name, cell, dims, signature }) => {
    const title = builtIn.includes(cell) ? `[${cell}](../cells/${cell}.md)` : `\`${cell}\``;
    const mapped = Object.entries(dims).map(([own, outside]) => (own === outside ? `\`${own}\`` : `\`${own}\` is ${outside}`));
    return `| \`${name}\` | ${title} | ${mapped.join(', ')} | ${signature.state.map((state) => `\`${state.name}\``).join(', ') || '–'} |`;
  });
  return ['| layer | cell | its dims | its state |', '|---|---|---|---|', ...rows, ''];
}

const leadingOf = ({ leading = ['T', 'B'] }: TensorDeclaration) => leading;

function tensorsOf(signature: Signature): string[] {
  return [
    ...tensorTexts(signature, 'inputs', leadingOf),
    ...tensorTexts(signature, 'state', () => ['B']),
    ...tensorTexts(signature, 'params'),
  ];
}

function signatureTable(tree: ModelTree, signature: Signature): string[] {
  const outputs = Object.entries(outputShapes(signature, valuesOf(tree, signature)));
  const state = tensorTexts(signature, 'state', () => ['B']);
  return plainTable([
    ['time axes', (signature.times ?? []).map((time) => `\`${time}\``)],
    ['dims', signature.dims.map((dim) => `\`${dim}\``)],
    ['inputs', tensorTexts(signature, 'inputs', leadingOf)],
    ['state', state.length === 0 ? ['–'] : state],
    ['parameters', tensorTexts(signature, 'params')],
    ['outputs', outputs.map(([name, shape]) => shapeText(name, [...(signature.outputAxes?.[name] ?? ['T', 'B']), ...shape]))],
  ]);
}

/** Dispatches at the defaults, and at every other value of an option that changes them. */
function costTable(tree: ModelTree, options: OptionValues): string[] {
  const times = tree.times.map(({ name }) => name);
  const rows = costRows(tree.options, options, (of) => {
    const { perStep, once } = modelCosts(tree, of, genericTarget);
    const counts = [...times.map((time) => perStep[time] ?? { forward: 0, backward: 0 }), once];
    return counts.map(({ forward, backward }) => `${forward} + ${backward}`).join(' | ');
  });
  return [
    'Dispatches, forward + backward.',
    '',
    `| | ${times.map((time) => `for each step of ${time}`).join(' | ')} | outside the loops |`,
    `|${'---|'.repeat(times.length + 2)}`,
    ...rows,
  ];
}
