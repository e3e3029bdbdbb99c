/**
 * The next values of a recurrence as maxima of sums, unit by unit: next = max(old + factor, …, rest), where nothing that factors and
 * rests are made of comes through the old values. Two such steps in a row are one, as two affine ones are: + is to max what × is to +.
 *
 * A worked example, a queue's waiting time (Lindley 1952), w′ = max(w + service − gap, 0): the factor of w is service − gap, the rest 0.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { isApply, type Node, type NodeId } from '../ir/graph.js';
import { type Form, formsIn, isForms, type Known } from './forms.js';

/** −∞, for which WGSL has no literal: the lowest of float32. No other number becomes it by sums that anybody takes. */
export const NEVER = -(2 - 2 ** -23) * 2 ** 127;

/**
 * @param old leaves of each old value
 * @returns a form for each of `next`, every one with a rest, or the node that is no maximum of sums
 */
export function maxPlusForms(
  builder: GraphBuilder,
  old: readonly (readonly NodeId[])[],
  next: readonly NodeId[],
): readonly Form[] | Node {
  const forms = formsIn({ builder, one: 0, combined }, old, next);
  if (!isForms(forms)) return forms;
  return forms.map(({ factors, rest }) => ({ factors, rest: rest ?? builder.constant(NEVER) }));
}

/** The form of a node whose arguments have theirs: what `recurrence.ts` calls tropical. */
function combined(node: Node, { builder, depends, formOf, each }: Known): Form | undefined {
  if (!isApply(node)) return undefined;
  const { op, args, span } = node;
  const [a = -1, b = -1, c = -1] = args;
  /** Added to what nothing comes of, a number changes nothing. */
  const moved = (by: NodeId, move: 'add' | 'sub') => (x: NodeId | undefined) =>
    x === undefined ? undefined : builder.apply(move, [x, by], span);
  const larger = (x: NodeId | undefined, y: NodeId | undefined) =>
    x === undefined ? y : y === undefined ? x : builder.apply('max', [x, y], span);
  switch (op) {
    case 'add':
      if (depends(a) && depends(b)) return undefined;
      return depends(a) ? each(moved(b, 'add'), a) : each(moved(a, 'add'), b);
    case 'sub':
      return depends(b) ? undefined : each(moved(b, 'sub'), a);
    case 'max':
      return each(larger, a, b);
    case 'relu': {
      const { factors, rest } = formOf(a);
      return { factors, rest: larger(rest, builder.constant(0)) };
    }
    case 'select': {
      if (depends(a)) return undefined;
      const never = builder.constant(NEVER);
      const chosen = (x: NodeId | undefined, y: NodeId | undefined) =>
        x === undefined && y === undefined ? undefined : builder.apply('select', [a, x ?? never, y ?? never], span);
      return each(chosen, b, c);
    }
    default:
      return undefined;
  }
}
