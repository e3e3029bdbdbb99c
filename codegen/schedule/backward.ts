/** The backward program: the adjoint's loop in reverse time, then every gradient in passes over all steps. */
import { isContract, type NodeId, type Shape } from '../ir/graph.js';
import type { GradientTerm } from '../passes/adjoint.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import { accruedIn, accruePasses } from './accrued.js';
import { keyOf, writtenBy } from './carried.js';
import { ancestors, dependsOn, frontier, splitByTime } from './classes.js';
import { ordersOf, phasesOf, scratch, wordsOf } from './forward.js';
import { gradientPasses, type SectionParams } from './gradients.js';
import type { Merging } from './merge.js';
import { sourceOf } from './operands.js';
import type { Part } from './parts.js';
import type { Order, Rows } from './passes.js';
import { cutIntoStoringPhases, type Phase, type RegionRequest } from './phases.js';
import { type Access, accessTo, type Place, type Store } from './places.js';
import type { Storage } from './storage.js';

export interface BackwardRequest {
  readonly adjoint: RetimedAdjoint;
  readonly storage: Storage;
  readonly merging: Merging;
  /** Forward values in memory. */
  readonly readForward: (id: NodeId) => Access | undefined;
  /** Parameters whose gradients are written here, and those that this section adds to what others wrote. */
  readonly params: SectionParams;
  /** Of what it hands over. */
  readonly parts: readonly Part[];
  /** Whether its loop may be a scan: whatever a step leaves for the next is then kept for every step. */
  readonly handovers: 'for every step' | 'for the next';
}

export interface BackwardSchedule {
  readonly orders: Order[];
  /** Where the cotangent of every input is, and of every initial state. */
  readonly inputs: ReadonlyMap<string, Place>;
  readonly states: ReadonlyMap<string, Place>;
}

export function scheduleBackward({
  adjoint,
  storage,
  merging,
  readForward,
  params,
  parts,
  handovers,
}: BackwardRequest): BackwardSchedule {
  const { builder } = adjoint;
  const { steps } = storage;
  const elements = (shape: Shape) => storage.elements(shape);
  const comesThrough = dependsOn(builder, (node) => node.op === 'previous');
  const sequence = (id: NodeId, slots = steps) => scratch(builder, storage, id, 'adjoints', 'sequence', slots);

  const inputs = new Map<string, Place>();
  const states = new Map<string, Place>();
  const stores: Store[] = [];
  for (const { name, shape, leading } of storage.signature.inputs) {
    if (leading !== undefined) continue;
    const place = storage.place('gradients', storage.layout, shape, steps, `gradients.inputs.${name}`);
    storage.expose(`gradients.inputs.${name}`, place, steps);
    inputs.set(name, place);
    stores.push({ value: cotangent(adjoint.inputs, name, builder), place, shift: 0, when: 'active' });
  }
  for (const [name, value] of Object.entries(adjoint.traces)) {
    const path = `gradients.traces.${name}`;
    const place = storage.place('gradients', 'sequence', storage.traced(name), steps, path);
    storage.expose(path, place, steps);
    stores.push({ value, place, shift: 0, when: 'active' });
  }
  // What the weight gradients multiply must be in memory for every step; other handovers only until the next one.
  const factors = new Set(outerFactors(adjoint.params).map((id) => sourceOf(builder, id)));
  const handover = new Map<NodeId, Access>();
  const inline = [...sums(adjoint.params), ...accruals(adjoint)];
  const cut = storage.shared.segmentsOf !== undefined;
  const readBehind = previousBehindLoop(adjoint, [...sequences(adjoint), ...factors, ...inline]);
  for (const { of, value, reach } of adjoint.handovers) {
    // What is read behind a segment's last step is the later one's.
    const behind =
      cut && adjoint.builder.nodes.some((node) => node.op === 'previous' && node.of === of && node.guarded) ? reach : 0;
    // Slot T is read once, by the last step, and not used.
    const lasting =
      behind > 0 ||
      handovers === 'for every step' ||
      parts.length > 1 ||
      reach > 1 ||
      factors.has(value) ||
      isOperand(adjoint, value) ||
      readBehind.has(of) ||
      !comesThrough(value);
    // As wide as what is handed over: of a state that nobody reads that is one zero, where every unit is read.
    const access = lasting ? sequence(of, steps + Math.max(1, behind)) : scratch(builder, storage, of, 'adjoints', 'alternating');
    if (behind > 0) storage.shared.move('behind', access.place, behind, 0, steps);
    handover.set(of, access);
    stores.push({ place: access.place, shift: access.shift, value, when: 'active' });
  }
  const read = (id: NodeId): Access | undefined => {
    const node = builder.node(id);
    if (node.op !== 'previous') return storage.leaf(node) ?? readForward(id);
    const access = handover.get(node.of);
    return access && { ...access, shift: node.steps, guarded: node.guarded && !cut };
  };
  const regions = splitByTime({
    builder,
    parts,
    stores,
    keep: [...factors].filter((id) => !read(id)),
    inline,
    read,
    sequence,
    row: (id) => scratch(builder, storage, id, 'adjoints', 'row'),
    words: (id) => wordsOf(builder, storage, id),
    elements,
    instructions: storage.target.maxKernelInstructions,
  });

  const initial = storage.signature.state.map(({ name, shape }): Store => {
    const place = storage.place('gradients', 'row', shape, 1, `gradients.state.${name}`);
    storage.expose(`gradients.state.${name}`, place, 1);
    states.set(name, place);
    return { value: cotangent(adjoint.carries, name, builder), place, shift: 0, when: 'always' };
  });
  // These run at step −1. What is the same at every step was stored from step 0 on: it is read there.
  const readBefore = (id: NodeId): Access | undefined => {
    const access = read(id);
    return access && builder.node(id).op !== 'previous' ? { ...access, shift: access.shift + 1 } : access;
  };
  const once = (what: string, own: readonly Store[], reading: (id: NodeId) => Access | undefined): Order[] =>
    cutIntoStoringPhases({
      builder,
      elements,
      instructions: storage.target.maxKernelInstructions,
      stores: own,
      read: reading,
      scratch: (id) => scratch(builder, storage, id, 'adjoints', 'row'),
    }).map((phase, index): Order => {
      const name = `backward_${what}_${index}_${phase.shape.join('') || '1'}`;
      return {
        kind: 'pass',
        time: -1,
        pass: { kind: 'phase', name, region: 'after', direction: 'backward', phase, rows: 'step' },
      };
    });

  const held = storage.signature.inputs.flatMap(({ name, shape, leading }): Store[] => {
    if (leading === undefined) return [];
    const place = storage.place('gradients', storage.heldLayout(name), shape, 1, `gradients.inputs.${name}`);
    storage.expose(`gradients.inputs.${name}`, place, 1);
    inputs.set(name, place);
    return [{ value: cotangent(adjoint.held, name, builder), place, shift: 0, when: 'always' }];
  });
  const accrued = accruePasses({ builder, storage, stores: held, read: regions.read });

  const timed = ordersOf(regions, 'backward', { from: steps - 1, to: -1, by: -1 });
  // What the first step hands over may come of a pass that has no loop behind it.
  const places = new Set([...handover.values()].map(({ place }) => keyOf(place)));
  const hands = (order: Order) => [...writtenBy({ passes: phasesOf([order]) })].some((key) => places.has(key));
  const handed = timed.some(({ kind }) => kind === 'loop') ? timed.findLastIndex(hands) + 1 : timed.length;
  const orders: Order[] = [
    ...emptied({ builder, storage, elements, read }, factors),
    ...timed.slice(0, handed),
    ...once('initial', initial, readBefore),
    ...timed.slice(handed),
    ...accrued.orders,
    ...once('held', accrued.stores, accrued.read),
    ...gradientPasses({ builder, storage, merging, params, terms: adjoint.params, read: regions.read }),
  ];
  return { orders, inputs, states };
}

/**
 * Zeros for what the caller left in the factors of weight gradients where a sequence has no step. Their products run
 * over all T·B rows, and zero times NaN is NaN; tests in their inner loops would cost more than these small passes.
 */
function emptied(
  { builder, storage, elements, read }: Pick<RegionRequest, 'builder' | 'elements' | 'read'> & { storage: Storage },
  factors: ReadonlySet<NodeId>,
): Order[] {
  const places = new Map<string, { readonly value: NodeId; readonly place: Place }>();
  for (const value of factors) {
    const place = read(value)?.place;
    if (place?.given) places.set(`${place.buffer} ${place.base}`, { value, place });
  }
  const states = new Set(Object.values(storage.states).map(({ buffer, base }) => `${buffer} ${base}`));
  const phases = (of: (key: string) => boolean) => {
    const own = [...places].flatMap(([key, place]) => (of(key) ? [place] : []));
    return cutIntoStoringPhases({
      builder,
      elements,
      instructions: storage.target.maxKernelInstructions,
      stores: own.map((one) => ({ ...one, shift: 0, when: 'active' })),
      read: (id) => accessTo(own.find(({ value }) => value === id)?.place ?? unknown(id)),
      scratch: unknown,
    });
  };
  const order =
    (rows: Rows) =>
    (phase: Phase, index: number): Order => {
      const name = `backward_empty_${rows}_${index}_${phase.shape.join('') || '1'}`;
      return { kind: 'pass', time: 0, pass: { kind: 'phase', name, region: 'before', direction: 'backward', phase, rows } };
    };
  // Of a state only slot 0 comes from the caller; the kernels' own slots hold zeros there.
  return [...phases((key) => !states.has(key)).map(order('all')), ...phases((key) => states.has(key)).map(order('step'))];
}

function unknown(id: NodeId): never {
  throw new Error(`factor ${id} of a weight gradient is not what the caller gave`);
}

function cotangent(table: Readonly<Record<string, NodeId>>, name: string, builder: RetimedAdjoint['builder']): NodeId {
  return table[name] ?? builder.constant(0);
}

function outerFactors(params: RetimedAdjoint['params']): NodeId[] {
  return terms(params).flatMap((term) => (term.kind === 'outer' ? [term.left, term.right] : []));
}

function sums(params: RetimedAdjoint['params']): NodeId[] {
  return terms(params).flatMap((term) => (term.kind === 'sum' ? [term.value] : []));
}

/** What is summed over the steps of each sequence. */
function accruals({ builder, held }: RetimedAdjoint): NodeId[] {
  return accruedIn(builder, Object.values(held)).map(({ of }) => of);
}

const terms = (params: RetimedAdjoint['params']): readonly GradientTerm[] => Object.values(params).flat();

/** Handed-over values that the gradients read directly, not through anything that the loop computes. */
function previousBehindLoop({ builder, handovers }: RetimedAdjoint, roots: readonly NodeId[]): ReadonlySet<NodeId> {
  const fedBack = ancestors(
    builder,
    handovers.map(({ value }) => value),
    () => true,
  );
  const outside = ancestors(builder, roots, (id) => !fedBack.has(id));
  const reached = [...outside, ...frontier(builder, roots, (id) => !fedBack.has(id))].map((id) => builder.node(id));
  return new Set(reached.flatMap((node) => (node.op === 'previous' ? [node.of] : [])));
}

/** Cotangents that are kept for every step. */
function sequences({ inputs, traces }: RetimedAdjoint): NodeId[] {
  return [...Object.values(inputs), ...Object.values(traces)];
}

/** Whether a kept cotangent contracts this value: it is then read for all steps at once. */
function isOperand(adjoint: RetimedAdjoint, value: NodeId): boolean {
  const behind = ancestors(adjoint.builder, sequences(adjoint), () => true);
  return [...behind].some((id) => {
    const node = adjoint.builder.node(id);
    return isContract(node) && node.terms.some(({ operand }) => sourceOf(adjoint.builder, operand) === value);
  });
}
