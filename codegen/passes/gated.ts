/**
 * Which values may get a cotangent of exactly zero because a branch was not taken, or because nothing read them there:
 * whatever lies behind a choice (`select`, `min`, `relu`, a dropout mask …) or behind a window, a maximum or a matrix
 * with entries left out, through all operations, and through the states from step to step.
 *
 * Such a zero must stay zero: infinite and NaN slopes are what branches guard against, and 0·∞ is NaN.
 */
import { argumentsOf, isApply, isContract, isReduce, isWindow, type Node, type NodeId, type StepGraph } from '../ir/graph.js';
import { ops } from '../ops/index.js';

/**
 * @param nodes the step's nodes, in topological order
 * @param output whether what reads an output holds its cotangent back, and `state` the same of a state at its end
 */
export function gatedValues(
  nodes: readonly Node[],
  { next, outputs }: Pick<StepGraph, 'next' | 'outputs'>,
  output: (name: string) => boolean = () => false,
  state: (name: string) => boolean = () => false,
): ReadonlySet<NodeId> {
  const gated = new Set<NodeId>([
    ...Object.entries(outputs).flatMap(([name, id]) => (output(name) ? [id] : [])),
    ...Object.entries(next).flatMap(([name, id]) => (state(name) ? [id] : [])),
  ]);
  for (let before = -1; gated.size > before; ) {
    before = gated.size;
    for (const node of nodes.toReversed()) {
      // No cotangent passes through a test.
      if (node.type === 'number' && (holdsBack(node) || gated.has(node.id)))
        for (const argument of argumentsOf(node)) gated.add(argument);
      // What a state gets at one step comes from its next value of the step before, or of one some steps before.
      const state = node.op === 'state' || (node.op === 'delayed' && node.group === 'state') ? node.name : undefined;
      const value = state === undefined || !gated.has(node.id) ? undefined : next[state];
      if (value !== undefined) gated.add(value);
    }
  }
  return gated;
}

/** Whether an operation passes a zero to some units that have no part in its result. */
function holdsBack(node: Node): boolean {
  if (isApply(node)) return ops[node.op].gates === true;
  if (isReduce(node)) return node.kind === 'max';
  if (isContract(node)) return node.terms.some(({ matrix }) => matrix.triangle !== undefined || matrix.drop !== undefined);
  return isWindow(node);
}
