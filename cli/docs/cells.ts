/** A built-in cell's page under docs/cells, made from its spec alone, so that it cannot drift. */
import { lower, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { CellTree, OptionValues } from '../../codegen/frontend/tree.js';
import { recurrenceOf } from '../../codegen/passes/recurrence.js';
import { outputShapes } from '../../runtime/check/index.js';
import { stepCosts } from '../costs.js';
import { equationsOf } from '../list.js';
import { genericTarget } from '../target.js';
import { costRows, optionSection, plainTable, shapeText, tensorTexts } from './tables.js';

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
    ...optionSection(tree.options, options, (of) => {
      const signature = resolveSignature(tree, of);
      return (['inputs', 'state', 'params'] as const).flatMap((group) => tensorTexts(signature, group));
    }),
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

function signatureTable(tree: CellTree, options: OptionValues): string[] {
  const signature = resolveSignature(tree, options);
  const outputs = Object.entries(outputShapes(signature, lower(tree, signature)));
  return plainTable([
    ['dims', signature.dims.map((dim) => `\`${dim}\``)],
    ['inputs', tensorTexts(signature, 'inputs')],
    ['state', tensorTexts(signature, 'state')],
    ['parameters', tensorTexts(signature, 'params')],
    ['outputs', outputs.map(([name, shape]) => shapeText(name, shape))],
  ]);
}

/** Dispatches at the defaults, and at every other value of an option that changes them. */
function costTable(tree: CellTree, options: OptionValues): string[] {
  const rows = costRows(tree.options, options, (of) => {
    const { perStep, once, strategies } = stepCosts(tree, of, genericTarget);
    return `${perStep.forward} + ${perStep.backward} | ${once.forward} + ${once.backward} | ${strategies.join(', ')}`;
  });
  const recurrence = recurrenceOf(lower(tree, resolveSignature(tree, options)));
  return [
    `The recurrence: ${recurrence}.`,
    '',
    'Dispatches, forward + backward, where the loop runs step by step; and how it may run, first as it does at small sizes.',
    '',
    '| | for each step | outside the loop | strategies |',
    '|---|---|---|---|',
    ...rows,
  ];
}
