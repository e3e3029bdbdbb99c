/**
 * Cuts a region of the graph into phases. A unit needs other units' values wherever a contraction or reduction reads a
 * value that the region itself computes, so such a value is stored and the reader waits for the next phase. Within a
 * phase every (row, unit) is independent: one kernel, one dispatch.
 *
 * A lane computes units of the phase's own shape in place. Reductions and views (expand, window) ask for values at
 * other units: those are read from memory or, where that is cheap, computed again on the spot ("elsewhere"). So the
 * mean, the variance and the normalized value of a layer normalization share one phase.
 *
 * A kernel holds no more instructions than the adapter's compiler bears. What a value takes beyond half of that is cut:
 * a part of it is stored and the rest waits for the next phase. Stores that exceed the whole together are shared out
 * among several kernels of one level.
 *
 * A worked example is the minimal gated unit, f = σ(W_f x + U_f h + b_f), n = tanh(W_n x + U_n (f ⊙ h) + b_n),
 * h′ = (1 − f) ⊙ h + f ⊙ n. W_f x and W_n x were computed before the loop. In it (`inspect mgu --stage plan`):
 *   forward_loop_0_H  contracts U_f with h, which is in memory, and computes f; it stores f ⊙ h, whose units U_n mixes, as a
 *                     sequence (the gradient of U_n reads it, too), and f and (1 − f) ⊙ h as rows, for this step only
 *   forward_loop_1_H  contracts U_n with the stored f ⊙ h, computes n, and stores h′
 * Both levels have the shape [H]: one lane for each sequence and four units.
 */
import type { GraphBuilder } from '../ir/builder.js';
import {
  argumentsOf,
  findsRows,
  isContract,
  isExpand,
  isReduce,
  isWindow,
  type MatrixRef,
  mixesUnits,
  type NodeId,
  type Shape,
} from '../ir/graph.js';
import { mayIdle } from '../passes/due.js';
import { Levels, type Where } from './levels.js';
import { type Operand, throughWindows } from './operands.js';
import { type Access, accessOf, type Store } from './places.js';

export interface PhaseTerm {
  readonly matrix: MatrixRef;
  readonly transposed: boolean;
  readonly operand: Operand;
  /** Whether the operand is zero at some steps for all sequences. */
  readonly idle: boolean;
}

export interface Phase {
  readonly level: number;
  /** The units that the phase's lanes cover. */
  readonly shape: Shape;
  /** Contractions by the node they compute. */
  readonly contractions: readonly { readonly id: NodeId; readonly terms: readonly PhaseTerm[] }[];
  /** Of a phase that finds the rows of one value one after the other, and does nothing else: what that is, and where its arguments are. */
  readonly rows?: { readonly node: NodeId; readonly args: readonly Access[] };
  /** Values that the phase reads from memory; everything else it computes. */
  readonly loads: ReadonlyMap<NodeId, Access>;
  /** Those of them that a lane reads at other units than its own. */
  readonly afar: ReadonlySet<NodeId>;
  readonly stores: readonly Store[];
  /** About how many the kernel has. */
  readonly instructions: number;
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
  /** The most instructions of one kernel. */
  readonly instructions: number;
  /** As in `Surroundings`. */
  readonly anotherPhase?: number | undefined;
}

/** The region's phases in the order they must run, for kernels that store: scalars are stored along with units. */
export function cutIntoStoringPhases(request: RegionRequest): Phase[] {
  const joined: Phase[] = [];
  for (const phase of cutIntoPhases(request)) {
    const host = joined.findIndex(
      ({ level, shape, rows, instructions }) =>
        level === phase.level &&
        (shape.length === 0) !== (phase.shape.length === 0) &&
        rows === undefined &&
        phase.rows === undefined &&
        instructions + phase.instructions <= request.instructions,
    );
    const other = joined[host];
    if (other === undefined) joined.push(phase);
    else joined[host] = other.shape.length === 0 ? join(phase, other) : join(other, phase);
  }
  return joined;
}

/** A phase that stores scalars as well, from its first units. */
function join(units: Phase, scalars: Phase): Phase {
  return {
    ...units,
    loads: new Map([...units.loads, ...scalars.loads]),
    afar: new Set([...units.afar, ...scalars.afar]),
    stores: [...units.stores, ...scalars.stores],
    instructions: units.instructions + scalars.instructions,
  };
}

/** The region's phases in the order they must run. */
export function cutIntoPhases(request: RegionRequest): Phase[] {
  const { builder, stores, read, scratch } = request;
  const levels = new Levels(
    { ...request, available: (id) => read(id) !== undefined },
    stores.map(({ value }) => value),
  );
  const isIdle = mayIdle(builder);
  const pending = new Map<string, { level: number; shape: Shape; stores: Store[] }>();
  const stored = new Map<NodeId, Access>();

  const enqueue = (store: Store) => {
    const { shape } = store.place;
    const level = levels.here(store.value);
    const apart = findsRows(builder.node(store.value)) && read(store.value) === undefined;
    const key = `${level} ${shape.join()}${apart ? ` ${store.value}` : ''}`;
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
    const { level, shape } = next.phase;
    for (const batch of levels.batches(next.phase.stores, level).reverse()) phases.push(build({ level, shape, ...batch }));
  }
  return phases.reverse();

  function build(phase: { level: number; shape: Shape; stores: readonly Store[]; instructions: number }): Phase {
    const contractions: { id: NodeId; terms: PhaseTerm[] }[] = [];
    const loads = new Map<NodeId, Access>();
    const afar = new Set<NodeId>();
    const seen = new Set<string>();
    let rows: Phase['rows'];
    const visit = (id: NodeId, wanted: Where): void => {
      const node = builder.node(id);
      const where = node.shape.length === 0 ? 'here' : wanted;
      if (seen.has(`${id} ${where}`)) return;
      seen.add(`${id} ${where}`);
      if (where === 'elsewhere') afar.add(id);
      if (loads.has(id)) return;
      // A boolean has no place in memory: it is computed again from what has.
      const below =
        levels.mixes(id) || levels.isCut(id) ? levels.at(id, 'here') < phase.level : where === 'elsewhere' && levels.isCostly(id);
      const access = read(id) ?? (below && node.type === 'number' ? fetch(id) : undefined);
      if (access) {
        loads.set(id, access);
        return;
      }
      if (isContract(node)) {
        contractions.push({
          id,
          terms: node.terms.map((term) => ({ ...term, operand: operandOf(term.operand), idle: isIdle(term.operand) })),
        });
        return;
      }
      if (findsRows(node)) {
        rows = { node: id, args: argumentsOf(node).map(fetch) };
        return;
      }
      const moves = isReduce(node) || isExpand(node) || isWindow(node);
      for (const argument of argumentsOf(node)) visit(argument, moves ? 'elsewhere' : where);
    };
    for (const store of phase.stores) visit(store.value, 'here');
    return {
      ...phase,
      contractions,
      ...(rows === undefined ? {} : { rows }),
      loads,
      afar: new Set([...afar].filter((id) => loads.has(id))),
    };
  }

  function operandOf(id: NodeId): Operand {
    const { source, windows } = throughWindows(builder, id, (value) => read(value) !== undefined);
    return { access: fetch(source), windows, shape: builder.node(id).shape };
  }
}

/**
 * What a kernel that cannot store on its way must find in memory, besides contractions and reductions: costly
 * arguments of views, and where values that take too many instructions are cut.
 */
export function costlyArguments(request: Omit<RegionRequest, 'stores' | 'scratch'>, roots: readonly NodeId[]): NodeId[] {
  const { builder } = request;
  const available = (id: NodeId): boolean => {
    const node = builder.node(id);
    // What only the loop can read is stored by the loop, whatever is cut here.
    return request.read(id) !== undefined || mixesUnits(node) || node.op === 'previous' || node.op === 'state';
  };
  const levels = new Levels({ ...request, available }, roots);
  const found = new Set<NodeId>();
  const seen = new Set<string>();
  const visit = (id: NodeId, where: Where): void => {
    const node = builder.node(id);
    if (seen.has(`${id} ${where}`) || available(id)) return;
    seen.add(`${id} ${where}`);
    if (levels.isCut(id) || (where === 'elsewhere' && levels.isCostly(id))) {
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

function deepest<P extends { level: number }>(pending: ReadonlyMap<string, P>): { key: string; phase: P } | undefined {
  let found: { key: string; phase: P } | undefined;
  for (const [key, phase] of pending) if (!found || phase.level > found.phase.level) found = { key, phase };
  return found;
}
