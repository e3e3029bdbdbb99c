/** Plans as layers: what programs run. */
import type { Plan } from '../../codegen/plan.js';
import { adopt } from '../device/adopt.js';
import type { Supervised } from '../device/supervise.js';
import { createExecutable } from '../execute/index.js';
import { isTable, requireForm, wrongType } from './forms.js';
import { Layer } from './layer.js';
import { SharedParams } from './shared-params.js';
import type { CellTypes } from './types.js';

export type { DescentStep } from './descent.js';
export { Layer } from './layer.js';
export type * from './types.js';

/** A plan that knows the names and shapes of its tensors: `generate` writes one. */
export interface TypedPlan<S extends CellTypes> extends Plan {
  /** Never there: it carries the types. */
  readonly types?: S;
}

/** What a layer may share. */
export interface LoadOptions {
  /** A layer whose parameters serve this one, too: what one changes, the other has. Their layouts must be the same. */
  readonly params?: Pick<Layer, 'sharedParams'>;
  /**
   * Of a plan whose sequences are cut: called when a run has done so many segments of so many; each counts once for forward and once
   * for backward.
   */
  readonly onSegment?: (done: number, of: number) => void;
}

/**
 * Puts a plan on a device.
 *
 * @param device one that `open` gave, or any `GPUDevice`, such as a browser's
 * @throws RecurveError `LIMIT-*`, `DEVICE-*`, `PARAMS-SHARED`, `DATA-TYPE`, `DATA-KEY`; a plain Error, with the kernel's source, if a kernel does
 *   not compile: a defect of recurve
 */
export async function load<S extends CellTypes = CellTypes>(
  device: GPUDevice | Supervised,
  plan: TypedPlan<S>,
  options: LoadOptions = {},
): Promise<Layer<S>> {
  requireForm('load', options, ['params', 'onSegment']);
  const { params: other, onSegment } = options;
  if (!isTable(plan) || !Array.isArray(plan.buffers) || !isTable(plan.tensors)) {
    throw wrongType(
      'the plan',
      plan,
      'Give the `plan` that `recurve generate` wrote, or what JSON.parse makes of its plan.json.',
      'plan',
    );
  }
  if (other !== undefined && !(isTable(other) && other.sharedParams instanceof SharedParams)) {
    throw wrongType('params', other, 'Give the layer that has them; setParams of the layer takes tensors.');
  }
  const owner = isSupervised(device) ? device : adopt(device);
  owner.check();
  const params = other === undefined ? await SharedParams.create(owner, plan) : other.sharedParams.use(owner, plan);
  try {
    return new Layer<S>(owner, await createExecutable(owner, plan, params.buffers, onSegment), params);
  } catch (error) {
    params.release();
    throw error;
  }
}

function isSupervised(device: unknown): device is Supervised {
  return isTable(device) && 'settle' in device;
}
