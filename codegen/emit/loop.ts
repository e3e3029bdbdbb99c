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
  const walks = new Map(WALKING.map((strategy) => [strategy, walkAs(section, target, loop, strategy)]));
  const refusals = [...walks].flatMap(([strategy, walk]) => (typeof walk === 'string' ? [[strategy, walk] as const] : []));
  const why = refusals.find(([strategy]) => strategy === asked);
  if (why !== undefined) throw refused(section, loop, ...why);
  const possible = [...walks].flatMap(([strategy, walk]) => (typeof walk === 'string' ? [] : [{ strategy, walk }]));
  const chosen =
    asked === undefined
      ? possible.find(({ strategy, walk }) => pays(target, loop, strategy, walk))
      : possible.find(({ strategy }) => strategy === asked);
  const strategy = chosen?.strategy ?? 'stepwise';
  const others = LOOP_STRATEGIES.filter((each) => each !== strategy && !refusals.some(([other]) => other === each));
  const choice: LoopChoice = {
    recurrence: section.recurrence,
    allowed: [strategy, ...others],
    refused: Object.fromEntries(refusals),
  };
  if (chosen !== undefined) return { choice, steps: chosen.walk.steps, passes: [{ pass: headOf(loop), emitted: chosen.walk }] };
  return { choice, steps: 1, passes: loop.passes.map((pass) => ({ pass, emitted: emitPhase(section, target, pass) })) };
}

/** In the order in which they are preferred. */
const WALKING: readonly Walking[] = ['thread', 'resident'];

/** The loop as one kernel, or why it cannot be one. */
function walkAs(section: Section, target: Target, loop: LoopOrder, strategy: Walking): Walk | string {
  const meets = strategy === 'thread' ? meeting(section, loop) : undefined;
  if (meets !== undefined) return meets;
  const walk = emitWalk(section, target, { ...loop, ...headOf(loop) }, strategy);
  const most = 2 * target.maxKernelInstructions;
  if (walk.instructions > most) return `its phases together have ${walk.instructions} instructions, and a kernel ${most} at most`;
  const { length: buffers } = walk.kernel.bindings;
  if (buffers > target.maxStorageBuffers)
    return `it needs ${buffers} buffers at once, and the adapter binds ${target.maxStorageBuffers}`;
  return walk;
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
