/**
 * The sum of a value over all steps of a sequence, which is what comes back to a value that every step reads as it is.
 *
 * No step needs it, so it is no part of the recurrence: behind the loop a lane adds up what is the same unit of all steps. A product
 * with a parameter is formed once, of the sum, and not at every step: Σ_t Uᵀ d_t = Uᵀ Σ_t d_t.
 *
 * A worked example is what attention gives back to a memory m[s, k] that all steps t look at, with scores m[s]·h_t and the context
 * c_t = Σ_s a_t[s] m[s]. The memory's cotangent at step t is
 *   da_t[s] h_t[k] + a_t[s] dc_t[k]
 * and what all steps give back is one `accrued` leaf of this value: a product over t of two pairs of sequences.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, isContract, isExpand, isWindow, type Node, type NodeId } from '../ir/graph.js';
import { inherited } from '../ir/walk.js';
import { rewrite } from './rewrite.js';

/** What passes a sum on to each of its arguments. */
const isLinear = (node: Node): boolean =>
  isContract(node) || isExpand(node) || isWindow(node) || (isApply(node) && LINEAR.includes(node.op));
const LINEAR: readonly string[] = ['add', 'sub', 'neg'];

/** The sum of a step's value over steps: an expression of `accrued` leaves. */
export function accrued(builder: GraphBuilder, value: NodeId): NodeId {
  const hasProduct = inherited<boolean>((id, known) => {
    const node = builder.node(id);
    return isContract(node) || (isLinear(node) && argumentsOf(node).some(known));
  });
  return rewrite(builder, value, (id) => {
    const node = builder.node(id);
    if (hasProduct(id)) return undefined;
    return builder.leaf({ op: 'accrued', of: id }, node.shape, node.span);
  });
}
