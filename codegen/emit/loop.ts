/** How a loop over time runs: as it is asked for, or as its graph and the adapter suggest. */
import { RecurveError } from '../errors.js';
import { LOOP_STRATEGIES, type LoopChoice, type LoopStrategy, type Target } from '../plan.js';
import type { Order, PhasePass, Section } from '../schedule/passes.js';
import type { Emitted } from './kernel.js';
import { emitPhase } from './phase.js';
import { emitWalk, meeting, type Walk, type Walking } from './walk.js';

export type LoopOrder = Extract<Order, { kind: 'loop' }>;

export interface EmittedLoop {
  readonly choice: LoopChoice;
  /** Of one dispatch, at most. */
  readonly steps: number;
  readonly passes: readonly { readonly pass: Pick<PhasePass, 'name' | 'region' | 'direction'>; readonly emitted: Emitted }[];
}

/** @throws RecurveError `STRATEGY-REFUSED` where the loop cannot run as `asked` */
export function emitLoop(section: Section, target: Target, loop: LoopOrder, asked: LoopStrategy | undefined): EmittedLoop {
  const meets = meeting(section, loop);
  const candidate: Walking = meets === undefined && asked !== 'resident' ? 'thread' : 'resident';
  const walk = walkAs(section, target, loop, candidate);
  // Both are the same phases in one kernel: what is too much for one is for the other.
  const refusals: Readonly<Partial<Record<LoopStrategy, string>>> = {
    ...(meets === undefined ? {} : { thread: meets }),
    ...(typeof walk === 'string' ? { thread: meets ?? walk, resident: walk } : {}),
  };
  const why = asked && refusals[asked];
  if (asked !== undefined && why !== undefined) throw refused(section, loop, asked, why);
  const taken =
    typeof walk !== 'string' && (asked === undefined ? pays(target, loop, candidate, walk) : asked === candidate)
      ? walk
      : undefined;
  const strategy = taken === undefined ? 'stepwise' : candidate;
  const others = LOOP_STRATEGIES.filter((each) => each !== strategy && refusals[each] === undefined);
  const choice: LoopChoice = { recurrence: section.recurrence, allowed: [strategy, ...others], refused: refusals };
  if (taken !== undefined) return { choice, steps: taken.steps, passes: [{ pass: headOf(loop), emitted: taken }] };
  return { choice, steps: 1, passes: loop.passes.map((pass) => ({ pass, emitted: emitPhase(section, target, pass) })) };
}

/** The loop as one kernel, or why it cannot be one. */
function walkAs(section: Section, target: Target, loop: LoopOrder, strategy: Walking): Walk | string {
  const most = 2 * target.maxKernelInstructions;
  const tooMany = (instructions: number) =>
    instructions > most ? `its phases together have ${instructions} instructions, and a kernel ${most} at most` : undefined;
  // What is far too much is not written out to be counted.
  const early = tooMany(loop.passes.reduce((sum, { phase }) => sum + phase.instructions, 0));
  if (early !== undefined) return early;
  const walk = emitWalk(section, target, { ...loop, ...headOf(loop) }, strategy);
  const { length: buffers } = walk.kernel.bindings;
  if (buffers > target.maxStorageBuffers)
    return `it needs ${buffers} buffers at once, and the adapter binds ${target.maxStorageBuffers}`;
  return tooMany(walk.instructions) ?? walk;
}

function headOf({ passes, by }: LoopOrder): Pick<PhasePass, 'name' | 'region' | 'direction'> {
  const [first] = passes;
  if (first === undefined) throw new Error('a loop without passes');
  const prefix = first.name.slice(0, first.name.indexOf(first.direction));
  return { name: `${prefix}${by > 0 ? 'forward' : 'backward'}_loop`, region: 'loop', direction: first.direction };
}

/**
 * What a dispatch costs beside its work, in operations of a workgroup: lanes of one workgroup do alone what workgroups of the
 * whole machine share when every step is dispatched. Measured on lavapipe and SwiftShader with two cores: 25 to 50 µs a dispatch.
 */
const DISPATCH_WORK = 2 ** 18;

/** Whether a walk is taken where nobody says: lanes on their own always, for they are as many as stepwise ones. */
function pays(target: Target, { passes }: LoopOrder, strategy: Walking, { cost, workgroups }: Walk): boolean {
  if (strategy === 'thread') return true;
  const together = workgroups[1] * workgroups[2];
  const work = target.software ? cost.flops / Math.min(2, together) : cost.flops / together;
  return work <= passes.length * DISPATCH_WORK;
}

function refused({ storage }: Section, loop: LoopOrder, strategy: LoopStrategy, why: string): RecurveError {
  const [first] = loop.passes;
  return new RecurveError({
    code: 'STRATEGY-REFUSED',
    message: `the ${first?.direction} loop of ${storage.signature.name} cannot run as ${strategy}: ${why}`,
    fix: 'Choose another strategy, or none: the compiler then takes what each loop allows.',
    where: '--strategy',
  });
}
