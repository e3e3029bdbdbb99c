/**
 * `npm start`: the main job on real input. Compiles the built-in lstm and gru, runs them forward and backward over
 * handwritten digits, checks every tensor against the float64 reference and times them beside tfjs.
 */
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { RecurveError } from '../../codegen/errors.js';
import { compile, parseCell, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { shippedPath } from '../../codegen/shipped.js';
import { outputShapes, TOLERANCE } from '../../runtime/check/index.js';
import { compareResults, type TensorComparison } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { type AdapterChoice, openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { shieldStderr } from '../../runtime/device/shield.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { type BenchCase, runBench } from '../bench.js';
import { alignColumns, formatBench } from '../report.js';
import { COLUMNS, ROWS, readDigits } from './digits.js';
import { createProgress } from './progress.js';

const CELLS = ['lstm', 'gru'];
const SIZES = { T: ROWS, B: 32, I: COLUMNS, H: 128 };
const EFFORT = { warmups: 1, minRounds: 3, maxRounds: 30, budget: 3000 };

type TestedCase = BenchCase & { readonly data: CellData };

const progress = createProgress(process.stderr);

async function main(): Promise<boolean> {
  shieldStderr();
  const { values } = parseArgs({ options: { adapter: { type: 'string', default: 'auto' } } });
  const choice = values.adapter as AdapterChoice;

  progress.update('reading handwritten digits');
  const x = readDigits(SIZES.B);
  const cases = CELLS.map((name): TestedCase => {
    const tree = parseCell(shippedPath('cells', `${name}.cell.ts`));
    const options = resolveOptions(tree, {});
    const signature = resolveSpec(tree, options);
    const random = randomData(signature, SIZES, outputShapes(signature, valuesOf(tree, signature)), { seed: 1 });
    return { tree, options, sizes: SIZES, data: { ...random, inputs: { x }, state: {} } };
  });

  const ok = await checkAll(choice, cases);

  progress.update('opening the adapter for timing');
  const device = await openDevice(choice, { purpose: 'bench' });
  try {
    const onProgress = (line: string) => progress.update(line);
    const report = await runBench({ device, cases, against: ['tfjs-webgpu'], effort: EFFORT, onProgress });
    print(`\nMedian times on ${device.adapter.name}, runs in turns, compile time apart:\n`);
    print(formatBench(report, pc));
    const compiled = report.results.map(({ cell, compileMs }) => `${cell} ${compileMs.toFixed(0)} ms`);
    print(pc.dim(`compiled, from the parsed cell to pipelines on the device: ${compiled.join(', ')}`));
  } finally {
    device.close();
  }
  return ok;
}

/** Checks every tensor of every cell, on a device with all of Dawn's own checks on. */
async function checkAll(choice: AdapterChoice, cases: readonly TestedCase[]): Promise<boolean> {
  progress.update('opening an adapter');
  const device = await openDevice(choice, { purpose: 'check' });
  try {
    const { name, kind, notice } = device.adapter;
    print(notice ?? `adapter: ${name} (${kind})`);
    print(`${SIZES.B} handwritten digits, ${ROWS} rows of ${COLUMNS} pixels, H=${SIZES.H}; forward and backward\n`);
    const rows: string[][] = [];
    let ok = true;
    for (const one of cases) {
      for (const tensor of await check(device, one)) {
        rows.push([one.tree.name, tensor.name, tensor.error.toExponential(1), tensor.ok ? 'ok' : 'WRONG']);
        ok &&= tensor.ok;
      }
    }
    const [head = '', ...lines] = alignColumns([['cell', 'tensor', 'error', ''], ...rows], 2);
    print(pc.bold(head));
    for (const line of lines) print(line.endsWith('ok') ? line.replace(/ok$/, pc.green('ok')) : pc.red(line));
    const verdict = ok ? pc.green('all agree') : pc.red('they do not agree');
    print(`\n${verdict} with the float64 reference (‖error‖ / ‖value‖ ≤ ${TOLERANCE})`);
    return ok;
  } finally {
    device.close();
  }
}

async function check(device: RecurveDevice, one: TestedCase): Promise<TensorComparison[]> {
  const { tree, options, sizes, data } = one;
  progress.update(`${tree.name}: compiling and running`);
  const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
  executable.poison(); // what no kernel writes is then NaN, not zero
  const actual = await executable.run(data satisfies CellData);
  executable.destroy();
  progress.update(`${tree.name}: computing the reference in float64`);
  return compareResults(actual, runReference(tree, resolveSpec(tree, options), sizes, data), TOLERANCE);
}

function print(text: string): void {
  progress.clear();
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  progress.clear();
  if (!(error instanceof RecurveError)) throw error;
  process.stderr.write(`error ${error.code}: ${error.message}\nfix: ${error.fix}\n`);
  process.exitCode = error.exitCode;
}
