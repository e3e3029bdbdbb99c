/** Schedules both directions and gives every value its place. */
import type { Signature } from '../frontend/tree.js';
import { argumentsOf, type NodeId, type StepGraph } from '../ir/graph.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import type { Sizes, Target } from '../plan.js';
import { scheduleBackward } from './backward.js';
import { inChunks } from './chunks.js';
import { ancestors } from './classes.js';
import { scheduleForward } from './forward.js';
import { type Merging, merge } from './merge.js';
import type { Order, Pass, Program } from './passes.js';
import { Storage } from './storage.js';

export type { Program } from './passes.js';

export interface ProgramRequest {
  readonly sizes: Sizes;
  readonly gradients: boolean;
  readonly target: Target;
  /** `alike` where nothing is said. */
  readonly merging?: Merging;
}

export function scheduleProgram(
  step: StepGraph,
  adjoint: RetimedAdjoint,
  signature: Signature,
  { sizes, gradients, target, merging = 'alike' }: ProgramRequest,
): Program {
  const { builder } = adjoint;
  const storage = new Storage(signature, sizes, target, step);
  const needed = gradients ? neededForward(step, adjoint) : [];
  const { orders, regions } = scheduleForward({ builder, storage, step, needed });
  let backward: Order[] = [];
  if (gradients) {
    storage.exposeCotangents((name) => builder.node(step.outputs[name] ?? 0).shape);
    backward = scheduleBackward({ adjoint, storage, merging, readForward: regions.read });
  }
  // Which matrices are transposed is known once every contraction has been placed.
  for (const pass of phasesOf([...orders, ...backward])) {
    for (const { terms } of pass.phase.contractions) for (const term of terms) storage.matrix(term.matrix, term.transposed);
  }
  const pack = copyPasses(storage, merging)
    .flatMap((pass) => inChunks(pass, target))
    .map((pass): Order => ({ kind: 'pass', pass }));
  return { builder, storage, merging, forward: [...pack, ...orders], backward };
}

/** Forward values that the adjoint's results are made of. */
function neededForward(step: StepGraph, adjoint: RetimedAdjoint): NodeId[] {
  const { builder } = adjoint;
  const results = [...Object.values(step.next), ...Object.values(step.outputs), ...Object.values(step.traces)];
  const forward = ancestors(builder, results, () => true);
  const gradients = Object.values(adjoint.params)
    .flat()
    .flatMap((term) => (term.kind === 'sum' ? [term.value] : [term.left, term.right]));
  const roots = [
    ...adjoint.handovers.map(({ value }) => value),
    ...Object.values(adjoint.inputs),
    ...Object.values(adjoint.traces),
    ...gradients,
  ];
  const behind = ancestors(builder, roots, (id) => !forward.has(id));
  const used = new Set<NodeId>(roots.filter((id) => forward.has(id)));
  for (const id of behind) {
    for (const argument of argumentsOf(builder.node(id))) if (forward.has(argument)) used.add(argument);
  }
  return [...used];
}

/** One pass for all copies of one form between the same buffers. */
function copyPasses(storage: Storage, merging: Merging): Pass[] {
  return merge(storage.matrices.copies(), merging).map((copies, index) => ({
    kind: 'copy',
    name: `pack_weights_${index}`,
    region: 'pack',
    direction: 'forward',
    copies,
  }));
}

function phasesOf(orders: readonly Order[]): Extract<Pass, { kind: 'phase' }>[] {
  return orders.flatMap((order) => (order.kind === 'loop' ? order.passes : [order.pass])).filter((pass) => pass.kind === 'phase');
}
