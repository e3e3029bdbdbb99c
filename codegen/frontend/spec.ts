/** What cells and models have in common for those who run them: a signature, and the values of their graphs. */
import type { StepGraph } from '../ir/graph.js';
import { lower } from './lower/lower.js';
import { resolveSignature } from './lower/resolve.js';
import { lowerModel } from './model/lower.js';
import type { OptionValues, Signature, SpecTree } from './tree.js';

/**
 * The signature of a cell or model under the given options (all of them, see `resolveOptions`).
 * @throws SpecError
 */
export function resolveSpec(tree: SpecTree, options: OptionValues): Signature {
  return tree.kind === 'cell' ? resolveSignature(tree, options) : lowerModel(tree, options).signature;
}

/**
 * The values of a step, or of all sections of a model, and which of them are outputs.
 * @throws SpecError
 */
export function valuesOf(tree: SpecTree, signature: Signature): StepGraph {
  if (tree.kind === 'cell') return lower(tree, signature);
  const { graph } = lowerModel(tree, signature.options);
  const [first] = graph.sections;
  const outputs = Object.entries(graph.outputs).map(([name, source]): [string, number] => {
    const id = graph.sections[source.section]?.step.outputs[source.name];
    if (id === undefined) throw new Error(`no section computes the output ${name}`);
    return [name, id];
  });
  return { nodes: first?.step.nodes ?? [], next: {}, outputs: Object.fromEntries(outputs), rules: graph.rules, traces: {} };
}
