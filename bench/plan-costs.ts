/** What a plan costs, counted from the plan. */
import type { Plan, ScheduleItem } from '../codegen/plan.js';

/** Dispatches of one run of a schedule. */
export function countDispatches(schedule: readonly ScheduleItem[]): number {
  return schedule.reduce((sum, item) => sum + (item.kind === 'pass' ? 1 : turnsOf(item) * item.passes.length), 0);
}

/** Floating-point operations of one run, over all of a plan's passes. */
export function countFlops(plan: Plan): number {
  return plan.passes.reduce((sum, pass) => sum + pass.flops, 0);
}

/** How often a loop's passes are dispatched; `to` is exclusive, as in `for (t = from; t !== to; t += by)`. */
function turnsOf(item: Exclude<ScheduleItem, { kind: 'pass' }>): number {
  if (item.kind === 'wave') return item.waves;
  const { from, to, by, steps = 1 } = item;
  return Math.ceil(Math.max(0, (to - from) * by) / steps);
}
