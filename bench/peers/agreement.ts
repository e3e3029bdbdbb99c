/** Whether a peer computes the same numbers: a comparison of times means nothing otherwise. */
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import type { Layer } from '../../runtime/layer/index.js';
import type { PeerLayer } from './peer.js';

/** Largest relative error of a tensor between a peer's results and ours on the same data. Leaves the data uploaded. */
export async function differenceOf(layer: PeerLayer, executable: Layer, data: CellData): Promise<number> {
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
