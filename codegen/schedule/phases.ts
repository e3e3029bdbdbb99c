/**
 * Cuts a region of the graph into phases. A unit needs other units' values wherever a contraction reads a value
 * that the region itself computes, so such a value is stored and the contraction waits for the next phase. Within a
 * phase every (row, unit) is independent: one kernel, one dispatch.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, isContract, type NodeId } from '../ir/graph.js';
import type { Access, Store } from './places.js';

export interface PhaseTerm {
  readonly matrix: string;
  readonly transposed: boolean;
  readonly operand: Access;
}

export interface Phase {
  readonly level: number;
  /** The dim whose units the phase's lanes cover. */
  readonly dim: string;
  /** Contractions by the node they compute. */
  readonly contractions: readonly { readonly id: NodeId; readonly terms: readonly PhaseTerm[] }[];
  readonly loads: ReadonlyMap<NodeId, Access>;
  /** Nodes computed per unit, in order; leaves that need no memory included. */
  readonly body: readonly NodeId[];
  readonly stores: readonly Store[];
}

export interface RegionRequest {
  readonly builder: GraphBuilder;
  readonly stores: readonly Store[];
  /** Values in memory before the region starts. */
  readonly read: (id: NodeId) => Access | undefined;
  /** A place for a value that a later phase of the region reads. */
  readonly scratch: (id: NodeId) => Access;
}

/** The region's phases in the order they must run. */
export function cutIntoPhases({ builder, stores, read, scratch }: RegionRequest): Phase[] {
  const level = levels(builder, read);
  const heavy = containsContraction(builder, read);
  const pending = new Map<string, { level: number; dim: string; stores: Store[] }>();
  const stored = new Map<NodeId, Access>();

  const enqueue = (store: Store) => {
    const dim = store.place.dim ?? '';
    const key = `${level(store.value)} ${dim}`;
    const phase = pending.get(key) ?? { level: level(store.value), dim, stores: [] };
    phase.stores.push(store);
    pending.set(key, phase);
  };
  for (const store of stores) {
    enqueue(store);
    const stretched = store.place.dim !== builder.node(store.value).shape[0];
    if (store.when !== 'last' && !stretched && !stored.has(store.value)) stored.set(store.value, store);
  }
  /** Makes a lower phase leave a value in memory, unless it does already. */
  const fetch = (id: NodeId): Access => {
    const known = read(id) ?? stored.get(id);
    if (known) return known;
    const access = scratch(id);
    stored.set(id, access);
    enqueue({ ...access, value: id, when: 'active' });
    return access;
  };

  const phases: Phase[] = [];
  for (let next = deepest(pending); next; next = deepest(pending)) {
    pending.delete(next.key);
    phases.push(build(next.phase));
  }
  return phases.reverse();

  function build(phase: { level: number; dim: string; stores: Store[] }): Phase {
    const contractions: { id: NodeId; terms: PhaseTerm[] }[] = [];
    const loads = new Map<NodeId, Access>();
    const body = new Set<NodeId>();
    const visit = (id: NodeId): void => {
      if (body.has(id) || loads.has(id) || contractions.some((contraction) => contraction.id === id)) return;
      const access = read(id) ?? (heavy(id) && level(id) < phase.level ? fetch(id) : undefined);
      if (access) {
        loads.set(id, access);
        return;
      }
      const node = builder.node(id);
      if (isContract(node)) {
        const terms = node.terms.map(({ matrix, transposed, operand }) => ({ matrix, transposed, operand: fetch(operand) }));
        contractions.push({ id, terms });
        return;
      }
      for (const argument of argumentsOf(node)) visit(argument);
      body.add(id);
    };
    for (const store of phase.stores) visit(store.value);
    return { ...phase, contractions, loads, body: [...body] };
  }
}

function deepest<P extends { level: number; dim: string }>(
  pending: ReadonlyMap<string, P>,
): { key: string; phase: P } | undefined {
  let found: { key: string; phase: P } | undefined;
  for (const [key, phase] of pending) if (!found || phase.level > found.phase.level) found = { key, phase };
  return found;
}

/** How many contractions of this region's own values stand behind a value. */
function levels(builder: GraphBuilder, read: RegionRequest['read']): (id: NodeId) => number {
  const known = new Map<NodeId, number>();
  const level = (id: NodeId): number => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const node = builder.node(id);
    let value = 0;
    if (read(id) === undefined) {
      if (isContract(node)) value = Math.max(...node.terms.map(({ operand }) => (read(operand) ? 0 : level(operand) + 1)));
      else if (isApply(node)) value = Math.max(0, ...node.args.map(level));
      else if (node.op !== 'constant' && node.op !== 'param' && node.op !== 'last') {
        throw new Error(`${node.op} leaf ${id} has no place in memory`);
      }
    }
    known.set(id, value);
    return value;
  };
  return level;
}

function containsContraction(builder: GraphBuilder, read: RegionRequest['read']): (id: NodeId) => boolean {
  const known = new Map<NodeId, boolean>();
  const heavy = (id: NodeId): boolean => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const node = builder.node(id);
    const value = read(id) === undefined && (isContract(node) || argumentsOf(node).some(heavy));
    known.set(id, value);
    return value;
  };
  return heavy;
}
