/** Many random cells in a row. */

import type { AdapterChoice } from '../../runtime/device/adapter.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { Coverage } from './coverage.js';
import { generateModel } from './generate.js';
import type { Model } from './model.js';
import { printModel } from './print.js';
import { type Failure, type Outcome, runModel } from './run-cell.js';
import { shrink } from './shrink.js';

export interface Request {
  readonly adapter: AdapterChoice;
  readonly seed: number;
  /** Numbers of the first cell and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Every so many cells one is compared with a plan in which nothing is merged. */
  readonly apart: number;
  /** Failures after which it stops. */
  readonly most: number;
  readonly onCell?: (done: number, report: Report) => void;
}

export interface Finding extends Failure {
  readonly index: number;
  /** The smallest spec found that fails in this way. */
  readonly model: Model;
}

export interface Report {
  cells: number;
  readonly findings: Finding[];
  /** Numbers of the cells with a tensor whose error float32 itself explains. */
  readonly illConditioned: number[];
  /** The most such an error exceeds what float32 explains by: a factor. */
  excess: number;
  /** Largest relative error of a well-conditioned tensor. */
  worst: number;
  readonly coverage: Coverage;
}

/** Cells at the same time: while the driver compiles one, the others' specs are compiled and their references run. */
const TOGETHER = 3;
/** Every so many cells one is run twice. */
const TWICE = 8;
/** Cells on one device: it keeps every pipeline that it compiled. */
const PER_DEVICE = 400;
/** Models that shrinking may try, and milliseconds that it may take. */
const EFFORT = { models: 300, time: 90_000 };

export async function runCampaign(request: Request): Promise<Report> {
  const report: Report = { cells: 0, findings: [], illConditioned: [], excess: 0, worst: 0, coverage: new Coverage() };
  for (let start = request.from; start < request.to && report.findings.length < request.most; start += PER_DEVICE) {
    const device = await openDevice(request.adapter);
    try {
      await runOn(device, request, start, Math.min(start + PER_DEVICE, request.to), report);
    } finally {
      device.close();
    }
  }
  return report;
}

async function runOn(device: RecurveDevice, request: Request, from: number, to: number, report: Report): Promise<void> {
  for (let start = from; start < to && report.findings.length < request.most; start += TOGETHER) {
    const numbers = Array.from({ length: Math.min(TOGETHER, to - start) }, (_, at) => start + at);
    const models = numbers.map((index) => generateModel(request.seed, index));
    const outcomes = await Promise.all(
      models.map((model, at) =>
        runModel(device, model, { twice: (start + at) % TWICE === 0, apart: (start + at) % request.apart === 0 }),
      ),
    );
    for (const [at, outcome] of outcomes.entries()) {
      const model = models[at];
      if (model !== undefined && report.findings.length < request.most) await count(device, report, start + at, model, outcome);
    }
    request.onCell?.(report.cells, report);
  }
}

async function count(device: RecurveDevice, report: Report, index: number, model: Model, outcome: Outcome): Promise<void> {
  report.cells++;
  report.worst = Math.max(report.worst, outcome.worst);
  if (outcome.illConditioned.size > 0) report.illConditioned.push(index);
  report.excess = Math.max(report.excess, ...outcome.illConditioned.values());
  if (outcome.stages !== undefined) report.coverage.add(outcome.stages, printModel(model));
  if (outcome.failure === undefined) return;
  const { kind } = outcome.failure;
  let message = outcome.failure.message;
  const checks = { twice: kind === 'not the same bits', apart: kind === 'not the same apart' };
  const until = Date.now() + EFFORT.time;
  const smallest = await shrink(
    model,
    async (candidate) => {
      if (Date.now() > until) return false;
      const { failure } = await runModel(device, candidate, checks);
      if (failure?.kind !== kind) return false;
      message = failure.message;
      return true;
    },
    EFFORT.models,
  );
  report.findings.push({ index, kind, message, model: smallest });
}

/** A finding for a person: what fails, the spec, and everything to run it again. */
export function describeFinding({ index, kind, message, model }: Finding, seed: number): string {
  const text = printModel(model);
  const used = Object.entries(model.sizes).filter(([dim]) => ['T', 'B'].includes(dim) || text.includes(`'${dim}'`));
  const options = Object.entries(model.options).filter(([name]) => text.includes(`o.${name}`));
  const { training, ...data } = model.run;
  return [
    `cell ${index} of seed ${seed}: ${kind}`,
    message,
    '',
    text,
    `--dims ${used.map(([dim, size]) => `${dim}=${size}`).join(',')}`,
    `options ${JSON.stringify({ ...Object.fromEntries(options.map(([name, { value }]) => [name, value])), training })}`,
    `data ${JSON.stringify(data)}`,
    '',
  ].join('\n');
}
