/** Weight gradients whose rows several lanes and workgroups of a GPU share out, held to the reference on a processor. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { compile, parseSpec, resolveOptions, type SpecTree } from '../../codegen/index.js';
import type { Plan, Sizes } from '../../codegen/plan.js';
import { checkCell } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { asHardware } from '../device/as-hardware.js';
import { builtIn, prepare, wrongOnce } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = asHardware(await openDevice('swiftshader'));
});
afterAll(() => device.close());

/** The kernels that share rows out. */
const split = ({ kernels }: Plan) => kernels.filter(({ wgsl }) => wgsl.includes('Lanes share the rows out'));

/** Those of them that do so over workgroups. */
const chunked = (plan: Plan) =>
  split(plan).filter(({ name, wgsl }) => {
    const groups = Number(/let chunk = group\.x \/ (\d+)u/.exec(wgsl)?.[1]);
    return plan.passes.some(({ kernel, workgroups }) => kernel === name && workgroups[0] > groups);
  });

async function wrong(tree: SpecTree, options: Record<string, OptionValue>, sizes: Sizes): Promise<string[]> {
  const cases = await checkCell(device, tree, { options: resolveOptions(tree, options), sizes: () => sizes });
  expect(cases.length).toBeGreaterThan(0);
  return cases.flatMap(({ tensors }) => tensors.filter(({ ok }) => !ok).map(({ name, error }) => `${name} ${error}`));
}

/** Whether several workgroups share rows out is what `chunks` says, and whether they do so within a step, `across`. */
const CASES: readonly [string, string, Record<string, OptionValue>, Sizes, { chunks: boolean; across: boolean }][] = [
  ['a long sequence', 'min-gru', {}, { T: 520, B: 1, I: 125, H: 5 }, { chunks: true, across: false }],
  ['many short ones', 'rnn', {}, { T: 3, B: 180, I: 130, H: 9 }, { chunks: true, across: true }],
  ['within a workgroup', 'lstm', {}, { T: 9, B: 3, I: 5, H: 7 }, { chunks: false, across: false }],
  ['more parts than there are steps', 'gru', {}, { T: 5, B: 40, I: 6, H: 3 }, { chunks: false, across: true }],
  ['positions', 'conv-rnn-1d', {}, { T: 5, B: 3, X: 9, I: 6, H: 5 }, { chunks: false, across: true }],
  ['entries left out by their place', 'clockwork', {}, { T: 6, B: 30, I: 5, H: 40 }, { chunks: false, across: true }],
  [
    'entries left out at random',
    'rnn',
    { dropConnect: true, training: true },
    { T: 70, B: 8, I: 5, H: 66 },
    { chunks: true, across: true },
  ],
  ['heads', 'slstm', {}, { T: 40, B: 4, I: 6, N: 3, H: 5 }, { chunks: false, across: false }],
];

describe('weight gradients in parts of the rows', () => {
  it.each(CASES)('are what the reference says: %s', async (_, name, options, sizes, { chunks, across }) => {
    const tree = builtIn(name);
    const plan = compile(tree, { options: resolveOptions(tree, options), sizes, gradients: true, target: device.target });
    expect(split(plan).length).toBeGreaterThan(0);
    expect(chunked(plan).length > 0).toBe(chunks);
    expect(split(plan).some(({ wgsl }) => /at \+= \d+u/.test(wgsl))).toBe(across);
    expect(await wrong(tree, options, sizes)).toEqual([]);
  });

  it('take the parts of a sequence that is run in segments one after the other', async () => {
    const tree = builtIn('gru');
    const sizes = { T: 600, B: 2, I: 66, H: 5 };
    const prepared = prepare(tree, sizes);
    const { options, signature, outputs } = prepared;
    const plan = compile(tree, { options, sizes: { ...sizes, T: 300 }, segmentsOf: 600, gradients: true, target: device.target });
    expect(chunked(plan).length).toBeGreaterThan(0);
    const layer = await load(device, plan);
    const data = randomData(signature, sizes, outputs, { seed: 5, ragged: true });
    expect(await wrongOnce(layer, prepared, data)).toEqual([]);
    layer.destroy();
  });

  it('are what the reference says in a model', async () => {
    const tree = parseSpec(fileURLToPath(new URL('../../kernels/models/translator.model.ts', import.meta.url)));
    expect(await wrong(tree, {}, { S: 7, T: 6, B: 5, V: 9, K: 7, E: 5, H: 6, A: 3 })).toEqual([]);
  });
});
