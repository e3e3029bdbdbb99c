/** How near to what a machine can do at most a run comes. */
import { segmentsIn } from '../codegen/index.js';
import type { Plan } from '../codegen/plan.js';
import { predict, type Rates } from '../runtime/roofline/index.js';

/** Of one run; weights are packed already, and what segments compute once more does not count. */
export interface Reach {
  /** Operations for each byte that is read or written. */
  readonly intensity: number;
  /** What its passes should take together, and submitting them. */
  readonly predictedMs: number;
  /** The least that any kernels would take: operations in registers, or bytes, with all of the machine at work. */
  readonly roofMs: number;
  /** That over the time that was measured. */
  readonly share: number;
}

/** @param ms what was measured */
export function reachOf(plan: Plan, rates: Rates, ms: number): Reach {
  const predictions = predict(plan, rates);
  const passes = plan.passes.flatMap((pass, index) => {
    const prediction = predictions[index];
    return pass.region === 'pack' || prediction === undefined ? [] : [{ ...pass, prediction }];
  });
  const total = (of: (pass: (typeof passes)[number]) => number) =>
    segmentsIn(plan) * passes.reduce((sum, pass) => sum + of(pass), 0);
  const roofMs = total(({ prediction }) => prediction.roofMs);
  return {
    intensity:
      total(({ flops }) => flops) /
      Math.max(
        1,
        total(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten),
      ),
    predictedMs: total(({ prediction }) => prediction.ms) + rates.submit.value / 1000,
    roofMs,
    share: roofMs / ms,
  };
}
