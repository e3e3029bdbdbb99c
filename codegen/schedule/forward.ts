/** The forward program: projections for all steps, the loop over the state, and what only reads it. */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isContract, mixesUnits, type NodeId, type StepGraph } from '../ir/graph.js';
import { preorder } from '../ir/walk.js';
import { residuals } from '../passes/residuals.js';
import { ancestors, type Regions, splitByTime } from './classes.js';
import { comparedWithMaximum } from './compared.js';
import { loopName } from './loops.js';
import { sourceOf } from './operands.js';
import type { Part } from './parts.js';
import type { LoopOrder, Order, Pass, PhasePass } from './passes.js';
import type { Phase } from './phases.js';
import { type Access, accessOf, accessTo, type Store, widthOf } from './places.js';
import type { Storage } from './storage.js';
import { totalPasses } from './totals.js';

export interface ForwardRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly step: StepGraph;
  /** Of its states. */
  readonly parts: readonly Part[];
  /** Forward values that the backward program uses; empty where no gradients are wanted. */
  readonly needed: readonly NodeId[];
}

export interface ForwardSchedule {
  readonly orders: Order[];
  readonly regions: Regions;
  /** Where every output can be read. */
  readonly outputs: ReadonlyMap<string, Access>;
}

export function scheduleForward({ builder, storage, step, parts, needed }: ForwardRequest): ForwardSchedule {
  const { steps } = storage;
  const stores: Store[] = [];
  const inStates = new Map<NodeId, Access>();
  for (const [name, value] of Object.entries(step.next)) {
    const place = storage.states[name];
    const final = storage.finals[name];
    if (!place || !final) throw new Error(`no place for state ${name}`);
    stores.push({ value, place, shift: 1, when: 'active' });
    stores.push({ value, place: final, shift: 0, when: 'last', initial: accessTo(place) });
    inStates.set(value, accessTo(place, 1));
  }
  const keep = (group: 'outputs' | 'traces', name: string, value: NodeId): Access => {
    const path = `${group}.${name}`;
    const state = inStates.get(value);
    // The sequence of a state is the output: slot 0 is the initial state, so the output starts at slot 1.
    if (state) {
      storage.expose(path, state.place, steps, 1);
      // To others it is a sequence like any other: it begins behind the initial state, and kernels wrote all of it.
      const base = state.place.base + storage.size('B') * widthOf(state.place);
      return accessTo({ ...state.place, base, given: false });
    }
    const { shape } = builder.node(value);
    const known = storage.alias(path, builder.node(value));
    if (known !== undefined) return known;
    const place = storage.links.target(path) ?? storage.place('values', storage.layout, shape, steps, path);
    if (!storage.links.isTotal(name)) storage.expose(path, place, steps);
    stores.push({ value, place, shift: 0, when: 'active' });
    return accessTo(place);
  };
  const outputs = new Map(Object.entries(step.outputs).map(([name, value]) => [name, keep('outputs', name, value)]));
  for (const [name, value] of Object.entries(step.traces)) keep('traces', name, value);

  const read = (id: NodeId) => storage.leaf(builder.node(id));
  const words = (id: NodeId) => wordsOf(builder, storage, id);
  const stored = (id: NodeId): Access | undefined => {
    const store = stores.find(({ value, when }) => value === id && when === 'active');
    return read(id) ?? inStates.get(id) ?? (store && accessOf(store));
  };
  // A value that a later phase of the step contracts is stored in any case; where gradients follow, as a sequence.
  const roots = [...Object.values(step.next), ...Object.values(step.outputs), ...Object.values(step.traces)];
  const compared = comparedWithMaximum(builder);
  const maxima = [...ancestors(builder, roots, () => true)].filter((id) => compared.has(id));
  const operands =
    needed.length === 0
      ? []
      : [...new Set([...contracted(builder, Object.values(step.next)), ...maxima])].filter((id) => !stored(id));
  const kept = residuals({
    builder,
    needed,
    available: (id) => stored(id) !== undefined || operands.includes(id),
    produced: mixesUnits,
    words,
  });
  const regions = splitByTime({
    builder,
    parts,
    stores,
    keep: [...operands, ...kept],
    inline: [],
    read,
    sequence: (id) => scratch(builder, storage, id, 'values', 'sequence'),
    row: (id) => scratch(builder, storage, id, 'values', 'row'),
    words,
    elements: (shape) => storage.elements(shape),
    instructions: storage.target.maxKernelInstructions,
  });
  const orders: Order[] = [
    ...ordersOf(regions, 'forward', { from: 0, to: steps, by: 1 }),
    ...totalPasses({ builder, storage, outputs: step.outputs, read: (name) => outputs.get(name) }),
  ];
  return { orders, regions, outputs };
}

/** Values that contractions behind `roots` read from memory. */
function contracted(builder: GraphBuilder, roots: readonly NodeId[]): NodeId[] {
  const found = new Set<NodeId>();
  preorder(roots, (id) => {
    const node = builder.node(id);
    if (isContract(node)) for (const { operand } of node.terms) found.add(sourceOf(builder, operand));
    return argumentsOf(node);
  });
  return [...found];
}

/** Words a value takes for each row; a boolean is never stored. */
export function wordsOf(builder: GraphBuilder, storage: Storage, id: NodeId): number {
  const node = builder.node(id);
  if (node.type === 'boolean') return Number.POSITIVE_INFINITY;
  return storage.elements(node.shape);
}

export function scratch(
  builder: GraphBuilder,
  storage: Storage,
  id: NodeId,
  pool: 'values' | 'adjoints',
  layout: 'sequence' | 'alternating' | 'row',
  slots = layout === 'sequence' ? storage.steps : layout === 'alternating' ? 2 : 1,
): Access {
  const { shape, span } = builder.node(id);
  const what = `a value kept for ${layout === 'sequence' ? 'every step' : 'the next step'} (spec line ${span.line})`;
  return accessTo(storage.place(pool, layout, shape, slots, what));
}

/** Passes and loops, numbered where there are several loops. */
export function ordersOf(
  { pieces }: Pick<Regions, 'pieces'>,
  direction: Pass['direction'],
  span: Pick<LoopOrder, 'from' | 'to' | 'by'>,
): Order[] {
  const loops = pieces.filter(({ kind }) => kind === 'loop').length;
  const found: Order[] = [];
  const numbers = { before: 0, between: 0, after: 0 };
  let turn = 0;
  for (const { kind, phases, recurrence } of pieces) {
    if (kind === 'all steps') {
      const region = turn === 0 ? 'before' : turn === loops ? 'after' : 'between';
      for (const phase of phases) {
        const name = `${direction}_${region}_${numbers[region]++}_${unitsOf(phase)}`;
        found.push({ kind: 'pass', pass: { kind: 'phase', name, region, direction, phase, rows: 'all' } });
      }
      continue;
    }
    turn++;
    const own = loops > 1 ? turn : undefined;
    const name = loopName('', direction, own);
    const passes = phases.map((phase, index): PhasePass => {
      return { kind: 'phase', name: `${name}_${index}_${unitsOf(phase)}`, region: 'loop', direction, phase, rows: 'step' };
    });
    found.push({ kind: 'loop', ...span, turn: own, recurrence, passes });
  }
  return found;
}

const unitsOf = ({ shape }: Phase): string => shape.join('') || '1';

/** The phases among what runs, those of loops too. */
export function phasesOf(orders: readonly Order[]): PhasePass[] {
  return orders.flatMap((order): readonly PhasePass[] => {
    if (order.kind === 'loop') return order.passes;
    return order.pass.kind === 'phase' ? [order.pass] : [];
  });
}
