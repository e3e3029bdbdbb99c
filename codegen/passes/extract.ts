/** Dead code: copies into a builder what the step's results need, and nothing else. */
import type { GraphBuilder } from '../ir/builder.js';
import { isApply, isContract, type Node, type NodeId, type StepGraph } from '../ir/graph.js';

export function extract(step: StepGraph, builder: GraphBuilder): StepGraph {
  const copies = new Map<NodeId, NodeId>();
  const copy = (id: NodeId): NodeId => {
    const known = copies.get(id);
    if (known !== undefined) return known;
    const node = step.nodes[id];
    if (!node) throw new Error(`no node ${id}`);
    const made = rebuild(node);
    copies.set(id, made);
    return made;
  };
  const rebuild = (node: Node): NodeId => {
    const { shape, span } = node;
    if (isContract(node))
      return builder.product(
        node.terms.map((term) => ({ ...term, operand: copy(term.operand) })),
        shape,
        span,
      );
    return isApply(node) ? builder.apply(node.op, node.args.map(copy), span) : builder.leaf(node, shape, span);
  };
  const all = (roots: Readonly<Record<string, NodeId>>) =>
    Object.fromEntries(Object.entries(roots).map(([name, id]) => [name, copy(id)]));
  return builder.finish(all(step.next), all(step.outputs));
}
