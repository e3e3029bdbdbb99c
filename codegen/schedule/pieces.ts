/** Cuts a pass into one for each of its stores: what runs together for its shape alone need not run at the same time. */
import { argumentsOf, type NodeId } from '../ir/graph.js';
import { preorder } from '../ir/walk.js';
import type { PhasePass, Section } from './passes.js';
import type { Phase } from './phases.js';
import type { Access, Store } from './places.js';

/** Stores of a phase never read each other, so that the pieces have no order among them. */
export function piecesOf(section: Section, pass: PhasePass): PhasePass[] {
  return pass.phase.stores.map((store, turn) => ({
    ...pass,
    name: `${pass.name}_${turn}`,
    phase: pieceOf(section, pass.phase, store),
  }));
}

function pieceOf({ builder }: Section, phase: Phase, store: Store): Phase {
  const loads = new Map<NodeId, Access>();
  const contracted = new Set<NodeId>();
  preorder([store.value], (id) => {
    const access = phase.loads.get(id);
    if (access !== undefined) {
      loads.set(id, access);
      return [];
    }
    // Operands are read where they lie, and are no values of the phase.
    if (phase.contractions.some((contraction) => contraction.id === id)) {
      contracted.add(id);
      return [];
    }
    return argumentsOf(builder.node(id));
  });
  return {
    ...phase,
    contractions: phase.contractions.filter(({ id }) => contracted.has(id)),
    loads,
    afar: new Set([...phase.afar].filter((id) => loads.has(id))),
    stores: [store],
  };
}
