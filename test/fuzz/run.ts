/** A compiled cell or model, run and compared with the reference. */
import { compile, formatDiagnostics, RecurveError, type Signature, SpecError, type SpecTree } from '../../codegen/index.js';
import { LOOP_STRATEGIES, type Plan, type Sizes } from '../../codegen/plan.js';
import { type JudgedTensor, judge } from '../../runtime/check/index.js';
import { differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';

export interface Failure {
  /** What stays the same while the model shrinks: `refused SPEC-AXIS`, `crash`, `mismatch`, `not the same bits`, `not the same apart`, `not the same as resident`, `not the same in segments`. */
  readonly kind: string;
  readonly message: string;
}

export interface Outcome<S> {
  readonly failure?: Failure;
  /** Largest error of the tensors that are well-conditioned. */
  readonly worst: number;
  /** Tensors above the tolerance whose error float32 explains, and how many times what it explains the error is. */
  readonly illConditioned: ReadonlyMap<string, number>;
  /** Where it compiled. */
  readonly stages?: S;
}

export interface Compiled<S extends { readonly plan: Plan }> {
  readonly tree: SpecTree;
  readonly signature: Signature;
  readonly stages: S;
  readonly sizes: Sizes;
  readonly data: CellData;
}

/** What is compared beside the reference: two runs of one plan, and plans whose members have kernels of their own whose loops run otherwise, or whose sequences are cut. */
export interface Checks {
  readonly twice?: boolean;
  readonly apart?: boolean;
}

/** Runs what `compileIt` gives; whatever goes wrong, there too, is the outcome. Only a lost device throws. */
export async function runCompiled<S extends { readonly plan: Plan }>(
  device: RecurveDevice,
  compileIt: () => Compiled<S>,
  { twice = false, apart = false }: Checks,
): Promise<Outcome<S>> {
  let stages: S | undefined;
  try {
    const compiled = compileIt();
    stages = compiled.stages;
    const { tree, signature, sizes, data } = compiled;
    const runs = await runPlan(device, stages.plan, data, twice ? 2 : 1);
    const [actual] = runs;
    if (actual === undefined) throw new Error('nothing ran');
    const judged = judge(tree, signature, sizes, data, actual);
    const wrong = judged.filter(({ verdict }) => verdict === 'wrong');
    const doubtful = judged.filter(({ verdict }) => verdict === 'cannot be judged');
    const illConditioned = new Map(doubtful.map(({ name, error, float32 }) => [name, error <= float32 ? 1 : error / float32]));
    const worst = Math.max(0, ...judged.filter(({ verdict }) => verdict === 'agrees').map(({ error }) => error));
    const failure =
      wrong.length > 0
        ? mismatch(wrong)
        : (changed('not the same bits', runs) ?? (apart ? await changedApart(device, compiled, actual) : undefined));
    return { failure, worst, illConditioned, stages };
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'DEVICE-LOST') throw error;
    return { failure: thrown(error), worst: 0, illConditioned: new Map(), stages };
  }
}

/**
 * Whether bits are others where nothing is merged and every step dispatched, or where loops run in another way that they allow:
 * what is alike is summed in the same order. And whether a cell's sequences can be cut.
 */
async function changedApart(
  device: RecurveDevice,
  { tree, signature, sizes, data, stages }: Compiled<{ readonly plan: Plan }>,
  actual: CellResult,
): Promise<Failure | undefined> {
  const base = { options: signature.options, sizes, gradients: true, target: device.target };
  const loops = [...stages.plan.forward, ...stages.plan.backward].flatMap((item) => (item.kind === 'loop' ? [item] : []));
  const others = LOOP_STRATEGIES.filter(
    (strategy) => strategy !== 'stepwise' && loops.some(({ choice }) => choice?.allowed.includes(strategy)),
  );
  for (const how of [{ merging: 'none', strategy: 'stepwise' } as const, ...others.map((strategy) => ({ strategy }))]) {
    const [result] = await runPlan(device, compile(tree, { ...base, ...how }), data, 1);
    const kind = how.strategy === 'stepwise' ? 'not the same apart' : `not the same as ${how.strategy}`;
    // Where stretches begin, what a chunk reads, and what lanes of a GPU share out is computed in another order, and a GPU's driver may
    // round a product and a sum as one: it is held to the reference.
    const apart =
      !device.target.software ||
      how.strategy === 'scan' ||
      how.strategy === 'chunkwise' ||
      loops.some(({ chunk }) => chunk !== undefined);
    const wrong = apart && result !== undefined ? judge(tree, signature, sizes, data, result) : undefined;
    const found = wrong === undefined ? changed(kind, [actual, result]) : differing(kind, wrong);
    if (found !== undefined) return found;
  }
  const { T = 1 } = sizes;
  if (tree.kind === 'model' || T === 1) return undefined;
  // Gradients of parameters are added up in another order.
  const cut = compile(tree, { ...base, sizes: { ...sizes, T: Math.ceil(T / 3) }, segmentsOf: T });
  const [result] = await runPlan(device, cut, data, 1);
  return result && differing('not the same in segments', judge(tree, signature, sizes, data, result));
}

async function runPlan(device: RecurveDevice, plan: Plan, data: CellData, times: number): Promise<CellResult[]> {
  const executable = await load(device, plan);
  try {
    const results: CellResult[] = [];
    for (let run = 0; run < times; run++) {
      executable.poison();
      results.push(await executable.run(data));
    }
    return results;
  } finally {
    executable.destroy();
  }
}

function mismatch(wrong: readonly JudgedTensor[]): Failure {
  const lines = wrong.map(({ name, error, float32, unit, comparison: { worst, problem } }) => {
    const place =
      unit !== undefined
        ? `unit ${unit.unit} is off by ${unit.difference.toExponential(2)} of ${unit.size.toExponential(2)}`
        : `${problem ?? ''} ${worst === undefined ? '' : `[${worst.index}] is ${worst.actual}, not ${worst.expected}`}`;
    return `${name}: error ${error.toExponential(2)}, float32 explains ${float32.toExponential(2)}; ${place}`;
  });
  return { kind: 'mismatch', message: lines.join('\n') };
}

function differing(kind: string, judged: readonly JudgedTensor[]): Failure | undefined {
  const wrong = judged.filter(({ verdict }) => verdict === 'wrong');
  return wrong.length === 0 ? undefined : { ...mismatch(wrong), kind };
}

function changed(kind: string, [first, second]: readonly (CellResult | undefined)[]): Failure | undefined {
  if (first === undefined || second === undefined) return undefined;
  const different = differingBits(first, second);
  return different.length === 0 ? undefined : { kind, message: different.join(', ') };
}

function thrown(error: unknown): Failure {
  if (error instanceof SpecError) {
    return { kind: `refused ${error.diagnostics[0]?.code}`, message: formatDiagnostics(error.diagnostics) };
  }
  if (error instanceof RecurveError) return { kind: `refused ${error.code}`, message: `${error.code}  ${error.message}` };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    kind: `crash ${message
      .split('\n')[0]
      ?.replace(/[^A-Za-z ]+/g, ' ')
      .slice(0, 60)}`,
    message,
  };
}
