import type { Signature, Sizes, SpecTree } from '../../codegen/frontend/tree.js';
import type { CellData, CellResult } from '../data.js';
import { runModel } from './model/index.js';
import { type ReferenceExtras, runCell } from './sequence.js';
import { Tape } from './tape.js';

/**
 * Runs a cell or a model over `T` steps in float64; with cotangents in `data`, also the gradients of the inputs, the initial
 * state and the trained parameters. All results are Float64Arrays; shapes as in `CellResult`. `outputs` are those of the
 * signature, or every name that `step` or `run` returns.
 *
 * @param tape a new one; of another arithmetic to see what that makes of the results
 * @param extras of a cell: names of values to `trace`, returned for every step with their cotangents (see `lower`), and the
 *   `clip` of the state's cotangent at each step back in time
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`, `DATA-LENGTHS`, `DATA-SEED`, `DATA-RATE`, `DIMS-MISSING`
 */
export function runReference(
  tree: SpecTree,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
  tape: Tape = new Tape(),
  extras: ReferenceExtras = {},
): CellResult {
  if (tree.kind === 'model') return runModel(tree, signature, sizes, data, tape);
  return runCell(tree, signature, sizes, data, tape, extras);
}
