/**
 * Time classes: what does not come through the recurrence runs for all T steps at once before the loop; what comes
 * through it but feeds nothing back runs after it; only the rest is in the loop. One split serves both directions:
 * the recurrence is the state going forward, and the handed-over cotangents going backward.
 *
 * A worked example, n = tanh(W x + U h), h′ = n, with a second output y = V n. In the order of `inspect --stage plan`:
 *   forward   before  W x, for all T·B rows          it does not come through h
 *             loop    U h + (W x), tanh              h′ comes of it, and is fed back
 *             after   V n, for all T·B rows          it comes through h, and nothing of h comes of it
 *   backward  before  Vᵀ dy, dy the cotangent of y   it comes through no later step's da
 *             loop    da = (carry + dh + (Vᵀ dy)) ⊙ tanh′, handed over to the step before
 *             after   Wᵀ da, which is dx, and the gradients of W, U and V
 * What one region leaves for another (W x, Vᵀ dy, da) is kept as a sequence.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, mixesUnits, type Node, type NodeId, type Shape } from '../ir/graph.js';
import { inherited, preorder } from '../ir/walk.js';
import type { Recurrence } from '../passes/recurrence.js';
import { residuals } from '../passes/residuals.js';
import { ONCE } from './levels.js';
import type { Part } from './parts.js';
import { costlyArguments, cutIntoStoringPhases, keepsShape, type Phase } from './phases.js';
import { type Access, accessOf, type Store } from './places.js';

export interface TimeRequest {
  readonly builder: GraphBuilder;
  /** What feeds the next step, in parts that run one after the other. */
  readonly parts: readonly Part[];
  /** Everything that must be in memory in the end. */
  readonly stores: readonly Store[];
  /** Values that must be in memory as sequences, wherever they are computed. */
  readonly keep: readonly NodeId[];
  /** Values that kernels behind these regions compute by themselves from what is in memory. */
  readonly inline: readonly NodeId[];
  readonly read: (id: NodeId) => Access | undefined;
  /** A new `[T, B, …]` sequence. */
  readonly sequence: (id: NodeId) => Access;
  /** A new `[B, …]` row that only this step uses. */
  readonly row: (id: NodeId) => Access;
  readonly words: (id: NodeId) => number;
  /** How many values a shape has. */
  readonly elements: (shape: Shape) => number;
  /** The most instructions of one kernel. */
  readonly instructions: number;
}

/** Phases that run together: for all steps at once, or step by step. */
export interface Piece {
  readonly kind: 'all steps' | 'loop';
  readonly phases: readonly Phase[];
  /** Of the part whose loop it is, or lies around it. */
  readonly recurrence: Recurrence;
}

export interface Regions {
  /** In the order in which they run: one loop for each part that has any, and what lies around them. */
  readonly pieces: readonly Piece[];
  /** Everything in memory once all regions ran. */
  readonly read: (id: NodeId) => Access | undefined;
}

export function splitByTime(request: TimeRequest): Regions {
  const { builder, elements, instructions } = request;
  // The last part; whatever does not come through it is split by those before it.
  const [part, earlier] = [request.parts.at(-1), request.parts.slice(0, -1)];
  if (part === undefined) throw new Error('a recurrence without parts');
  const leaves = new Set(part.brought.flatMap((one) => [...one.leaves, ...one.later]));
  const carried = (leaf: Node) => leaves.has(leaf.id);
  const comesThrough = dependsOn(builder, carried);
  const fedBack = part.brought.map(({ value }) => value).filter(comesThrough);
  // A fed-back value that is itself a leaf (h' = c) is in the loop although it is in memory.
  const inLoop = ancestors(builder, fedBack, (id) => comesThrough(id) && !request.read(id));
  for (const id of fedBack) inLoop.add(id);
  const kept = new Map<NodeId, Access>();
  const stores: Record<'before' | 'loop' | 'after', Store[]> = { before: [], loop: [], after: [] };
  const classOf = (id: NodeId) => (inLoop.has(id) ? 'loop' : comesThrough(id) ? 'after' : 'before');
  const inMemory = new Map<NodeId, Access>();
  for (const store of request.stores) {
    stores[classOf(store.value)].push(store);
    if (serves(builder, store)) inMemory.set(store.value, accessOf(store));
  }
  const readAfter = (id: NodeId) => lasting(request.read(id)) ?? inMemory.get(id) ?? kept.get(id);
  const keep = (id: NodeId) => {
    if (readAfter(id)) return;
    const access = request.sequence(id);
    kept.set(id, access);
    // What the step before left, and no later region can read, is in memory in the loop only.
    const region = carried(builder.node(id)) ? 'loop' : classOf(id);
    stores[region].push({ place: access.place, shift: access.shift, value: id, when: 'active' });
  };
  request.keep.forEach(keep);

  // Kernels behind the regions compute per-unit values only: what they would contract or reduce is stored.
  const perUnit = (id: NodeId) => !inLoop.has(id) && !readAfter(id) && !mixesUnits(builder.node(id));
  for (const id of frontier(builder, request.inline, perUnit)) if (mixesUnits(builder.node(id)) && !inLoop.has(id)) keep(id);
  costlyArguments({ builder, elements, instructions, anotherPhase: ONCE, read: readAfter }, request.inline).forEach(keep);

  // What the regions behind the loop want of it, and then what all of them want of the region before it.
  const computedAfter = new Set(stores.after.map((store) => store.value));
  const behind = [...computedAfter, ...request.inline];
  residuals({
    ...request,
    needed: frontier(builder, behind, (id) => !inLoop.has(id) && (computedAfter.has(id) || !readAfter(id))).filter((id) =>
      inLoop.has(id),
    ),
    available: (id) => readAfter(id) !== undefined || !comesThrough(id),
    produced: (node) => mixesUnits(node) || carried(node),
  }).forEach(keep);
  const throughout = [...stores.loop.map((store) => store.value), ...behind];
  residuals({
    ...request,
    needed: frontier(builder, throughout, (id) => comesThrough(id) && !request.read(id)).filter((id) => !comesThrough(id)),
    available: (id) => readAfter(id) !== undefined,
    produced: mixesUnits,
  }).forEach(keep);

  const written = (region: readonly Store[]) => {
    const map = new Map<NodeId, Access>();
    for (const store of region) if (serves(builder, store)) map.set(store.value, accessOf(store));
    return map;
  };
  const before = written(stores.before);
  const loop = written(stores.loop);
  const readInLoop = (id: NodeId) => request.read(id) ?? before.get(id);
  const readBehind = (id: NodeId) => lasting(readInLoop(id)) ?? loop.get(id);
  const { recurrence } = part;
  const throughoutTime = (own: readonly Store[], read: TimeRequest['read']): Piece => ({
    kind: 'all steps',
    recurrence,
    phases: cutIntoStoringPhases({
      builder,
      elements,
      instructions,
      anotherPhase: ONCE,
      stores: own,
      read,
      scratch: request.sequence,
    }),
  });
  const inner = { ...request, parts: earlier, stores: stores.before, keep: [], inline: [] };
  const pieces = [
    ...(earlier.length === 0 ? [throughoutTime(stores.before, request.read)] : splitByTime(inner).pieces),
    {
      kind: 'loop' as const,
      recurrence,
      phases: cutIntoStoringPhases({
        builder,
        elements,
        instructions,
        stores: stores.loop,
        read: readInLoop,
        scratch: request.row,
      }),
    },
    throughoutTime(stores.after, readBehind),
  ];
  return { pieces: pieces.filter(({ phases }) => phases.length > 0), read: readAfter };
}

/** Whether a value can be read where a store leaves it: at every step, and as wide as it is (a stretched scalar is not). */
function serves(builder: GraphBuilder, store: Store): boolean {
  const { layout } = store.place;
  return store.when !== 'last' && (layout === 'sequence' || layout === 'chunk') && keepsShape(builder, store);
}

/** What only two neighbouring steps can read is gone when the loop has run. */
const lasting = (access: Access | undefined) => (access?.place.layout === 'alternating' ? undefined : access);

/** Whether a value depends on a leaf of this kind. */
export function dependsOn(builder: GraphBuilder, leaf: (node: Node) => boolean): (id: NodeId) => boolean {
  return inherited((id, known) => {
    const node = builder.node(id);
    return leaf(node) || argumentsOf(node).some(known);
  });
}

/** The nodes behind `roots` (themselves included) that `inside` admits; the walk stops at the others. */
export function ancestors(builder: GraphBuilder, roots: readonly NodeId[], inside: (id: NodeId) => boolean): Set<NodeId> {
  const found = new Set<NodeId>();
  preorder(roots, (id) => {
    if (!inside(id)) return [];
    found.add(id);
    return argumentsOf(builder.node(id));
  });
  return found;
}

/** The first nodes behind `roots` that `inside` does not admit. */
export function frontier(builder: GraphBuilder, roots: readonly NodeId[], inside: (id: NodeId) => boolean): NodeId[] {
  const inner = ancestors(builder, roots, inside);
  const edge = new Set<NodeId>(roots.filter((id) => !inner.has(id)));
  for (const id of inner) for (const argument of argumentsOf(builder.node(id))) if (!inner.has(argument)) edge.add(argument);
  return [...edge];
}
