/** Dead code: copies into a builder what the step's results need, and nothing else. */
import type { GraphBuilder } from '../ir/builder.js';
import { type NodeId, type StepGraph, withArguments } from '../ir/graph.js';

export function extract(step: StepGraph, builder: GraphBuilder): StepGraph {
  const copies = new Map<NodeId, NodeId>();
  const copy = (id: NodeId): NodeId => {
    const known = copies.get(id);
    if (known !== undefined) return known;
    const node = step.nodes[id];
    if (!node) throw new Error(`no node ${id}`);
    const made = builder.make(withArguments(node, copy), node.shape, node.span);
    copies.set(id, made);
    return made;
  };
  const all = (roots: Readonly<Record<string, NodeId>>) =>
    Object.fromEntries(Object.entries(roots).map(([name, id]) => [name, copy(id)]));
  return builder.finish(all(step.next), all(step.outputs), step.rules);
}
