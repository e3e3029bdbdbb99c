/** One random cell through the whole of recurve: parsed, checked, compiled, run, and compared with the reference. */
import {
  type CellTree,
  checkSpec,
  compileStages,
  lower,
  parseCellSource,
  resolveOptions,
  resolveSignature,
  SpecError,
  type Stages,
} from '../../codegen/index.js';
import type { Target } from '../../codegen/plan.js';
import { outputShapes } from '../../runtime/check/index.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import type { Model } from './model.js';
import { printModel } from './print.js';
import { type Checks, type Compiled, type Outcome, runCompiled } from './run.js';

/** What a random cell may do and a person's should not. */
const HARMLESS: readonly string[] = ['SPEC-UNUSED-INPUT', 'SPEC-UNUSED-PARAM', 'SPEC-DIM-UNUSED'];

/** @see runCompiled */
export function runModel(device: RecurveDevice, model: Model, checks: Checks = {}): Promise<Outcome<Stages>> {
  return runCompiled(device, () => compileModel(device.target, model), checks);
}

export function compileModel(target: Target, model: Model): Compiled<Stages> {
  const tree = parseCellSource('fuzzed.cell.ts', printModel(model));
  checkMeaning(tree);
  const declared = new Set(tree.options.map(({ name }) => name));
  const values = Object.entries({ ...model.options, training: { value: model.run.training } });
  const given = Object.fromEntries(values.filter(([name]) => declared.has(name)).map(([name, { value }]) => [name, value]));
  const options = resolveOptions(tree, given);
  const signature = resolveSignature(tree, options);
  const outputs = outputShapes(signature, lower(tree, signature));
  const dims = ['T', 'B', ...tree.dims.map(({ name }) => name)];
  const sizes = Object.fromEntries(dims.map((dim) => [dim, model.sizes[dim] ?? 1]));
  const stages = compileStages(tree, { options, sizes, gradients: true, target });
  const { seed, ragged, reverse } = model.run;
  return { tree, signature, stages, sizes, data: randomData(signature, sizes, outputs, { seed, ragged, reverse }) };
}

/** Every choice of options must be a cell, too. */
function checkMeaning(tree: CellTree): void {
  try {
    checkSpec(tree);
  } catch (error) {
    if (!(error instanceof SpecError) || error.diagnostics.some(({ code }) => !HARMLESS.includes(code))) throw error;
  }
}
