/**
 * Values that the adjoint compares with their own maximum. Computed again for the comparison they could differ by a
 * rounding from what the maximum was taken of, and then nothing would be the largest: they are stored, and both the
 * maximum and the comparison read what is stored.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { isApply, isExpand, isReduce, type NodeId } from '../ir/graph.js';

export function comparedWithMaximum(builder: GraphBuilder): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  for (const node of builder.nodes) {
    const [value, largest] = isApply(node) && node.op === 'eq' ? node.args : [];
    if (value === undefined || largest === undefined) continue;
    const spread = builder.node(largest);
    const maximum = isExpand(spread) ? builder.node(spread.arg) : spread;
    if (isReduce(maximum) && maximum.kind === 'max' && maximum.arg === value) found.add(value);
  }
  return found;
}
