/** How a loop over time runs: as it is asked for, or as its graph and the adapter suggest. */
import { RecurveError } from '../errors.js';
import { LOOP_STRATEGIES, type LoopChoice, type LoopStrategy, type Target } from '../plan.js';
import { loopNameOf } from '../schedule/loops.js';
import type { LoopOrder, Order, PhasePass, Section } from '../schedule/passes.js';
import { scanOf, wantsScans } from '../schedule/scan.js';
import { followersOf } from './followers.js';
import type { Emitted } from './kernel.js';
import { emitPhase } from './phase.js';
import { emitResident } from './resident.js';
import { emitScan } from './scan.js';
import { largestTile } from './tiles.js';
import { emitThread, meeting, type Walk } from './walk.js';

export interface EmittedLoop {
  readonly choice: LoopChoice;
  /** Of one dispatch, at most. */
  readonly steps: number;
  readonly passes: readonly { readonly pass: Pick<PhasePass, 'name' | 'region' | 'direction'>; readonly emitted: Emitted }[];
  /** Orders behind it that it does on its way: they run no more. */
  readonly absorbed: readonly Order[];
}

/** What is known of a loop before it is emitted. */
export interface LoopRequest {
  /** What is taken where the loop allows it. */
  readonly asked: LoopStrategy | undefined;
  /** The chain of loops that it could be in a wave with, or why there is none. */
  readonly chain: readonly string[] | string;
  /** What the section runs behind it, in order, until its next loop. */
  readonly behind: readonly Order[];
}

/** A loop by itself. */
export function emitLoop(section: Section, target: Target, loop: LoopOrder, { asked, chain, behind }: LoopRequest): EmittedLoop {
  const direction = loop.by > 0 ? 'forward' : 'backward';
  const name = loopNameOf(section, loop);
  const whole = { ...loop, name, direction, region: 'loop' } as const;
  const meets = meeting(section, loop);
  // All of them are the same phases in one kernel: what is too much for one is for the others.
  const fitting = whyNot(target, loop);
  const thread = meets ?? fitting(() => emitThread(section, target, whole));
  // What fits as the one fits as the other.
  const resident = meets === undefined ? thread : fitting(() => emitResident(section, target, whole));
  const scan = typeof thread === 'string' ? thread : scanOf(section, loop);
  // Another program has several loops in its place.
  const inParts = section.inParts[direction];
  const reasons = { ...reason('thread', thread), ...reason('resident', resident), ...reason('scan', scan) };
  const refused: LoopChoice['refused'] = {
    ...Object.fromEntries(Object.entries(reasons).filter(([strategy]) => !inParts.some((one) => one === strategy))),
    ...(typeof chain === 'string' ? { wavefront: chain } : {}),
    ...(section.notChunked === undefined ? {} : { chunkwise: section.notChunked }),
  };
  const allows = (strategy: LoopStrategy) => refused[strategy] === undefined;
  // By itself no loop is a wave, and chunks are another program's.
  const alone = asked === 'wavefront' || asked === 'chunkwise' ? undefined : asked;
  const strategy = alone !== undefined && allows(alone) ? alone : chosen();
  const others = LOOP_STRATEGIES.filter((each) => each !== strategy && allows(each));
  const inChain = typeof chain === 'string' ? {} : { chain };
  const choice: LoopChoice = { name, recurrence: loop.recurrence, allowed: [strategy, ...others], refused, ...inChain };
  if (strategy === 'scan' && typeof scan !== 'string' && typeof thread !== 'string')
    return { choice, ...emitScan(section, target, whole, { scan, thread, followers: followersOf(section, loop, behind) }) };
  const walk = strategy === 'thread' ? thread : meets === undefined ? emitResident(section, target, whole) : resident;
  if (strategy !== 'stepwise' && typeof walk !== 'string')
    return { choice, steps: walk.steps, passes: [{ pass: whole, emitted: walk }], absorbed: [] };
  return {
    choice,
    steps: 1,
    absorbed: [],
    passes: loop.passes.map((pass) => ({ pass, emitted: emitPhase(section, target, pass) })),
  };

  function chosen(): LoopStrategy {
    if (typeof scan !== 'string' && wantsScans(section.storage, loop.recurrence, undefined)) return 'scan';
    // Lanes on their own always, for they are as many as stepwise ones.
    if (typeof thread !== 'string') return 'thread';
    return typeof resident !== 'string' && pays(section, target, loop, resident) ? 'resident' : 'stepwise';
  }
}

/** What is said of a loop that runs in a wave. */
export function choiceInWave(section: Section, target: Target, loop: LoopOrder, chain: readonly string[] | string): LoopChoice {
  const { choice } = emitLoop(section, target, loop, { asked: 'stepwise', chain, behind: [] });
  return { ...choice, allowed: ['wavefront', ...choice.allowed.filter((each) => each !== 'wavefront')] };
}

const reason = (strategy: LoopStrategy, found: object | string): Partial<Record<LoopStrategy, string>> =>
  typeof found === 'string' ? { [strategy]: found } : {};

/** Gives a loop as one kernel, or says why it cannot be one. */
function whyNot(target: Target, loop: LoopOrder): (emit: () => Walk) => Walk | string {
  const most = 2 * target.maxKernelInstructions;
  const tooMany = (instructions: number) =>
    instructions > most ? `its phases together have ${instructions} instructions, and a kernel ${most} at most` : undefined;
  // What is far too much is not written out to be counted.
  if (loop.passes.some(({ phase }) => phase.rows !== undefined)) return () => 'it finds rows one after the other at every step';
  const early = tooMany(loop.passes.reduce((sum, { phase }) => sum + phase.instructions, 0));
  return (emit) => {
    if (early !== undefined) return early;
    const walk = emit();
    const { length: buffers } = walk.kernel.bindings;
    if (buffers > target.maxStorageBuffers)
      return `it needs ${buffers} buffers at once, and the adapter binds ${target.maxStorageBuffers}`;
    return tooMany(walk.instructions) ?? walk;
  };
}

/**
 * What a dispatch costs beside its work, in operations of a workgroup: lanes of one workgroup do alone what workgroups of the
 * whole machine share when every step is dispatched. Measured on lavapipe and SwiftShader with two cores: 25 to 50 µs a dispatch.
 */
const DISPATCH_WORK = 2 ** 18;

/**
 * What an operation costs on a processor by how many rows a lane has together, each of which shares the weights that it loads; as parts of
 * `DISPATCH_WORK`. By eight cells of 1 to 16 sequences of 32 to 128 units on lavapipe.
 */
const costIn = (tile: number): number => 0.6 + 6 / tile;

/** The same where a lane holds its weights: LSTMs of 64 units gain by it up to 32 sequences, and lose a little with 64. */
const COST_HELD = 1.3;

/** Whether a workgroup walks its sequences where nobody says. */
function pays(section: Section, target: Target, { passes }: LoopOrder, { cost, workgroups, tile, weights }: Walk): boolean {
  const together = workgroups[1] * workgroups[2];
  const dispatches = passes.length * DISPATCH_WORK;
  const work = target.software ? cost.flops / Math.min(2, together) : cost.flops / together;
  if (weights === 'loaded' && work > dispatches) return false;
  if (!target.software) return true;
  // Tiles are smaller in a walk, that there be some for both cores, which share the units of a step that is dispatched.
  const apart = Math.min(...passes.map((pass) => largestTile(section, target, pass)));
  return work * (weights === 'held' ? COST_HELD : costIn(tile)) <= (cost.flops / 2) * costIn(apart) + dispatches;
}

/**
 * What a plan says whose loops cannot run as somebody asked.
 * @throws RecurveError `STRATEGY-REFUSED` where no loop does
 */
export function requireTaken(cell: string, asked: LoopStrategy, choices: readonly LoopChoice[]): void {
  const [first] = choices;
  if (first === undefined || choices.some(({ allowed }) => allowed[0] === asked)) return;
  throw new RecurveError({
    code: 'STRATEGY-REFUSED',
    message: `no loop of ${cell} can run as ${asked}: ${first.refused[asked]}`,
    fix: 'Choose another strategy, or none: the compiler then takes what each loop allows.',
    where: '--strategy',
  });
}
