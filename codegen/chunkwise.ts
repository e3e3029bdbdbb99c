/** When a cell is run chunk by chunk (`passes/memory/chunked.ts`), and what its plan then says of its loops. */
import { RecurveError } from './errors.js';
import type { Signature } from './frontend/tree.js';
import type { StepGraph } from './ir/graph.js';
import type { ModelGraph } from './ir/model.js';
import { CHUNK, chunked, type NotChunked, ONE } from './passes/memory/chunked.js';
import {
  choicesIn,
  LOOP_STRATEGIES,
  type LoopChoice,
  type LoopStrategy,
  type Plan,
  type ScheduleItem,
  type Sizes,
  type Target,
} from './plan.js';
import { askedOf, isOf, loopName } from './schedule/loops.js';
import type { ProgramRequest } from './schedule/program.js';

interface ChunkRequest extends Omit<ProgramRequest, 'notChunked'> {
  readonly clip?: number | undefined;
  readonly segmentsOf?: number | undefined;
}

/** Steps of a chunk: what grows with them are products inside of it, what shrinks are products with the memory and how often it is kept. */
export const MOST_STEPS = 32;
const LEAST_STEPS = 4;

/** A cell's sections where some memory of it takes many steps at once. */
export function chunksOf(
  step: StepGraph,
  { inputs }: Pick<Signature, 'inputs'>,
  { sizes, clip, segmentsOf }: ChunkRequest,
): ModelGraph | NotChunked {
  if (clip !== undefined) return { why: 'the cotangent of its state is clipped at every step' };
  const looksBack = step.nodes.some(({ op }) => op === 'delayed');
  if (segmentsOf !== undefined && looksBack)
    return { why: 'its sequences are cut into segments, and it reads steps before its own' };
  return chunked(step, inputs, stepsOfChunk(sizes));
}

/** As many as a short run has, and a multiple of four. */
function stepsOfChunk({ T = 1 }: Sizes): number {
  let steps = MOST_STEPS;
  while (steps > LEAST_STEPS && steps / 2 >= T) steps /= 2;
  return steps;
}

/** What is asked of its loop over the memory; going back it runs as going forward. */
export const askedOfMemory = ({ strategy }: Pick<ChunkRequest, 'strategy'>): LoopStrategy | undefined =>
  askedOf(strategy, loopName('', 'forward'));

/** What compiles to something that the adapter has memory for. */
export function whereThereIsRoom<V>(compile: () => V): V | undefined {
  try {
    return compile();
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'LIMIT-BUFFER') return undefined;
    throw error;
  }
}

/** The request for its sections, whose dims are two more; how their loops run the compiler chooses, but for those that are named. */
export function inChunks<R extends ChunkRequest>(request: R): R & ProgramRequest {
  const { sizes, strategy } = request;
  return {
    ...request,
    sizes: { ...sizes, [CHUNK]: stepsOfChunk(sizes), [ONE]: 1 },
    strategy: typeof strategy === 'object' ? strategy : undefined,
    notChunked: 'it is a part of one that is',
  };
}

/** Less of this share of the operations is worth the passes that a processor has besides. */
const WORTH = 2 / 3;
/** Steps that hardware has lanes for side by side. */
const SIDE_BY_SIDE = 128;

/** Whether it is run so where nobody says, in place of the same cell's step by step. */
export function pays(target: Target, plan: Plan, stepByStep: Plan): boolean {
  if (!target.software) return (plan.sizes.T ?? 1) >= SIDE_BY_SIDE;
  const flops = ({ passes }: Plan) => passes.reduce((sum, pass) => sum + pass.flops, 0);
  return flops(plan) < WORTH * flops(stepByStep);
}

/**
 * The plan of a cell's sections, with the loops over chunks named as the cell's own.
 * @param stepByStep the same cell's, whose loops say how else it may run; `undefined` where the adapter has no room for it
 */
export function chunkwisePlan(plan: Plan, stepByStep: Plan | undefined, signature: Signature, sizes: Sizes): Plan {
  const over = new Set<string>();
  const others = LOOP_STRATEGIES.filter((one) => one !== 'chunkwise');
  const items = (all: readonly ScheduleItem[], direction: 'forward' | 'backward') =>
    all.map((item): ScheduleItem => {
      if (item.kind !== 'loop' || item.chunk === undefined) return item;
      for (const pass of item.passes) over.add(pass);
      const name = loopName('', direction);
      const loops = stepByStep === undefined ? [] : choicesIn(stepByStep).filter((choice) => isOf(name, choice.name));
      const allowed = others.filter((one) => loops.some((other) => other.allowed.includes(one)));
      const refused = loops.at(-1)?.refused ?? Object.fromEntries(others.map((one) => [one, NO_ROOM]));
      const choice: LoopChoice = { name, recurrence: 'matrix memory', allowed: ['chunkwise', ...allowed], refused };
      return { ...item, choice };
    });
  const [forward, backward] = [items(plan.forward, 'forward'), items(plan.backward, 'backward')];
  const passes = plan.passes.map((pass) => (over.has(pass.name) ? { ...pass, strategy: 'chunkwise' as const } : pass));
  return { ...plan, sizes, tensors: asDeclared(plan.tensors, signature), forward, backward, passes };
}

/** Tensors of each kind in the order in which the cell declares them, whichever section has them. */
function asDeclared(tensors: Plan['tensors'], { inputs, state, params, outputs = [] }: Signature): Plan['tensors'] {
  const kindOf = (path: string) => path.slice(0, path.lastIndexOf('.'));
  const kinds = [...new Set(Object.keys(tensors).map(kindOf))];
  const names = [...[...inputs, ...state, ...params].map(({ name }) => name), ...outputs];
  const rank = (path: string) => names.indexOf(path.slice(path.lastIndexOf('.') + 1));
  const before = (a: string, b: string) => kinds.indexOf(kindOf(a)) - kinds.indexOf(kindOf(b)) || rank(a) - rank(b);
  return Object.fromEntries(Object.entries(tensors).sort(([a], [b]) => before(a, b)));
}

const NO_ROOM = 'its states of all steps take more memory than the adapter has';
