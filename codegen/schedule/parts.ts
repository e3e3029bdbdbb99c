/**
 * A recurrence in parts that run one after the other, each over all steps: states that need each other are in one part, and what
 * only feeds others is known at every step before these begin. So a memory is a scan although its decay comes of another state by
 * a sigmoid, and what a matrix makes of one state for another is a product over all T·B rows.
 *
 * A worked example, a′ = f ⊙ a + u, b′ = g ⊙ b + V a′ with g = σ(w ⊙ a′), where f and u come of the input:
 *   part 1   a    affine, and a scan where that is wanted
 *   between  V a′ and σ(w ⊙ a′), for all rows
 *   part 2   b    affine, once a is known
 * The adjoint's parts are those of its cotangents, in the other order: the cotangent of b feeds that of a.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, type Node, type NodeId, type StepGraph } from '../ir/graph.js';
import { stronglyConnected } from '../ir/groups.js';
import { preorder } from '../ir/walk.js';
import { affineForms } from '../passes/affine.js';
import { isForms } from '../passes/forms.js';
import { maxPlusForms } from '../passes/max-plus.js';
import { RECURRENCES, type Recurrence, recurrencesOf } from '../passes/recurrence.js';
import type { RetimedAdjoint } from '../passes/retime.js';
import { type Algebra, MOST_CARRIED } from './scan.js';

/** What a step leaves for later ones. */
export interface Brought {
  readonly value: NodeId;
  /** What reads it, at the next step and at later ones. */
  readonly leaves: readonly NodeId[];
  readonly later: readonly NodeId[];
  /** Where it is known what it is. */
  readonly recurrence?: Recurrence;
}

/** Some of what a step brings to the next. */
export interface Part {
  readonly brought: readonly Brought[];
  readonly recurrence: Recurrence;
}

export interface Parts {
  /** In an order in which each needs only those before it. */
  readonly parts: readonly Part[];
  /** Whether units of a part need other units of one before it. */
  readonly meet: boolean;
  /** Whether some part can be a scan. */
  readonly scanned: boolean;
}

/** States, and the leaves that read them. */
export function broughtForward(builder: GraphBuilder, step: StepGraph): Brought[] {
  const classes = recurrencesOf({ nodes: builder.nodes, next: step.next });
  return Object.entries(step.next).map(([name, value]): Brought => {
    const readers = readersIn(builder, (node) => {
      if (node.op === 'state') return node.name === name ? 1 : undefined;
      return node.op === 'delayed' && node.group === 'state' && node.name === name ? node.steps + 1 : undefined;
    });
    return { value, ...readers, recurrence: classes[name] ?? 'none' };
  });
}

/** What the adjoint hands over to the step before, and the leaves that read it. */
export function broughtBackward({ builder, handovers }: RetimedAdjoint): Brought[] {
  return handovers.map(({ of, value }): Brought => {
    return { value, ...readersIn(builder, (node) => (node.op === 'previous' && node.of === of ? node.steps : undefined)) };
  });
}

/** Leaves that read a value, by how many steps behind the one that leaves it; `undefined` for what is no such leaf. */
function readersIn(builder: GraphBuilder, stepsOf: (leaf: Node) => number | undefined): Pick<Brought, 'leaves' | 'later'> {
  const [leaves, later]: [NodeId[], NodeId[]] = [[], []];
  for (const node of builder.nodes) {
    const steps = stepsOf(node);
    if (steps !== undefined) (steps === 1 ? leaves : later).push(node.id);
  }
  return { leaves, later };
}

/** All of it in one. */
export const whole = (brought: readonly Brought[], recurrence: Recurrence): Part => ({ brought, recurrence });

/** Brought values that need each other, and whether they need themselves. */
interface Group {
  readonly members: readonly Brought[];
  readonly recurs: boolean;
}

/** Where a group is: in a loop, or what is known before it; of that, what needs the one before. */
interface Turn {
  readonly loop: number;
  readonly known: number | undefined;
}

/**
 * The fewest parts of which each can be one scan, or has nothing that can.
 * @param recurrence what all of it is
 */
export function partsOf(builder: GraphBuilder, brought: readonly Brought[], recurrence: Recurrence): Parts {
  const groups = groupsOf(builder, brought);
  const one: Parts = { parts: [whole(brought, recurrence)], meet: false, scanned: false };
  if (groups.length < 2 || !groups.some(({ recurs }) => recurs)) return one;
  const loops: { readonly members: Brought[]; readonly algebra: Algebra | undefined }[] = [];
  const turns = new Map<Brought, Turn>();
  const afar = meetings(builder, brought);
  let meet = false;
  const ofLeaf = leavesOf(brought);
  for (const { members, recurs } of groups) {
    const algebra = recurs ? algebraOf(builder, members) : undefined;
    let [loop, known] = [0, 0];
    for (const need of needsOf(builder, ofLeaf, members)) {
      const turn = turns.get(need);
      if (turn === undefined) continue;
      const meets = members.some(({ value }) => afar(value).has(need));
      meet ||= meets;
      if (turn.known !== undefined) {
        if (turn.loop > loop) [loop, known] = [turn.loop, 0];
        if (turn.loop === loop) known = Math.max(known, turn.known + 1);
        continue;
      }
      const cut = !recurs || meets || algebra !== loops[turn.loop]?.algebra;
      if (turn.loop + (cut ? 1 : 0) > loop) [loop, known] = [turn.loop + (cut ? 1 : 0), 0];
    }
    if (recurs) {
      while (loop < loops.length && !joins(loops[loop], members, algebra)) loop++;
      loops[loop] = { members: [...(loops[loop]?.members ?? []), ...members], algebra };
    }
    for (const member of members) turns.set(member, { loop, known: recurs ? undefined : known });
  }
  if (loops.length < 2 && !meet) return one;
  const parts = [...loops, { members: [], algebra: undefined }].flatMap(({ members, algebra }, index): Part[] => [
    ...knownBefore(index).map((own) => whole(own, 'none')),
    ...(members.length === 0 ? [] : [whole(members, hardest(members) ?? algebra ?? recurrence)]),
  ]);
  return { parts, meet, scanned: loops.some(({ algebra }) => algebra !== undefined) };

  function joins(
    to: { readonly members: readonly Brought[]; readonly algebra: Algebra | undefined } | undefined,
    members: readonly Brought[],
    algebra: Algebra | undefined,
  ): boolean {
    if (to === undefined || to.algebra !== algebra) return false;
    // One number of all units is left by one lane, and read by all of them.
    const isNumber = ({ value }: Brought) => builder.node(value).shape.length === 0;
    if (to.members.some(isNumber) !== members.some(isNumber)) return false;
    return algebra === undefined || algebraOf(builder, [...to.members, ...members]) === algebra;
  }

  /** What is handed on without coming back, and read from a loop on. */
  function knownBefore(loop: number): Brought[][] {
    const found: Brought[][] = [];
    for (const [one, turn] of turns) {
      if (turn.loop === loop && turn.known !== undefined) found[turn.known] = [...(found[turn.known] ?? []), one];
    }
    return found.filter((own) => own !== undefined);
  }
}

/** What all of them are together, once the others are known. */
function algebraOf(builder: GraphBuilder, members: readonly Brought[]): Algebra | undefined {
  const later = new Set(members.flatMap((one) => one.later));
  let reads = false;
  preorder(
    members.map(({ value }) => value),
    (id) => {
      reads ||= later.has(id);
      return argumentsOf(builder.node(id));
    },
  );
  if (reads || members.some(({ leaves }) => leaves.length === 0)) return undefined;
  const shapes = members.map(({ value }) => builder.node(value).shape.join());
  if (shapes.some((shape) => shapes.filter((other) => other === shape).length > MOST_CARRIED)) return undefined;
  const [old, next] = [members.map(({ leaves }) => leaves), members.map(({ value }) => value)];
  if (isForms(affineForms(builder, old, next))) return 'affine';
  return isForms(maxPlusForms(builder, old, next)) ? 'max-plus' : undefined;
}

/** Each behind those that it needs. */
function groupsOf(builder: GraphBuilder, brought: readonly Brought[]): Group[] {
  const ofLeaf = leavesOf(brought);
  const behind = (id: NodeId): readonly NodeId[] => {
    const own = ofLeaf.get(id);
    return own === undefined ? argumentsOf(builder.node(id)) : [own.value];
  };
  const values = brought.map(({ value }) => value);
  return stronglyConnected(values, behind).flatMap((nodes): Group[] => {
    const own = new Set(nodes);
    const members = brought.filter(({ value }) => own.has(value));
    return members.length === 0 ? [] : [{ members, recurs: nodes.some((id) => behind(id).some((other) => own.has(other))) }];
  });
}

/** What is read of others, at this step or behind what is read. */
function needsOf(builder: GraphBuilder, ofLeaf: ReadonlyMap<NodeId, Brought>, members: readonly Brought[]): ReadonlySet<Brought> {
  const found = new Set<Brought>();
  preorder(
    members.map(({ value }) => value),
    (id) => {
      const other = ofLeaf.get(id);
      if (other !== undefined && !members.includes(other)) found.add(other);
      return argumentsOf(builder.node(id));
    },
  );
  return found;
}

const leavesOf = (brought: readonly Brought[]): ReadonlyMap<NodeId, Brought> =>
  new Map(brought.flatMap((one) => [...one.leaves, ...one.later].map((id) => [id, one] as const)));

/** Of a value: what of others it reads at other units than its own. What is brought is not looked behind: it is in memory. */
function meetings(builder: GraphBuilder, brought: readonly Brought[]): (root: NodeId) => ReadonlySet<Brought> {
  const ofLeaf = leavesOf(brought);
  const values = new Map(brought.map((one) => [one.value, one]));
  return (root) => {
    const found = new Set<Brought>();
    const known = (id: NodeId) => ofLeaf.get(id) ?? (id === root ? undefined : values.get(id));
    const elsewhere: NodeId[] = [];
    preorder([root], (id) => {
      if (known(id) !== undefined) return [];
      const node = builder.node(id);
      if (!isApply(node)) elsewhere.push(...argumentsOf(node));
      return argumentsOf(node);
    });
    preorder(elsewhere, (id) => {
      const one = known(id);
      if (one !== undefined) found.add(one);
      return one === undefined ? argumentsOf(builder.node(id)) : [];
    });
    return found;
  };
}

const hardest = (brought: readonly Brought[]): Recurrence | undefined =>
  RECURRENCES.findLast((each) => brought.some(({ recurrence }) => recurrence === each));
