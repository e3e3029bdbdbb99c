/** Many random cells, or models, in a row. */

import type { AdapterChoice } from '../../runtime/device/adapter.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { asHardware } from '../device/as-hardware.js';
import type { Checks, Failure, Outcome } from './run.js';

/** What is made at random, run and shrunk. */
export interface Subject<M, S> {
  readonly generate: (seed: number, index: number) => M;
  readonly run: (device: RecurveDevice, model: M, checks: Checks) => Promise<Outcome<S>>;
  /** The smallest that fails, of at most `budget` that are tried. */
  readonly shrink: (model: M, fails: (model: M) => Promise<boolean>, budget: number) => Promise<M>;
  /** For a person: its text, and everything to run it again. */
  readonly describe: (model: M) => string;
  /** Told of each that compiled. */
  readonly compiled?: (stages: S, model: M) => void;
}

export interface Request<M> {
  readonly adapter: AdapterChoice;
  /** Kernels as a GPU gets them, whatever the adapter is. */
  readonly kernels?: 'for hardware';
  readonly seed: number;
  /** Numbers of the first one and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Every so many one is compared with a plan in which nothing is merged. */
  readonly apart: number;
  /** Failures after which it stops. */
  readonly most: number;
  readonly onCell?: (done: number, report: Report<M>) => void;
}

export interface Finding<M> extends Failure {
  readonly index: number;
  /** The smallest spec found that fails in this way. */
  readonly model: M;
}

export interface Report<M> {
  cells: number;
  readonly findings: Finding<M>[];
  /** Numbers of those with a tensor whose error float32 itself explains. */
  readonly illConditioned: number[];
  /** The most such an error exceeds what float32 explains by: a factor. */
  excess: number;
  /** Largest relative error of a well-conditioned tensor. */
  worst: number;
}

/** Cells at the same time: while the driver compiles one, the others' specs are compiled and their references run. */
const TOGETHER = 3;
/** Every so many cells one is run twice. */
const TWICE = 8;
/** Cells on one device: it keeps every pipeline that it compiled. */
const PER_DEVICE = 400;
/** Models that shrinking may try, and milliseconds that it may take. */
const EFFORT = { models: 300, time: 90_000 };

export async function runCampaign<M, S>(subject: Subject<M, S>, request: Request<M>): Promise<Report<M>> {
  const report: Report<M> = { cells: 0, findings: [], illConditioned: [], excess: 0, worst: 0 };
  for (let start = request.from; start < request.to && report.findings.length < request.most; start += PER_DEVICE) {
    const opened = await openDevice(request.adapter);
    const device = request.kernels === undefined ? opened : asHardware(opened);
    try {
      await runOn(device, subject, request, start, Math.min(start + PER_DEVICE, request.to), report);
    } finally {
      device.close();
    }
  }
  return report;
}

async function runOn<M, S>(
  device: RecurveDevice,
  subject: Subject<M, S>,
  request: Request<M>,
  from: number,
  to: number,
  report: Report<M>,
): Promise<void> {
  for (let start = from; start < to && report.findings.length < request.most; start += TOGETHER) {
    const numbers = Array.from({ length: Math.min(TOGETHER, to - start) }, (_, at) => start + at);
    const models = numbers.map((index) => subject.generate(request.seed, index));
    const outcomes = await Promise.all(
      models.map((model, at) =>
        subject.run(device, model, { twice: (start + at) % TWICE === 0, apart: (start + at) % request.apart === 0 }),
      ),
    );
    for (const [at, outcome] of outcomes.entries()) {
      const model = models[at];
      if (model !== undefined && report.findings.length < request.most)
        await count(device, subject, report, start + at, model, outcome);
    }
    request.onCell?.(report.cells, report);
  }
}

async function count<M, S>(
  device: RecurveDevice,
  subject: Subject<M, S>,
  report: Report<M>,
  index: number,
  model: M,
  outcome: Outcome<S>,
): Promise<void> {
  report.cells++;
  report.worst = Math.max(report.worst, outcome.worst);
  if (outcome.illConditioned.size > 0) report.illConditioned.push(index);
  report.excess = Math.max(report.excess, ...outcome.illConditioned.values());
  if (outcome.stages !== undefined) subject.compiled?.(outcome.stages, model);
  if (outcome.failure === undefined) return;
  const { kind } = outcome.failure;
  let message = outcome.failure.message;
  const checks = { twice: kind === 'not the same bits', apart: kind === 'not the same apart' };
  const until = Date.now() + EFFORT.time;
  const smallest = await subject.shrink(
    model,
    async (candidate) => {
      if (Date.now() > until) return false;
      const { failure } = await subject.run(device, candidate, checks);
      if (failure?.kind !== kind) return false;
      message = failure.message;
      return true;
    },
    EFFORT.models,
  );
  report.findings.push({ index, kind, message, model: smallest });
}

/** A finding for a person. */
export function describeFinding<M>(
  { describe }: Pick<Subject<M, never>, 'describe'>,
  { index, kind, message, model }: Finding<M>,
  seed: number,
): string {
  return [`number ${index} of seed ${seed}: ${kind}`, message, '', describe(model), ''].join('\n');
}
