/** Running a plan on a device. */
import type { Plan } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';
import { createExecutable as createWhole, type Executable } from './executable.js';
import { createSegmented, type OnSegment } from './segmented.js';

export { type Direction, type Executable, isBuffer, type Run, type Source } from './executable.js';
export type { Grain, PassTime } from './timed.js';

/**
 * Makes everything a plan needs on a device.
 *
 * @param shared buffers that others use as well, by name: not made here, and not freed
 * @param onSegment called when a run has done so many of its segments, where sequences are cut
 * @throws RecurveError, Error as it says of plans for whole sequences
 */
export async function createExecutable(
  owner: Supervised,
  plan: Plan,
  shared: ReadonlyMap<string, GPUBuffer>,
  onSegment: OnSegment = () => {},
): Promise<Executable> {
  const executable = await createWhole(owner, plan, shared);
  if (plan.segments === undefined) return executable;
  try {
    return await createSegmented(owner, executable, plan.segments, onSegment);
  } catch (error) {
    executable.destroy();
    throw error;
  }
}
