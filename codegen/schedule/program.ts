/** Schedules the sections of a program, forward and then backward, and gives every value its place. A cell is one section. */
import type { Signature } from '../frontend/tree.js';
import { argumentsOf, type NodeId, type StepGraph } from '../ir/graph.js';
import { dueIn } from '../passes/due.js';
import { Ranges } from '../passes/ranges.js';
import { type Recurrence, recurrenceOf } from '../passes/recurrence.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import type { LoopStrategies, LoopStrategy, Sizes, Target } from '../plan.js';
import { accruedIn } from './accrued.js';
import { type BackwardSchedule, scheduleBackward } from './backward.js';
import { inChunks } from './chunks.js';
import { ancestors } from './classes.js';
import { type ForwardSchedule, phasesOf, scheduleForward } from './forward.js';
import type { SectionParams } from './gradients.js';
import { askedOf, loopName, namesParts } from './loops.js';
import { type Merging, merge } from './merge.js';
import { type Brought, broughtBackward, broughtForward, type Part, partsOf, whole } from './parts.js';
import type { Order, Pass, Program, Section } from './passes.js';
import { wantsScans } from './scan.js';
import type { Shared } from './shared.js';
import { ALONE, type Links, Storage } from './storage.js';

export type { Program } from './passes.js';

export interface ProgramRequest {
  readonly sizes: Sizes;
  readonly gradients: boolean;
  readonly target: Target;
  /** `alike` where nothing is said. */
  readonly merging?: Merging;
  readonly strategy?: LoopStrategies | undefined;
  /** T of sequences that are cut into segments. */
  readonly segmentsOf?: number | undefined;
  /** Why it does not take many steps at once; `undefined` where it might. */
  readonly notChunked: string | undefined;
}

/** A section's graphs, with its inputs, states and outputs. */
export interface SectionGraphs {
  readonly step: StepGraph;
  readonly retimed: RetimedAdjoint;
  readonly signature: Signature;
  /** Before the names of its passes, where a program has several sections. */
  readonly prefix: string;
}

/** A cell: one section whose every tensor is the host's. */
export function scheduleProgram(
  step: StepGraph,
  retimed: RetimedAdjoint,
  signature: Signature,
  request: ProgramRequest,
  shared: Shared,
): Program {
  const scheduling = new SectionScheduling({ step, retimed, signature, prefix: '' }, shared, request, ALONE);
  const trained = signature.params.filter(({ trainable }) => trainable);
  // Segments add up.
  const params = shared.segmentsOf === undefined ? { nothing: trained, former: [] } : { nothing: [], former: trained };
  if (request.gradients) scheduling.backward(params);
  return programOf(shared, [scheduling], request);
}

/** One section on its way: its forward passes, and, once all behind it have theirs, its backward ones. */
export class SectionScheduling {
  readonly storage: Storage;
  readonly forward: ForwardSchedule;
  backwardOrders: readonly Order[] = [];
  readonly recurrence: Recurrence;
  readonly inParts: Record<'forward' | 'backward', readonly LoopStrategy[]> = { forward: [], backward: [] };

  constructor(
    readonly graphs: SectionGraphs,
    shared: Shared,
    private readonly request: ProgramRequest,
    links: Links,
  ) {
    const { step, retimed, signature } = graphs;
    const { builder } = retimed;
    this.storage = new Storage(shared, signature, step, links);
    this.recurrence = recurrenceOf({ nodes: builder.nodes, next: step.next });
    const needed = request.gradients ? neededForward(step, retimed) : [];
    const parts = this.parts('forward', broughtForward(builder, step));
    this.forward = scheduleForward({ builder, storage: this.storage, step, parts, needed });
  }

  backward(params: SectionParams): BackwardSchedule {
    const { step, retimed } = this.graphs;
    const { builder, leaves } = retimed;
    this.storage.exposeCotangents(leaves, (id) => builder.node(id).shape, step.outputs);
    const { merging = 'alike' } = this.request;
    const schedule = scheduleBackward({
      adjoint: retimed,
      storage: this.storage,
      merging,
      readForward: this.forward.regions.read,
      params,
      parts: this.parts('backward', broughtBackward(retimed)),
      handovers: wantsScans(
        this.storage,
        this.recurrence,
        askedOf(this.request.strategy, loopName(this.graphs.prefix, 'backward')),
      )
        ? 'for every step'
        : 'for the next',
    });
    this.backwardOrders = schedule.orders;
    return schedule;
  }

  /**
   * What its recurrence is cut into: parts where units of one need other units of another, and where scans are wanted that need it,
   * unless it is asked for in one.
   */
  private parts(direction: 'forward' | 'backward', brought: readonly Brought[]): readonly Part[] {
    const { storage, recurrence, graphs, request } = this;
    const all = [whole(brought, recurrence)];
    if (storage.links.chunk !== undefined || storage.links.time === undefined) return all;
    const { parts, meet, scanned } = partsOf(graphs.retimed.builder, brought, recurrence);
    if (parts.length === 1) return all;
    const loop = loopName(graphs.prefix, direction);
    const asked = askedOf(request.strategy, loop);
    // Step by step, and in one workgroup, it is asked for in one.
    const apart = meet && asked !== 'stepwise' && asked !== 'resident';
    if (apart || wantsScans(storage, recurrence, asked) || namesParts(request.strategy, loop)) return parts;
    if (scanned) this.inParts[direction] = meet ? ['thread', 'scan'] : ['scan'];
    return all;
  }
}

/** Sections in the order of the forward direction. */
export function programOf(shared: Shared, sections: readonly SectionScheduling[], request: ProgramRequest): Program {
  const { merging = 'alike', target, notChunked } = request;
  // Which matrices are transposed is known once every contraction has been placed.
  for (const { forward, backwardOrders } of sections) {
    for (const { phase } of phasesOf([...forward.orders, ...backwardOrders])) {
      for (const { terms } of phase.contractions) for (const term of terms) shared.matrices.place(term.matrix, term.transposed);
    }
  }
  const scheduled = sections.map(({ graphs, inParts, storage, forward, backwardOrders }): Section => {
    const { builder } = graphs.retimed;
    const ranges = new Ranges(builder.nodes, graphs.step.next);
    const due = dueIn(builder, rootsOf(graphs), ranges);
    const orders = { forward: forward.orders, backward: backwardOrders };
    return { prefix: graphs.prefix, builder, inParts, due, storage, merging, notChunked, ...orders };
  });
  const pack = copyPasses(shared, merging)
    .flatMap((pass) => inChunks(pass, target))
    .map((pass): Order => ({ kind: 'pass', pass }));
  return { shared, pack, sections: scheduled };
}

/** Forward values that the adjoint's results are made of. */
function neededForward(step: StepGraph, adjoint: RetimedAdjoint): NodeId[] {
  const { builder } = adjoint;
  const forward = ancestors(builder, resultsOf(step), () => true);
  const roots = gradientsOf(adjoint);
  const behind = ancestors(builder, roots, (id) => !forward.has(id));
  const used = new Set<NodeId>(roots.filter((id) => forward.has(id)));
  for (const id of behind) {
    for (const argument of argumentsOf(builder.node(id))) if (forward.has(argument)) used.add(argument);
  }
  return [...used];
}

const resultsOf = ({ next, outputs, traces }: StepGraph): NodeId[] => [next, outputs, traces].flatMap(Object.values);

/** What the adjoint leaves to others, but for what becomes of carried cotangents. */
function gradientsOf({ builder, handovers, inputs, traces, held, params }: RetimedAdjoint): NodeId[] {
  const terms = Object.values(params).flat();
  return [
    ...handovers.map(({ value }) => value),
    ...Object.values(inputs),
    ...Object.values(traces),
    ...accruedIn(builder, Object.values(held)).map(({ of }) => of),
    ...terms.flatMap((term) => (term.kind === 'sum' ? [term.value] : [term.left, term.right])),
  ];
}

/** All values of a section that somebody else sees. */
function rootsOf({ step, retimed }: SectionGraphs): NodeId[] {
  const { carries, held } = retimed;
  return [...resultsOf(step), ...gradientsOf(retimed), ...Object.values(carries), ...Object.values(held)];
}

/** One pass for all copies of one form between the same buffers. */
function copyPasses(shared: Shared, merging: Merging): Pass[] {
  return merge(shared.matrices.copies(), merging).map((copies, index) => ({
    kind: 'copy',
    name: `pack_weights_${index}`,
    region: 'pack',
    direction: 'forward',
    copies,
  }));
}
