/**
 * Cuts a region of the graph into phases. A unit needs other units' values wherever a contraction or reduction reads a
 * value that the region itself computes, so such a value is stored and the reader waits for the next phase. Within a
 * phase every (row, unit) is independent: one kernel, one dispatch.
 *
 * A lane computes units of the phase's own shape in place. Reductions and views (expand, window) ask for values at
 * other units: those are read from memory or, where that is cheap, computed again on the spot ("elsewhere"). So the
 * mean, the variance and the normalized value of a layer normalization share one phase.
 */
import type { GraphBuilder } from '../ir/builder.js';
import {
  argumentsOf,
  isApply,
  isContract,
  isExpand,
  isReduce,
  isWindow,
  type MatrixRef,
  mixesUnits,
  type NodeId,
  type Shape,
} from '../ir/graph.js';
import { ops } from '../ir/ops.js';
import { comparedWithMaximum } from './compared.js';
import { type Operand, throughWindows } from './operands.js';
import { type Access, accessOf, type Store } from './places.js';

export interface PhaseTerm {
  readonly matrix: MatrixRef;
  readonly transposed: boolean;
  readonly operand: Operand;
}

export interface Phase {
  readonly level: number;
  /** The units that the phase's lanes cover. */
  readonly shape: Shape;
  /** Contractions by the node they compute. */
  readonly contractions: readonly { readonly id: NodeId; readonly terms: readonly PhaseTerm[] }[];
  /** Values that the phase reads from memory; everything else it computes. */
  readonly loads: ReadonlyMap<NodeId, Access>;
  readonly stores: readonly Store[];
}

export interface RegionRequest {
  readonly builder: GraphBuilder;
  readonly stores: readonly Store[];
  /** Values in memory before the region starts. */
  readonly read: (id: NodeId) => Access | undefined;
  /** A place for a value that a later phase of the region reads. */
  readonly scratch: (id: NodeId) => Access;
  /** How many values a shape has. */
  readonly elements: (shape: Shape) => number;
}

/** What decides in which phase a value can be computed. */
type Surroundings = Pick<RegionRequest, 'builder' | 'read' | 'elements'>;

/** A reduction over more than this has a phase of its own: lanes that use it do not each repeat it. */
const LONGEST_REPEATED = 4096;
/** Floating-point operations that computing a value again at other units may cost. */
const MOST_REPEATED = 40;
/** Those of one draw. */
const DRAWING = 40;

/** The region's phases in the order they must run, for kernels that store: scalars are stored along with units. */
export function cutIntoStoringPhases(request: RegionRequest): Phase[] {
  const joined: Phase[] = [];
  for (const phase of cutIntoPhases(request)) {
    const host = joined.findIndex(
      ({ level, shape }) => level === phase.level && (shape.length === 0) !== (phase.shape.length === 0),
    );
    const other = joined[host];
    if (other === undefined) joined.push(phase);
    else joined[host] = other.shape.length === 0 ? join(phase, other) : join(other, phase);
  }
  return joined;
}

/** A phase that stores scalars as well, from its first units. */
function join(units: Phase, scalars: Phase): Phase {
  return { ...units, loads: new Map([...units.loads, ...scalars.loads]), stores: [...units.stores, ...scalars.stores] };
}

/** The region's phases in the order they must run. */
export function cutIntoPhases(request: RegionRequest): Phase[] {
  const { builder, stores, read, scratch } = request;
  const levels = new Levels(request);
  const pending = new Map<string, { level: number; shape: Shape; stores: Store[] }>();
  const stored = new Map<NodeId, Access>();

  const enqueue = (store: Store) => {
    const { shape } = store.place;
    const level = levels.here(store.value);
    const key = `${level} ${shape.join()}`;
    const phase = pending.get(key) ?? { level, shape, stores: [] };
    phase.stores.push(store);
    pending.set(key, phase);
  };
  for (const store of stores) {
    enqueue(store);
    if (store.when !== 'last' && keepsShape(builder, store) && !stored.has(store.value)) stored.set(store.value, accessOf(store));
  }
  /** Makes a lower phase leave a value in memory, unless it does already. */
  const fetch = (id: NodeId): Access => {
    const known = read(id) ?? stored.get(id);
    if (known) return known;
    const access = scratch(id);
    stored.set(id, access);
    enqueue({ value: id, place: access.place, shift: access.shift, when: 'active' });
    return access;
  };

  const phases: Phase[] = [];
  for (let next = deepest(pending); next; next = deepest(pending)) {
    pending.delete(next.key);
    phases.push(build(next.phase));
  }
  return phases.reverse();

  function build(phase: { level: number; shape: Shape; stores: Store[] }): Phase {
    const contractions: { id: NodeId; terms: PhaseTerm[] }[] = [];
    const loads = new Map<NodeId, Access>();
    const seen = new Set<string>();
    const visit = (id: NodeId, wanted: Where): void => {
      const node = builder.node(id);
      const where = node.shape.length === 0 ? 'here' : wanted;
      if (seen.has(`${id} ${where}`) || loads.has(id)) return;
      seen.add(`${id} ${where}`);
      // A boolean has no place in memory: it is computed again from what has.
      const below = levels.mixes(id) ? levels.at(id, 'here') < phase.level : where === 'elsewhere' && levels.isCostly(id);
      const access = read(id) ?? (below && node.type === 'number' ? fetch(id) : undefined);
      if (access) {
        loads.set(id, access);
        return;
      }
      if (isContract(node)) {
        contractions.push({ id, terms: node.terms.map((term) => ({ ...term, operand: operandOf(term.operand) })) });
        return;
      }
      const moves = isReduce(node) || isExpand(node) || isWindow(node);
      for (const argument of argumentsOf(node)) visit(argument, moves ? 'elsewhere' : where);
    };
    for (const store of phase.stores) visit(store.value, 'here');
    return { level: phase.level, shape: phase.shape, contractions, loads, stores: phase.stores };
  }

  function operandOf(id: NodeId): Operand {
    const { source, windows } = throughWindows(builder, id, (value) => read(value) !== undefined);
    return { access: fetch(source), windows, shape: builder.node(id).shape };
  }
}

/** What a kernel that cannot store on its way must find in memory, besides contractions and reductions: costly arguments of views. */
export function costlyArguments(request: Surroundings, roots: readonly NodeId[]): NodeId[] {
  const levels = new Levels(request);
  const found = new Set<NodeId>();
  const seen = new Set<string>();
  const visit = (id: NodeId, where: Where): void => {
    const node = request.builder.node(id);
    if (seen.has(`${id} ${where}`) || request.read(id) || mixesUnits(node)) return;
    seen.add(`${id} ${where}`);
    if (where === 'elsewhere' && levels.isCostly(id)) {
      found.add(id);
      return;
    }
    const moves = isExpand(node) || isWindow(node);
    for (const argument of argumentsOf(node)) visit(argument, moves ? 'elsewhere' : where);
  };
  for (const root of roots) visit(root, 'here');
  return [...found];
}

/** Whether a value is stored as wide as it is; a scalar may be stretched over units. */
export const keepsShape = (builder: GraphBuilder, { place, value }: Store): boolean =>
  place.shape.join() === builder.node(value).shape.join();

type Where = 'here' | 'elsewhere';

function deepest<P extends { level: number }>(pending: ReadonlyMap<string, P>): { key: string; phase: P } | undefined {
  let found: { key: string; phase: P } | undefined;
  for (const [key, phase] of pending) if (!found || phase.level > found.phase.level) found = { key, phase };
  return found;
}

/** In which phase a value can be computed: in place, or at any other unit. */
class Levels {
  private readonly known = { here: new Map<NodeId, number>(), elsewhere: new Map<NodeId, number>() };
  private readonly mixing = new Map<NodeId, boolean>();
  private readonly costs = new Map<NodeId, number>();

  private readonly compared: ReadonlySet<NodeId>;

  constructor(private readonly request: Surroundings) {
    this.compared = comparedWithMaximum(request.builder);
  }

  at(id: NodeId, where: Where): number {
    const known = this.known[where].get(id);
    if (known !== undefined) return known;
    const level = this.request.read(id) ? 0 : where === 'here' ? this.computeHere(id) : this.computeElsewhere(id);
    this.known[where].set(id, level);
    return level;
  }

  here(id: NodeId): number {
    return this.at(id, 'here');
  }

  /** Whether a contraction or reduction of this region stands behind a value; views pass it on to their argument alone. */
  mixes(id: NodeId): boolean {
    const known = this.mixing.get(id);
    if (known !== undefined) return known;
    const node = this.request.builder.node(id);
    const mixes =
      !this.request.read(id) &&
      (isContract(node) || isReduce(node) || (isApply(node) && node.args.some((arg) => this.mixes(arg))));
    this.mixing.set(id, mixes);
    return mixes;
  }

  /** Whether a value is better stored than computed again wherever a view or a reduction wants it. */
  isCostly(id: NodeId): boolean {
    const { shape, type } = this.request.builder.node(id);
    if (shape.length === 0 || type === 'boolean') return false;
    return !this.request.read(id) && (this.compared.has(id) || this.cost(id) > MOST_REPEATED);
  }

  private computeHere(id: NodeId): number {
    const node = this.request.builder.node(id);
    if (isContract(node)) {
      return Math.max(
        ...node.terms.map(({ operand }) => {
          const { source } = throughWindows(this.request.builder, operand, (value) => this.request.read(value) !== undefined);
          return this.request.read(source) ? 0 : this.here(source) + 1;
        }),
      );
    }
    if (isReduce(node) || isExpand(node) || isWindow(node)) return this.at(node.arg, 'elsewhere');
    if (isApply(node)) return Math.max(0, ...node.args.map((arg) => this.ready(arg)));
    return this.leaf(id);
  }

  private computeElsewhere(id: NodeId): number {
    const node = this.request.builder.node(id);
    if (node.shape.length === 0) return this.ready(id);
    if (mixesUnits(node) || this.isCostly(id)) return this.here(id) + 1;
    if (isExpand(node) || isWindow(node)) return this.at(node.arg, 'elsewhere');
    if (isApply(node)) return Math.max(0, ...node.args.map((arg) => this.at(arg, 'elsewhere')));
    return this.leaf(id);
  }

  /** When a value can be used in place: one that is too long to repeat comes from a phase of its own. */
  private ready(id: NodeId): number {
    const node = this.request.builder.node(id);
    const long =
      isReduce(node) &&
      !this.request.read(id) &&
      this.request.elements(this.request.builder.node(node.arg).shape) > LONGEST_REPEATED * this.request.elements(node.shape);
    return this.here(id) + (long ? 1 : 0);
  }

  private leaf(id: NodeId): number {
    const node = this.request.builder.node(id);
    const free = ['constant', 'param', 'last', 'time', 'index', 'extent', 'random'].includes(node.op);
    if (!free) throw new Error(`${node.op} leaf ${id} has no place in memory`);
    return 0;
  }

  private cost(id: NodeId): number {
    const known = this.costs.get(id);
    if (known !== undefined) return known;
    const node = this.request.builder.node(id);
    // A scalar is computed once for all units, and what mixes units is in memory by then, as is what costs too much.
    const there = node.shape.length === 0 || this.request.read(id) !== undefined || mixesUnits(node);
    const own = isApply(node) ? ops[node.op].flops : node.op === 'random' ? DRAWING : 0;
    const repeated = (arg: NodeId) => (this.isCostly(arg) ? 0 : this.cost(arg));
    const cost = there ? 0 : argumentsOf(node).reduce((sum, arg) => sum + repeated(arg), own);
    this.costs.set(id, cost);
    return cost;
  }
}
