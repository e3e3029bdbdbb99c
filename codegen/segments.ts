/**
 * Long sequences within a budget of device memory. A plan keeps what every step leaves for the backward pass; where that is too
 * much, the plan is for a segment of T/n steps, and the runtime runs one after the other: forward it keeps the state at the
 * beginning of each (a checkpoint), backward it runs each segment forward once more, from its checkpoint, and then backward
 * (Chen et al. 2016, arXiv:1604.06174). So memory grows with the segment and the number of segments, and is least at about √T.
 */
import { checkpointWords, deviceBytes, segmentsIn } from './checkpoints.js';
import { MOST_STEPS } from './chunkwise.js';
import { RecurveError } from './errors.js';
import type { SpecTree } from './frontend/tree.js';
import { type CompileRequest, compile } from './pipeline.js';
import type { Plan } from './plan.js';

/** As `compileWithin` where there is a budget. @throws RecurveError, SpecError as it and `compile` do */
export const compileFor = (tree: SpecTree, request: CompileRequest, memory: number | undefined): Plan =>
  memory === undefined ? compile(tree, request) : compileWithin(tree, request, memory);

/**
 * The plan for whole sequences where it fits; else the one of the fewest segments that do.
 *
 * @param memory bytes of device memory
 * @throws RecurveError `MEMORY-MODEL` for a model that does not fit, `MEMORY-LEAST`, and what `compile` throws
 */
export function compileWithin(tree: SpecTree, request: CompileRequest, memory: number): Plan {
  const whole = tryCompile(tree, request);
  if (!(whole instanceof RecurveError) && deviceBytes(whole) <= memory) return whole;
  const { T = 1 } = request.sizes;
  if (tree.kind === 'model') throw whole instanceof RecurveError ? whole : tooLargeModel(tree.name, deviceBytes(whole), memory);
  const tried = new Map<number, { readonly plan: Plan; readonly bytes: number } | undefined>();
  const within = (count: number) => {
    if (!tried.has(count)) tried.set(count, attempt(Math.ceil(T / count)));
    return tried.get(count);
  };
  const fits = (count: number) => (within(count)?.bytes ?? Number.POSITIVE_INFINITY) <= memory;

  const { least, guess } = estimate();
  if (!fits(least)) {
    const smallest = within(least);
    if (smallest === undefined) throw whole;
    throw tooLittle(tree.name, smallest.bytes, memory);
  }
  // Fewer segments take more memory: the first number that fits is looked for around the one that should.
  let [not, enough] = [1, least];
  const narrow = (count: number) => {
    if (count <= not || count >= enough) return;
    if (fits(count)) enough = count;
    else not = count;
  };
  for (let far = 0; guess - far > not || guess + far < enough; far = Math.max(1, 2 * far)) {
    narrow(guess - far);
    narrow(guess + far);
  }
  while (enough - not > 1) narrow(Math.floor((not + enough) / 2));
  const found = within(enough);
  if (found === undefined) throw new Error(`the plan for ${tree.name} does not fit as it did`);
  return found.plan;

  function attempt(steps: number) {
    const plan = tryCompile(tree, { ...request, sizes: { ...request.sizes, T: steps }, segmentsOf: T });
    if (plan instanceof RecurveError) return undefined;
    const { total } = checkpointWords(plan);
    return 4 * total > request.target.maxBufferBytes ? undefined : { plan, bytes: deviceBytes(plan) };
  }

  /** By what a step and a checkpoint take: how many segments take least, and how many should fit. */
  function estimate(): { readonly least: number; readonly guess: number } {
    // Where there are chunks, of plans of whole ones.
    const small = Math.max(1, Math.min(MOST_STEPS, Math.floor(T / 4)));
    const [one, two] = [attempt(small), attempt(2 * small)];
    if (one === undefined || two === undefined) return { least: T, guess: T };
    const own = ({ plan, bytes }: { plan: Plan; bytes: number }) => bytes - 4 * checkpointWords(plan).total;
    const step = Math.max(1, (own(two) - own(one)) / small);
    const words = checkpointWords(one.plan);
    const checkpoint = request.gradients ? 4 * words.checkpoint : 0;
    const steady =
      own(one) - step * small + 4 * (words.total - (request.gradients ? segmentsIn(one.plan) * words.checkpoint : 0));
    const smallest = Math.min(T, Math.max(1, Math.round(Math.sqrt((checkpoint * T) / step))));
    const room = memory - steady;
    const root = Math.sqrt(Math.max(0, room * room - 4 * step * checkpoint * T));
    const largest = Math.max(smallest, Math.floor((room + root) / (2 * step)));
    return { least: Math.ceil(T / smallest), guess: Math.ceil(T / largest) };
  }
}

/** @throws whatever is not one of the adapter's limits */
function tryCompile(tree: SpecTree, request: CompileRequest): Plan | RecurveError {
  try {
    return compile(tree, request);
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'LIMIT-BUFFER') return error;
    throw error;
  }
}

function tooLargeModel(name: string, bytes: number, memory: number): RecurveError {
  return new RecurveError({
    code: 'MEMORY-MODEL',
    message: `${name} needs ${bytes} bytes of device memory, and ${memory} are allowed; it is a model, and the sequences of models are not cut`,
    fix: `Allow ${bytes}, use fewer steps or sequences, or compile the cell of one layer.`,
    where: 'memory',
  });
}

function tooLittle(name: string, bytes: number, memory: number): RecurveError {
  return new RecurveError({
    code: 'MEMORY-LEAST',
    message: `${name} needs ${bytes} bytes of device memory at these dims, its sequences cut into as many segments as it takes, and ${memory} are allowed`,
    fix: `Allow ${bytes} or more, or use fewer sequences or units.`,
    where: 'memory',
  });
}
