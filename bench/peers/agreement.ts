/** Whether a peer computes the same numbers: a comparison of times means nothing otherwise. */
import { RecurveError } from '../../codegen/errors.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import type { Layer } from '../../runtime/layer/index.js';
import type { PeerLayer } from './peer.js';

/** A peer that is further off computes something else, and its time says nothing of ours. */
const MOST_DIFFERENCE = 1e-3;

export interface Agreement {
  /** Largest relative error between its numbers and ours, where they are of the same mathematics. */
  readonly difference: number | undefined;
}

/** Runs a peer beside us on the same data, which stay uploaded. A sentence where it has other numbers, or none. */
export async function agreementOf(layer: PeerLayer, executable: Layer, data: CellData): Promise<Agreement | string> {
  if (layer.differs !== undefined) return { difference: undefined };
  try {
    const difference = await differenceOf(layer, executable, data);
    if (difference <= MOST_DIFFERENCE) return { difference };
    return `it computes other numbers: they differ from ours by ${difference.toPrecision(2)} of their size`;
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'PEER-FAILED') return error.message;
    throw error;
  }
}

/** Largest relative error of a tensor between a peer's results and ours. */
async function differenceOf(layer: PeerLayer, executable: Layer, data: CellData): Promise<number> {
  const theirs = await layer.read();
  const ours = await executable.run(data);
  return Math.max(...compareResults(theirs, common(ours, theirs), 1).map(({ error }) => error));
}

/** The tensors of `ours` that the peer gives too: it has no final state where nobody asks for one. */
function common(ours: CellResult, theirs: CellResult): CellResult {
  const keep = (mine: CellResult['state'] | undefined, other: CellResult['state'] | undefined) =>
    Object.fromEntries(Object.entries(mine ?? {}).filter(([name]) => other !== undefined && name in other));
  return {
    outputs: keep(ours.outputs, theirs.outputs),
    state: keep(ours.state, theirs.state),
    gradients: {
      inputs: keep(ours.gradients?.inputs, theirs.gradients?.inputs),
      state: keep(ours.gradients?.state, theirs.gradients?.state),
      params: keep(ours.gradients?.params, theirs.gradients?.params),
    },
  };
}
