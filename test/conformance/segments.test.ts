/** Long sequences in segments: whatever the segments, the results are those of the whole sequences. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CellTree, OptionValue } from '../../codegen/frontend/tree.js';
import { compile, deviceBytes } from '../../codegen/index.js';
import type { LoopStrategy, Plan } from '../../codegen/plan.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellData } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { builtIn, cleaned, fromText, prepare } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

type Prepared = ReturnType<typeof prepare>;

/** A plan for segments of so many steps. */
function cut({ tree, options, sizes }: Prepared, steps: number, strategy?: LoopStrategy, gradients = true): Plan {
  const { T } = sizes;
  return compile(tree, { options, sizes: { ...sizes, T: steps }, segmentsOf: T, gradients, target: device.target, strategy });
}

/** Names of what misses the reference by more than 1e-5, ragged and in both directions, or whose bits are not the same again. */
async function wrongInSegments(
  prepared: Prepared,
  steps: number,
  lengths?: readonly number[],
  strategies: readonly (LoopStrategy | undefined)[] = [undefined, 'stepwise', undefined],
): Promise<string[]> {
  const { tree, signature, outputs, sizes } = prepared;
  const wrong: string[] = [];
  for (const [turn, shape] of [
    { ragged: false, reverse: false },
    { ragged: true, reverse: false },
    { ragged: true, reverse: true },
  ].entries()) {
    const layer = await load(device, cut(prepared, steps, strategies[turn]));
    const drawn = randomData(signature, sizes, outputs, { seed: 7, ...shape });
    const data: CellData = lengths === undefined || !shape.ragged ? drawn : { ...cleaned(drawn), lengths };
    layer.poison();
    const result = await layer.run(data);
    const compared = compareResults(result, runReference(tree, signature, sizes, data), 1e-5);
    const how = JSON.stringify(shape);
    wrong.push(...compared.filter(({ ok }) => !ok).map(({ name, error, problem }) => `${name} ${problem ?? error} ${how}`));
    // What another run left, and what lies past a sequence's end, changes nothing.
    await layer.run({ ...randomData(signature, sizes, outputs, { seed: 8 }), params: data.params });
    wrong.push(...differingBits(await layer.run(cleaned(data)), result).map((name) => `${name} has other bits ${how}`));
    layer.destroy();
  }
  return wrong;
}

const IMPORTS = `import { cell, delay, dropConnect, dropout, mat, matvec, noise, tanh, vec, zoneout } from 'recurve';\n`;
const DELAYED =
  fromText(`${IMPORTS}export default cell({ name: 'delayed', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
  params: { W: mat('H', 'I'), W2: mat('H', 'I'), U: mat('H', 'H'), U3: mat('H', 'H'), s: vec('H') },
  step({ x }, { h }, p, { t }) {
    return { h: tanh(matvec(p.W, x) + matvec(p.W2, delay(x, 4)) + matvec(p.U, h) + matvec(p.U3, delay(h, 3)) + p.s * delay(h, 1) * t / 9) };
  } });`);
const MASKED =
  fromText(`${IMPORTS}export default cell({ name: 'masked', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H'), g: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H') },
  step({ x }, { h, g }, p) {
    const y = tanh(matvec(p.W, dropout(x, 0.3)) + matvec(dropConnect(p.U, 0.25), dropout(h, 0.2, 'sequence')));
    return { h: zoneout(y, h, 0.4), g: noise(g * 0.5 + y, 0.1) };
  } });`);

const [T, B] = [9, 5];
const SIZES = { T, B, I: 3, H: 5 };

describe.each([1, 2, 4, 9])('cut into segments of %d steps', (steps) => {
  it('delays longer than a segment reach back over several of them, and their cotangents too', async () => {
    expect(await wrongInSegments(prepare(DELAYED, SIZES), steps)).toEqual([]);
  });
});

describe.each<[string, CellTree, Readonly<Record<string, OptionValue>>, number]>([
  ['states alone', builtIn('lstm'), { peepholes: true }, 4],
  ['one step a segment', builtIn('gru'), {}, 1],
  ['windows of inputs, and a state that is scanned', builtIn('qrnn'), { width: 4 }, 2],
  ['masks, which are those of the whole sequence', MASKED, { training: true }, 4],
])('%s', (_, tree, options, steps) => {
  it('agree with the reference', async () => {
    expect(await wrongInSegments(prepare(tree, SIZES, options), steps)).toEqual([]);
  });

  it('agree where sequences end at borders, before the first step and after the last', async () => {
    expect(await wrongInSegments(prepare(tree, SIZES, options), steps, [steps, 0, 2 * steps, T, 1])).toEqual([]);
  });
});

describe.each<[string, CellTree, Readonly<Record<string, OptionValue>>, Readonly<Record<string, number>>, number]>([
  ['what is written and erased', builtIn('delta-rule'), { decay: true }, { K: 5, V: 6 }, 9],
  ['heads, with a normalizer and a maximum', builtIn('mlstm'), {}, { N: 2, K: 3, V: 5 }, 40],
])('a memory in chunks of steps: %s', (_, tree, options, dims, steps) => {
  const prepared = prepare(tree, { T: 75, B: 5, I: 4, ...dims }, options);
  const CHUNKWISE = ['chunkwise', 'chunkwise', 'chunkwise'] as const;

  it(`agrees with the reference in segments of ${steps} steps`, async () => {
    const plan = cut(prepared, steps, 'chunkwise');
    expect(plan.passes.some(({ strategy }) => strategy === 'chunkwise')).toBe(true);
    expect(await wrongInSegments(prepared, steps, [steps, 0, 75, Math.min(75, 2 * steps - 1), 1], CHUNKWISE)).toEqual([]);
  });
});

it('a memory that is read with a delay is refused chunks of what is cut', () => {
  const tree =
    fromText(`${IMPORTS.replace('cell, delay, dropConnect, dropout, mat, matvec, noise, tanh, vec, zoneout', 'cell, delay, map, mat, matvec, outer, vec')}
    export default cell({ name: 'late', dims: ['I', 'K', 'V'], inputs: { x: vec('I') }, state: { S: map('V', 'K') }, outputs: ['y'],
    params: { W_k: mat('K', 'I'), W_v: mat('V', 'I') },
    step({ x }, { S }, p) {
      const k = matvec(p.W_k, delay(x, 1));
      const n = 0.9 * S + outer(matvec(p.W_v, x), k);
      return { S: n, y: matvec(n, k) };
    } });`);
  const prepared = prepare(tree, { T: 20, B: 2, I: 3, K: 4, V: 5 });
  const { options, sizes } = prepared;
  const whole = compile(tree, { options, sizes, gradients: true, target: device.target, strategy: 'chunkwise' });
  expect(whole.passes.some(({ strategy }) => strategy === 'chunkwise')).toBe(true);
  expect(() => cut(prepared, 10, 'chunkwise')).toThrow(/cut into segments, and it reads steps before its own/);
});

it('scans of segments agree as scans of whole sequences do', async () => {
  const prepared = prepare(builtIn('min-gru'), { T: 40, B: 2, I: 3, H: 5 });
  const plan = cut(prepared, 16, 'scan');
  expect(plan.passes.some(({ strategy }) => strategy === 'scan')).toBe(true);
  const layer = await load(device, plan);
  const { tree, signature, outputs, sizes } = prepared;
  const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true });
  layer.poison();
  const compared = compareResults(await layer.run(data), runReference(tree, signature, sizes, data), 1e-5);
  expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  layer.destroy();
});

it('without gradients nothing is kept but what the next segment begins with', async () => {
  const prepared = prepare(DELAYED, SIZES);
  const plan = cut(prepared, 2, undefined, false);
  expect(deviceBytes(plan)).toBeLessThan(deviceBytes(cut(prepared, 2)) / 2);
  const { tree, signature, outputs, sizes } = prepared;
  const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true, gradients: false });
  const layer = await load(device, plan);
  layer.poison();
  const compared = compareResults(await layer.run(data), runReference(tree, signature, sizes, data), 1e-5);
  expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  layer.destroy();
});
