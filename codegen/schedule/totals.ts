/** Totals over all sequences: one lane adds the rows of an output in their order, so that two runs give the same bits. */
import type { GraphBuilder } from '../ir/builder.js';
import type { NodeId } from '../ir/graph.js';
import type { Order } from './passes.js';
import { cutIntoPhases } from './phases.js';
import type { Access } from './places.js';
import type { Storage } from './storage.js';

interface TotalsRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly outputs: Readonly<Record<string, NodeId>>;
  /** Where an output of the section is in memory. */
  readonly read: (output: string) => Access | undefined;
}

export function totalPasses({ builder, storage, outputs, read }: TotalsRequest): Order[] {
  return Object.entries(outputs).flatMap(([name, value]) => {
    const rows = read(name);
    if (!storage.links.isTotal(name) || rows === undefined) return [];
    const place = storage.place('values', 'shared', builder.node(value).shape, 1, `the total of ${name}`);
    storage.expose(`outputs.${name}`, place, 1);
    const [phase] = cutIntoPhases({
      builder,
      stores: [{ value, place, shift: 0, when: 'active' }],
      read: (id) => (id === value ? rows : undefined),
      scratch: (id) => {
        throw new Error(`value ${id} of a total is not in memory`);
      },
      elements: (shape) => storage.elements(shape),
      instructions: storage.target.maxKernelInstructions,
    });
    if (phase === undefined) throw new Error(`a total of ${name} without a phase`);
    const pass = {
      kind: 'reduce',
      name: `forward_total_${name}`,
      region: 'after',
      direction: 'forward',
      phase,
      chunks: 1,
    } as const;
    return [{ kind: 'pass', pass }];
  });
}
