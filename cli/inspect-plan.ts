/** `recurve inspect --stage plan`: what runs, in order, what it costs, and how long it should take on a machine that was measured. */
import { type PlanColumn, printPlan } from '../codegen/index.js';
import type { PassSpec, Plan } from '../codegen/plan.js';
import {
  intensityOf,
  type Kept,
  newestRoofline,
  type Prediction,
  predict,
  type RooflineRecord,
  readRoofline,
} from '../runtime/roofline/index.js';
import type { Context, Outcome } from './context.js';
import { withDevice } from './devices.js';
import type { Flags } from './flags.js';
import { machineName, shortTime } from './roofline.js';
import { generic, type NamedTarget, targetText } from './target.js';

/** What a plan is for, and what was measured of it. */
export interface Machine extends NamedTarget, Kept {
  /** The command that measures it. */
  readonly measure: string;
}

/**
 * The adapter that `--adapter` names; else the machine whose roofline was kept last; else none in particular.
 * @throws RecurveError exit code 3
 */
export async function chooseMachine(context: Context, { adapter: named }: Pick<Flags, 'adapter'>): Promise<Machine> {
  if (named === undefined) {
    const kept = await newestRoofline();
    const { record } = kept;
    const chosen = record === undefined ? generic : { target: record.target, name: record.adapter.name };
    return { ...chosen, ...kept, measure: 'recurve doctor --roofline' };
  }
  return withDevice(context, 'check', async ({ target, adapter }) => ({
    target,
    name: adapter.name,
    ...(await readRoofline(adapter)),
    measure: `recurve doctor --roofline --adapter ${named}`,
  }));
}

/** The manifest without its kernels' text: `passes` in order, with kernel, workgroups, dispatches, bytes, flops and predictions. */
export function inspectPlan(plan: Plan, machine: Machine): Outcome {
  const { record, name, told } = machine;
  const predictions = record && predict(plan, record.rates);
  const document = {
    target: name,
    ...plan,
    kernels: plan.kernels.map(({ wgsl: _, ...kernel }) => kernel),
    passes: plan.passes.map((pass, index) => ({ ...pass, intensity: intensityOf(pass), ...named(predictions?.[index]) })),
    roofline: record === undefined ? null : { adapter: record.adapter, processor: record.processor, date: record.date },
    ...(told.length === 0 ? {} : { told }),
    ...(predictions === undefined ? {} : { predictedMs: totals(plan.passes, predictions) }),
  };
  const text = [
    printPlan(plan, columnsFor(predictions)).trimEnd(),
    '',
    ...(record === undefined || predictions === undefined
      ? [targetText(machine), `Each pass has a predicted time once \`${machine.measure}\` has measured this machine.`]
      : [predictedText(plan, predictions, record)]),
    ...told,
  ];
  return { document, text: text.join('\n') };
}

/** Beside what is in a plan, a time has to say that it is none that was measured. */
function named(prediction: Prediction | undefined) {
  if (prediction === undefined) return {};
  const { ms, roofMs, parts, bound } = prediction;
  return { predictedMs: ms, bound, partsMs: parts, roofMs };
}

function columnsFor(predictions: readonly Prediction[] | undefined): PlanColumn[] {
  const intensity = { head: 'FLOP/B', cell: (pass: PassSpec) => intensityOf(pass).toFixed(2) };
  if (predictions === undefined) return [intensity];
  const of = (show: (prediction: Prediction) => string) => (_: PassSpec, index: number) => {
    const found = predictions[index];
    return found === undefined ? '' : show(found);
  };
  return [
    intensity,
    { head: 'predicted ms', cell: of(({ ms }) => shortTime(ms)) },
    { head: 'bound by', cell: of(({ bound }) => bound) },
  ];
}

function totals(
  passes: readonly PassSpec[],
  predictions: readonly Prediction[],
): Readonly<Record<PassSpec['direction'], number>> {
  const sum = (direction: PassSpec['direction']) =>
    passes.reduce((total, pass, index) => total + (pass.direction === direction ? (predictions[index]?.ms ?? 0) : 0), 0);
  return { forward: sum('forward'), backward: sum('backward') };
}

function predictedText(plan: Plan, predictions: readonly Prediction[], record: RooflineRecord): string {
  const { forward, backward } = totals(plan.passes, predictions);
  const submit = shortTime(record.rates.submit.value / 1000);
  const machine = `for the adapter ${machineName(record)}, by its roofline of ${record.date.slice(0, 10)}`;
  const each = plan.segments === undefined ? '' : ' of each segment';
  return `${machine}: ${shortTime(forward)} ms forward, ${shortTime(backward)} ms backward${each}, and ${submit} ms to submit a run; --adapter names another`;
}
