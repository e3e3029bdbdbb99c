/** The sections of a model as rows of a table: which values are computed together, and where they go. */

import type { ModelTree, OptionValues } from '../../codegen/frontend/tree.js';
import { lowerModel } from '../../codegen/index.js';
import type { ModelSection, Source } from '../../codegen/ir/model.js';

/** Number, time axis, states, what it reads, what the caller gets of it; sections that only pass on what the caller gives are left out. */
export function sectionRows(tree: ModelTree, options: OptionValues): string[][] {
  const { graph } = lowerModel(tree, options);
  const { sections } = graph;
  const shown = sections.filter((section) => !isSource(section));
  const number = (section: ModelSection | undefined) => (section === undefined ? -1 : shown.indexOf(section)) + 1;
  const readText = ({ seen, source }: ModelSection['inputs'][number]): string => {
    const host = hostOf(sections, source);
    if (host !== undefined) return seen === 'memory' ? `all steps of \`${host}\`` : `\`${host}\``;
    if (source.kind === 'host') throw new Error(`${source.name} is of the caller`);
    const from = number(sections[source.section]);
    if (source.kind === 'final') return `the last \`${plain(source.name)}\` of ${from}`;
    return seen === 'memory' ? `all steps of ${from}` : `${from}`;
  };
  return shown.map((section) => {
    const reads = section.inputs.map(readText);
    const starts = section.states.flatMap(({ name, initial }) => {
      if (initial.kind === 'host') return [];
      const from = sections[initial.section];
      return from === undefined || isConstant(from) ? [] : [`\`${plain(name)}\` starts from ${number(from)}`];
    });
    const gives = Object.entries(graph.outputs).filter(([, { section: at }]) => sections[at] === section);
    const order = section.order === 'back' ? `${section.time}, from its end` : section.time;
    return [
      String(number(section)),
      order ?? 'no time',
      listed(section.states.map(({ name }) => `\`${plain(name)}\``)),
      isConstant(section) ? 'parameters' : listed([...new Set([...reads, ...starts])]),
      listed(gives.map(([name]) => `\`${name}\``)),
    ];
  });
}

const listed = (items: readonly string[]) => items.join(', ') || '–';

/** A name without the number that keeps it apart from others. */
const plain = (name: string) => name.replace(/_\d+$/, '');

/** Whether a section computes nothing: its outputs are what the caller gives. */
function isSource(section: ModelSection): boolean {
  const { step, states, inputs } = section;
  const given = inputs.every(({ source }) => source.kind === 'host');
  return states.length === 0 && given && Object.values(step.outputs).every((id) => step.nodes[id]?.op === 'input');
}

/** Whether a section has what is the same for all sequences. */
const isConstant = ({ inputs, states }: ModelSection) => inputs.length === 0 && states.length === 0;

/** The caller's name for a value that is passed on as it is. */
function hostOf(sections: readonly ModelSection[], source: Source): string | undefined {
  if (source.kind === 'host') return source.name;
  const from = sections[source.section];
  if (from === undefined || source.kind === 'final' || !isSource(from)) return undefined;
  const node = from.step.nodes[from.step.outputs[source.name] ?? -1];
  const input = node?.op === 'input' ? from.inputs.find(({ name }) => name === node.name) : undefined;
  return input?.source.kind === 'host' ? input.source.name : undefined;
}
