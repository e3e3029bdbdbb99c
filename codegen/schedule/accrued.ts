/** What comes back to values that every step reads as they are: sums over the steps of each sequence, behind the loop. */
import type { GraphBuilder } from '../ir/builder.js';
import type { Node, NodeId } from '../ir/graph.js';
import { ancestors } from './classes.js';
import { scratch } from './forward.js';
import type { Order } from './passes.js';
import { cutIntoPhases, keepsShape } from './phases.js';
import { type Access, accessTo, type Store } from './places.js';
import type { Storage } from './storage.js';

type Accrued = Extract<Node, { op: 'accrued' }>;

/** The sums over steps that some values are made of. */
export function accruedIn(builder: GraphBuilder, roots: readonly NodeId[]): Accrued[] {
  const nodes = [...ancestors(builder, roots, () => true)].map((id) => builder.node(id));
  return nodes.filter((node): node is Accrued => node.op === 'accrued');
}

interface AccrueRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  /** Of values made of sums over steps. */
  readonly stores: readonly Store[];
  /** What is in memory behind the loop. */
  readonly read: (id: NodeId) => Access | undefined;
}

interface Accruing {
  readonly orders: Order[];
  /** What is left to be stored where more is made of the sums. */
  readonly stores: readonly Store[];
  /** Where the sums are. */
  readonly read: (id: NodeId) => Access | undefined;
}

export function accruePasses({ builder, storage, stores, read }: AccrueRequest): Accruing {
  const sums = new Map<NodeId, Access>();
  const summed: Store[] = [];
  const left: Store[] = [];
  for (const store of stores) {
    const node = builder.node(store.value);
    if (node.op !== 'accrued' || sums.has(node.id) || !keepsShape(builder, store)) left.push(store);
    else {
      sums.set(node.id, accessTo(store.place));
      summed.push({ ...store, value: node.of });
    }
  }
  const values = left.map(({ value }) => value);
  for (const { id, of } of accruedIn(builder, values)) {
    if (sums.has(id)) continue;
    const access = scratch(builder, storage, id, 'adjoints', 'row');
    sums.set(id, access);
    summed.push({ value: of, place: access.place, shift: 0, when: 'always' });
  }
  const phases = cutIntoPhases({
    builder,
    stores: summed,
    read,
    scratch: (id) => {
      throw new Error(`value ${id} of a sum over steps is not in memory`);
    },
    elements: (shape) => storage.elements(shape),
    instructions: storage.target.maxKernelInstructions,
  });
  const orders = phases.map((phase, index): Order => {
    const name = `backward_accrued_${index}_${phase.shape.join('') || '1'}`;
    return { kind: 'pass', pass: { kind: 'accrue', name, region: 'after', direction: 'backward', phase } };
  });
  return { orders, stores: left, read: (id) => sums.get(id) };
}
