/** Dead code: copies into a builder what the step's results need, and nothing else. */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, type Node, type NodeId, type StepGraph, withArguments } from '../ir/graph.js';
import { postorder } from '../ir/walk.js';

export function extract(step: StepGraph, builder: GraphBuilder): StepGraph {
  const nodeOf = (id: NodeId): Node => {
    const node = step.nodes[id];
    if (!node) throw new Error(`no node ${id}`);
    return node;
  };
  const copies = new Map<NodeId, NodeId>();
  const copy = (id: NodeId): NodeId => {
    const made = copies.get(id);
    if (made === undefined) throw new Error(`node ${id} is used before it is copied`);
    return made;
  };
  postorder(
    [...Object.values(step.next), ...Object.values(step.outputs), ...Object.values(step.traces)],
    (id) => argumentsOf(nodeOf(id)),
    (id) => {
      const node = nodeOf(id);
      copies.set(id, builder.make(withArguments(node, copy), node.shape, node.span));
    },
  );
  const all = (roots: Readonly<Record<string, NodeId>>) =>
    Object.fromEntries(Object.entries(roots).map(([name, id]) => [name, copy(id)]));
  return builder.finish(all(step.next), all(step.outputs), step.rules, all(step.traces));
}
