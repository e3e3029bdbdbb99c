/**
 * The next values of a recurrence as functions of the old ones that are closed under composition, unit by unit: of each old value a
 * factor, and a rest, of which neither comes through the old values. What a factor does is the algebra's: `affine.ts`, `max-plus.ts`.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, type Node, type NodeId } from '../ir/graph.js';
import { inherited, postorder } from '../ir/walk.js';

export interface Form {
  /** Of each old value, in the order they were given; `undefined` where nothing comes of it, whatever it is. */
  readonly factors: readonly (NodeId | undefined)[];
  /** `undefined` where nothing is left without them. */
  readonly rest: NodeId | undefined;
}

/** What is known of the nodes that one is made of. */
export interface Known {
  readonly builder: GraphBuilder;
  /** Whether an old value is in it. */
  readonly depends: (id: NodeId) => boolean;
  readonly formOf: (id: NodeId) => Form;
  /** The same done to the factors of each old value, and to the rests. */
  readonly each: (combine: (...parts: readonly (NodeId | undefined)[]) => NodeId | undefined, ...of: readonly NodeId[]) => Form;
}

export interface FormAlgebra {
  readonly builder: GraphBuilder;
  /** The factor of an old value as it is. */
  readonly one: number;
  /** The form of a node whose arguments have theirs, if it has one. */
  readonly combined: (node: Node, known: Known) => Form | undefined;
}

/**
 * @param old leaves of each old value
 * @returns a form for each of `next`, or the first node that has none
 */
export function formsIn(
  { builder, one, combined }: FormAlgebra,
  old: readonly (readonly NodeId[])[],
  next: readonly NodeId[],
): readonly Form[] | Node {
  const leaves = new Map(old.flatMap((ids, index) => ids.map((id) => [id, index] as const)));
  const depends = inherited<boolean>((id, known) => leaves.has(id) || argumentsOf(builder.node(id)).some(known));
  const forms = new Map<NodeId, Form>();
  const formOf = (id: NodeId): Form => forms.get(id) ?? { factors: old.map(() => undefined), rest: id };
  const each: Known['each'] = (combine, ...of) => {
    const parts = of.map(formOf);
    return {
      factors: old.map((_, index) => combine(...parts.map(({ factors }) => factors[index]))),
      rest: combine(...parts.map(({ rest }) => rest)),
    };
  };
  let stranger: Node | undefined;
  postorder(
    next.filter(depends),
    (id) => (leaves.has(id) ? [] : argumentsOf(builder.node(id)).filter(depends)),
    (id) => {
      const node = builder.node(id);
      const leaf = leaves.get(id);
      const form =
        leaf === undefined
          ? combined(node, { builder, depends, formOf, each })
          : { factors: old.map((_, index) => (index === leaf ? builder.constant(one) : undefined)), rest: undefined };
      if (form === undefined) stranger ??= node;
      else forms.set(id, form);
    },
  );
  return stranger ?? next.map(formOf);
}

export const isForms = (found: readonly Form[] | Node): found is readonly Form[] => Array.isArray(found);
