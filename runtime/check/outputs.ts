import type { Signature } from '../../codegen/frontend/tree.js';
import type { StepGraph } from '../../codegen/ir/graph.js';

/** Dims of one step of one sequence of every output that a caller gets, by name: `{ h: ['H'] }`. */
export function outputShapes(signature: Signature, graph: StepGraph): Record<string, readonly string[]> {
  const names = signature.outputs ?? Object.keys(graph.outputs);
  return Object.fromEntries(
    names.map((name) => {
      const node = graph.nodes[graph.outputs[name] ?? -1];
      if (node === undefined) throw new Error(`output ${name} has no value in the step graph`);
      return [name, node.shape];
    }),
  );
}
