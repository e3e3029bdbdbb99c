/**
 * The next values of a recurrence as affine functions of the old ones, unit by unit: next = Σ factor ⊙ old + rest, where nothing that
 * factors and rests are made of comes through the old values. A loop of such steps can be scanned: two steps in a row are one of the
 * same form. The adjoint of any recurrence is one, in its cotangents.
 *
 * A worked example, the minGRU's h′ = (1 − z) ⊙ h + z ⊙ n: the factor of h is 1 − z, and the rest z ⊙ n.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { isApply, type Node, type NodeId } from '../ir/graph.js';
import { type Form, formsIn, type Known } from './forms.js';

/** @returns a form for each of `next`, or the node that is not affine in the old values; `old` are leaves of each old value */
export function affineForms(
  builder: GraphBuilder,
  old: readonly (readonly NodeId[])[],
  next: readonly NodeId[],
): readonly Form[] | Node {
  return formsIn({ builder, one: 1, combined }, old, next);
}

/** The form of a node whose arguments have theirs. */
function combined(node: Node, { builder, depends, each }: Known): Form | undefined {
  if (!isApply(node)) return undefined;
  const { op, args, span } = node;
  const [a = -1, b = -1, c = -1] = args;
  /** Zero times what is free of old values stays zero: it is not asked what else a product with infinity would be. */
  const scaled = (by: NodeId, scale: 'mul' | 'div') => (x: NodeId | undefined) =>
    x === undefined ? undefined : builder.apply(scale, [x, by], span);
  const negated = (x: NodeId | undefined) => (x === undefined ? undefined : builder.apply('neg', [x], span));
  switch (op) {
    case 'add':
      return each((x, y) => (x === undefined ? y : y === undefined ? x : builder.apply('add', [x, y], span)), a, b);
    case 'sub':
      return each((x, y) => (x === undefined ? negated(y) : y === undefined ? x : builder.apply('sub', [x, y], span)), a, b);
    case 'neg':
      return each(negated, a);
    case 'mul':
      if (depends(a) && depends(b)) return undefined;
      return depends(a) ? each(scaled(b, 'mul'), a) : each(scaled(a, 'mul'), b);
    case 'div':
      return depends(b) ? undefined : each(scaled(b, 'div'), a);
    case 'select': {
      if (depends(a)) return undefined;
      const zero = builder.constant(0);
      const chosen = (x: NodeId | undefined, y: NodeId | undefined) =>
        x === undefined && y === undefined ? undefined : builder.apply('select', [a, x ?? zero, y ?? zero], span);
      return each(chosen, b, c);
    }
    default:
      return undefined;
  }
}
