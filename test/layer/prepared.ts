/** A cell compiled and loaded, with data of any extent that its plan serves and the reference's answer to them. */
import type { CellTree, OptionValue } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import type { Sizes } from '../../codegen/plan.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import type { RunResult } from '../../runtime/layer/index.js';
import { type RandomChoices, randomData } from '../../runtime/random.js';
import { type ReferenceExtras, runReference } from '../../runtime/reference/index.js';
import { prepare } from '../conformance/compare-cell.js';

export function prepareLayer(
  device: RecurveDevice,
  tree: CellTree,
  sizes: Sizes,
  given: Readonly<Record<string, OptionValue>> = {},
  gradients = true,
  extras: ReferenceExtras = {},
  /** Of sequences that are cut: steps of a segment. */
  steps?: number,
) {
  const segments = steps === undefined ? {} : { sizes: { ...sizes, T: steps }, segmentsOf: sizes.T };
  const { options, signature, outputs } = prepare(tree, sizes, given);
  return {
    plan: compile(tree, { options, sizes, gradients, ...extras, target: device.target, ...segments }),
    /** Data of fewer steps or sequences, the cell's own dims as they are. */
    data: (extent: Partial<Sizes>, choices: RandomChoices): CellData =>
      randomData(signature, { ...sizes, ...extent } as Sizes, outputs, choices),
    /** Names of the tensors that miss 1e-5. */
    wrong(data: CellData, extent: Partial<Sizes>, actual: RunResult): string[] {
      const expected = runReference(tree, signature, { ...sizes, ...extent } as Sizes, data, undefined, extras);
      return compareResults(actual as CellResult, expected, 1e-5).flatMap(({ name, ok, error, problem }) =>
        ok ? [] : [`${name} ${problem ?? error}`],
      );
    },
  };
}
