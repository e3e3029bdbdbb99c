/** What cells and models have in common for those who run them: a signature, and the values of their graphs. */
import type { StepGraph } from '../ir/graph.js';
import { Diagnostics } from './diagnostics/diagnostics.js';
import { Recovery } from './diagnostics/recovery.js';
import { cellOnce, explore, type Lowering, reached } from './lower/check.js';
import { lower } from './lower/lower.js';
import { resolveSignature } from './lower/resolve.js';
import { lowerModel, lowerModelWith } from './model/lower.js';
import { modelSignatureWith } from './model/signature.js';
import type { ModelTree, OptionValues, Signature, SpecTree } from './tree.js';

/** @throws SpecError with every mistake under any choice of options */
export function checkSpec(tree: SpecTree): void {
  const diagnostics = new Diagnostics(tree.sources);
  exploreSpec(tree, new Recovery(), diagnostics);
  diagnostics.throwIfAny();
}

/** The same into given diagnostics, for a tree that may already have mistakes. */
export function exploreSpec(tree: SpecTree, recovery: Recovery, diagnostics: Diagnostics): void {
  if (tree.kind === 'cell') explore(tree, cellOnce, recovery, diagnostics);
  else explore(tree, modelOnce, recovery, diagnostics);
}

const modelOnce: Lowering<ModelTree> = (tree, options, recovery, report, note) => {
  const resolved = modelSignatureWith(tree, options, recovery, report, note);
  const { model, used, ...rest } = lowerModelWith(tree, resolved, { recovery, bad: resolved.bad, report, note });
  const reachedBy = model?.graph.sections.flatMap(({ step }) => [...reached(step)]);
  return { signature: resolved.signature, used: reachedBy ?? used, ...rest };
};

/**
 * The signature of a cell or model under the given options (all of them, see `resolveOptions`).
 * @throws SpecError
 */
export function resolveSpec(tree: SpecTree, options: OptionValues): Signature {
  return tree.kind === 'cell' ? resolveSignature(tree, options) : lowerModel(tree, options).signature;
}

/**
 * The values of a step, or of all sections of a model, and which of them are outputs; of a cell, also which are traced.
 * @throws SpecError, or RecurveError `TRACE-UNKNOWN`
 */
export function valuesOf(tree: SpecTree, signature: Signature, traces: readonly string[] = []): StepGraph {
  if (tree.kind === 'cell') return lower(tree, signature, traces);
  const { graph } = lowerModel(tree, signature.options);
  const [first] = graph.sections;
  const outputs = Object.entries(graph.outputs).map(([name, source]): [string, number] => {
    const id = graph.sections[source.section]?.step.outputs[source.name];
    if (id === undefined) throw new Error(`no section computes the output ${name}`);
    return [name, id];
  });
  return { nodes: first?.step.nodes ?? [], next: {}, outputs: Object.fromEntries(outputs), rules: graph.rules, traces: {} };
}
