/** recurve's own layout, of every cell and model: the parameters themselves, by their names and in their shapes. */
import type { Signature } from '../../../../codegen/frontend/tree.js';
import { fillOf } from '../../../data.js';
import { axisOf } from '../../sizes.js';
import type { ResolvedTensor } from '../layout.js';

/** A tensor for each parameter; one that is not trained may be missing, and is then what its `init` says. */
export function ownTensors({ params }: Signature): readonly ResolvedTensor[] {
  return params.map((param) => ({
    name: param.name,
    arrangement: 'rows',
    ifMissing: fillOf(param) === undefined ? 'refused' : 'init',
    bands: [[param.name]],
    axes: param.shape.map(axisOf),
  }));
}
