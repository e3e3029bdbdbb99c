/** The forward program: projections for all steps, the loop over the state, and what only reads it. */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isContract, mixesUnits, type NodeId, type StepGraph } from '../ir/graph.js';
import { preorder } from '../ir/walk.js';
import { residuals } from '../passes/residuals.js';
import { ancestors, type Regions, splitByTime } from './classes.js';
import { comparedWithMaximum } from './compared.js';
import { sourceOf } from './operands.js';
import type { Order, Pass, PhasePass, Rows } from './passes.js';
import type { Phase } from './phases.js';
import { type Access, accessOf, accessTo, type Store, widthOf } from './places.js';
import type { Storage } from './storage.js';
import { totalPasses } from './totals.js';

export interface ForwardRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly step: StepGraph;
  /** Forward values that the backward program uses; empty where no gradients are wanted. */
  readonly needed: readonly NodeId[];
}

export interface ForwardSchedule {
  readonly orders: Order[];
  readonly regions: Regions;
  /** Where every output can be read. */
  readonly outputs: ReadonlyMap<string, Access>;
}

export function scheduleForward({ builder, storage, step, needed }: ForwardRequest): ForwardSchedule {
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
    carried: (node) => node.op === 'state' || (node.op === 'delayed' && node.group === 'state'),
    stores,
    recurrent: Object.values(step.next),
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
    ...parallel(regions.before, 'forward', 'before'),
    ...inLoop(regions.loop, 'forward', { from: 0, to: steps, by: 1 }),
    ...parallel(regions.after, 'forward', 'after'),
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

function phasePass(phase: Phase, index: number, rows: Rows, direction: Pass['direction'], region: Pass['region']): PhasePass {
  return {
    kind: 'phase',
    name: `${direction}_${region}_${index}_${phase.shape.join('') || '1'}`,
    region,
    direction,
    phase,
    rows,
  };
}

export function parallel(phases: readonly Phase[], direction: Pass['direction'], region: 'before' | 'after'): Order[] {
  return phases.map((phase, index) => ({ kind: 'pass', pass: phasePass(phase, index, 'all', direction, region) }));
}

export function inLoop(
  phases: readonly Phase[],
  direction: Pass['direction'],
  span: { from: number; to: number; by: 1 | -1 },
): Order[] {
  if (phases.length === 0) return [];
  return [{ kind: 'loop', ...span, passes: phases.map((phase, index) => phasePass(phase, index, 'step', direction, 'loop')) }];
}
