/** Stacks whose layers run side by side, each some steps behind the one before: the bits are those of layer by layer. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compile,
  type OptionValues,
  parseSpec,
  parseSpecSource,
  resolveOptions,
  resolveSpec,
  type SpecTree,
  valuesOf,
} from '../../codegen/index.js';
import { choicesIn, type LoopStrategies, type Plan, type Sizes, type Target } from '../../codegen/plan.js';
import { outputShapes } from '../../runtime/check/index.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import { adopt } from '../../runtime/device/adopt.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { type RandomChoices, randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

interface Subject {
  readonly tree: SpecTree;
  readonly options: OptionValues;
  readonly sizes: Sizes;
}

const STACK = parseSpec(fileURLToPath(new URL('../../kernels/models/stack.model.ts', import.meta.url)));

const stack = (given: OptionValues, sizes: Sizes): Subject => ({ tree: STACK, options: resolveOptions(STACK, given), sizes });

function model(text: string, sizes: Sizes): Subject {
  const words = 'concat, dropout, first, layer, matvec, mat, memory, model, over, shift, softmax, tanh, transpose, vec';
  const used = words.split(', ').filter((word) => new RegExp(`(?<![.\\w])${word}\\(`).test(`model(${text}`));
  const source = `import { ${used.join(', ')} } from 'recurve';\nexport default model({ name: 'chain', ${text} });\n`;
  const tree = parseSpecSource(fileURLToPath(new URL('./inline.model.ts', import.meta.url)), source);
  return { tree, options: resolveOptions(tree, {}), sizes };
}

const planOf = (
  { tree, options, sizes }: Subject,
  strategy: LoopStrategies | undefined,
  target: Target = device.target,
  gradients = true,
): Plan => compile(tree, { options, sizes, gradients, target, strategy });

function drawn({ tree, options, sizes }: Subject, choices: RandomChoices & { readonly sizes?: Sizes }): CellData {
  const signature = resolveSpec(tree, options);
  return randomData(signature, { ...sizes, ...choices.sizes }, outputShapes(signature, valuesOf(tree, signature)), choices);
}

async function results(plan: Plan, data: CellData): Promise<CellResult> {
  const layer = await load(device, plan);
  layer.poison();
  const result = await layer.run(data);
  layer.destroy();
  return result;
}

/** What is wrong with a plan's results, ragged, beside those of single steps and the reference. */
async function wrong(subject: Subject, plan: Plan): Promise<string[]> {
  const data = drawn(subject, { seed: 5, ragged: true });
  const [stepwise, wave] = [await results(planOf(subject, 'stepwise'), data), await results(plan, data)];
  const signature = resolveSpec(subject.tree, subject.options);
  const compared = compareResults(wave, runReference(subject.tree, signature, subject.sizes, data), 1e-5);
  return [...differingBits(wave, stepwise), ...compared.flatMap(({ ok, name }) => (ok ? [] : [`${name} of the reference`]))];
}

/** Dispatches of what is in loops, in one direction. */
const inLoops = ({ passes }: Plan, direction: 'forward' | 'backward') =>
  passes.flatMap((pass) => (pass.direction === direction && pass.region === 'loop' ? [pass.dispatches] : []));

const waves = (plan: Plan) =>
  [...plan.forward, ...plan.backward].flatMap((item) =>
    item.kind === 'wave' ? [item.choices.map(({ name }) => name).join(' ')] : [],
  );

const reasons = (plan: Plan) => choicesIn(plan).map(({ refused }) => refused.wavefront);

const SEQUENCE = "inputs: { x: over('T', vec('I')) }";

describe('a wave of layers', () => {
  it.each([
    ['three LSTMs', stack({ layers: 3 }, { T: 7, B: 3, I: 5, H: 6 }), [11], [11]],
    ['one sequence, with more layers than steps', stack({ layers: 4 }, { T: 2, B: 1, I: 3, H: 4 }), [8], [8]],
    ['projections of eight steps together', stack({ layers: 2 }, { T: 41, B: 3, I: 5, H: 6 }), [50], [50]],
    ['projections of two steps together', stack({ cell: 'gru', layers: 3 }, { T: 25, B: 4, I: 3, H: 9 }), [31], [31]],
    [
      'the last of them one step alone, in tiles of rows that are all behind the end',
      model(
        `dims: ['I', 'H'], ${SEQUENCE}, layers: { a: layer('gru'), b: layer('qrnn', { I: 'H' }) },
        run({ x }, { a, b }) { return { y: b({ x: a({ x }).h }).h }; }`,
        { T: 13, B: 4, I: 3, H: 6 },
      ),
      [16],
      undefined,
    ],
    [
      'initial states of every layer, and dropout between them',
      stack({ layers: 3, initialState: true, dropout: true, training: true }, { T: 6, B: 5, I: 3, H: 9 }),
      [12],
      [10],
    ],
    ['from the end of each sequence', stack({ layers: 2, reverse: true }, { T: 5, B: 4, I: 3, H: 7 }), [7], [7]],
    [
      'GRUs, of two phases where the reset gate is before',
      stack({ cell: 'gru', reset: 'before', layers: 2 }, { T: 6, B: 3, I: 5, H: 6 }),
      [8, 8],
      undefined,
    ],
    [
      'layers of different widths that tick, whose tests of the step are functions',
      model(
        `dims: ['I', 'H', 'K'], ${SEQUENCE}, layers: { a: layer('clockwork'), b: layer('clockwork', { I: 'H', H: 'K' }) },
        run({ x }, { a, b }) { return { y: b({ x: a({ x }).h }).h }; }`,
        { T: 9, B: 3, I: 3, H: 8, K: 20 },
      ),
      [11],
      [11],
    ],
    [
      'cells of different kinds and widths',
      model(
        `dims: ['I', 'H', 'K'], ${SEQUENCE}, layers: { a: layer('lstm'), b: layer('gru', { I: 'H', H: 'K' }), c: layer('mgu', { I: 'K' }) },
        run({ x }, { a, b, c }) { const h = a({ x }); const y = c({ x: b({ x: h.h }).h }); return { y: y.h, z: h.final.c }; }`,
        { T: 5, B: 3, I: 4, H: 6, K: 9 },
      ),
      undefined,
      undefined,
    ],
    [
      'what is added past a layer, made of both, and given to a later one',
      model(
        `dims: ['I', 'H'], inputs: { x: over('T', vec('H')) }, params: { W: mat('H', 'H') },
        layers: { a: layer('lstm', { I: 'H' }), b: layer('gru', { I: 'H' }), c: layer('rnn', { I: 'H' }) },
        run({ x }, { a, b, c }, p) {
          const one = x + a({ x }).h;
          const two = tanh(matvec(p.W, one)) + b({ x: one }).h;
          return { y: c({ x: two * one }).h };
        }`,
        { T: 5, B: 3, H: 6 },
      ),
      undefined,
      undefined,
    ],
    [
      'what a layer said at the step before, and what it will say',
      model(
        `dims: ['I', 'H'], ${SEQUENCE}, layers: { a: layer('lstm'), b: layer('gru', { I: 'H' }), c: layer('rnn', { I: 'H' }) },
        run({ x }, { a, b, c }) { const h = a({ x }).h; const g = b({ x: shift(h, 1) }).h; return { y: c({ x: shift(g, -2) + h }).h }; }`,
        { T: 6, B: 4, I: 3, H: 5 },
      ),
      undefined,
      undefined,
    ],
    [
      'both directions of a layer, which need nothing of each other',
      stack({ layers: 2, bidirectional: true }, { T: 5, B: 4, I: 3, H: 6, D: 12 }),
      [5, 5],
      [5, 5],
    ],
  ] as const)('gives the bits of layer by layer: %s', async (_, subject, forward, backward) => {
    const plan = planOf(subject, 'wavefront');
    expect(waves(plan).length).toBeGreaterThan(1);
    expect(new Set(plan.passes.flatMap(({ region, strategy }) => (region === 'loop' ? [strategy] : [])))).toEqual(
      new Set(['wavefront']),
    );
    if (forward !== undefined) expect(inLoops(plan, 'forward')).toEqual(forward);
    if (backward !== undefined) expect(inLoops(plan, 'backward')).toEqual(backward);
    expect(await wrong(subject, plan)).toEqual([]);
  });

  it('runs fewer steps and sequences than it was compiled for, and then more again', async () => {
    const subject = stack({ cell: 'gru', layers: 3 }, { T: 27, B: 4, I: 3, H: 6 });
    expect(inLoops(planOf(subject, 'wavefront'), 'forward')).toEqual([33]);
    const [wave, stepwise] = [await load(device, planOf(subject, 'wavefront')), await load(device, planOf(subject, 'stepwise'))];
    for (const [T, B] of [
      [27, 4],
      [3, 4],
      [1, 2],
      [16, 4],
      [27, 1],
    ] as const) {
      const data = drawn(subject, { sizes: { ...subject.sizes, T, B }, seed: T, ragged: true });
      expect(differingBits(await wave.run(data), await stepwise.run(data))).toEqual([]);
    }
    wave.destroy();
    stepwise.destroy();
  });

  it('gives the same bits twice, without immediates, and about the same with lanes of another width', async () => {
    const subject = stack({ cell: 'rnn', layers: 3 }, { T: 6, B: 3, I: 5, H: 37 });
    const data = drawn(subject, { seed: 2, ragged: true });
    const expected = await results(planOf(subject, 'stepwise'), data);
    const [narrow, wide] = [device.target, { ...device.target, subgroup: 32, software: false }];
    for (const [on, target] of [
      [device, narrow],
      [adopt(device.device), narrow],
      [device, wide],
    ] as const) {
      const layer = await load(on, planOf(subject, 'wavefront', target));
      const [first, second] = [await layer.run(data), await layer.run(data)];
      expect(differingBits(first, second)).toEqual([]);
      if (target === narrow) expect(differingBits(first, expected)).toEqual([]);
      expect(compareResults(first, expected, 1e-6).filter(({ ok }) => !ok)).toEqual([]);
      layer.destroy();
    }
  });

  it('takes as many kernels a wave as instructions and buffers allow', async () => {
    const subject = model(
      `dims: ['I', 'H', 'K'], ${SEQUENCE}, layers: { a: layer('lstm'), b: layer('gru', { I: 'H', H: 'K' }), c: layer('rnn', { I: 'K' }) },
      run({ x }, { a, b, c }) { return { y: c({ x: b({ x: a({ x }).h }).h }).h }; }`,
      { T: 5, B: 3, I: 4, H: 6, K: 9 },
    );
    const whole = planOf(subject, 'wavefront');
    const cut = planOf(subject, 'wavefront', { ...device.target, maxKernelInstructions: 150 });
    expect(inLoops(cut, 'forward').length).toBeGreaterThan(inLoops(whole, 'forward').length);
    expect(await wrong(subject, cut)).toEqual([]);
  });

  it('has one text for all layers that are alike', () => {
    const [three, six] = [3, 6].map((layers) => {
      const { kernels } = planOf(stack({ layers }, { T: 7, B: 3, I: 5, H: 6 }), 'wavefront');
      return kernels.flatMap(({ name, wgsl }) => (name.includes('wave') ? [wgsl.match(/fn phase/g)?.length] : []));
    });
    expect(six).toEqual(three);
    expect(three).toEqual([3, 3]);
  });

  it('costs what its layers cost step by step, but for the products over all steps, which take their weights at each of them', () => {
    const subject = stack({ layers: 3 }, { T: 7, B: 3, I: 5, H: 6 });
    const sum = (plan: Plan, of: 'flops' | 'bytesRead') => plan.passes.reduce((total, pass) => total + pass[of], 0);
    const [wave, stepwise] = [planOf(subject, 'wavefront'), planOf(subject, 'stepwise')];
    expect(sum(wave, 'flops')).toBe(sum(stepwise, 'flops'));
    expect(sum(wave, 'bytesRead')).toBeGreaterThan(sum(stepwise, 'bytesRead'));
    expect(sum(planOf(subject, 'wavefront', device.target, false), 'flops')).toBeLessThan(sum(wave, 'flops'));
  });
});

describe('which loops a wave takes', () => {
  const subject = stack({ layers: 4 }, { T: 5, B: 2, I: 3, H: 6 });

  it('is asked of each: neighbours run in one, and others as before', async () => {
    const [a, b, c, d] = choicesIn(planOf(subject, 'stepwise')).flatMap(({ name }) => (name.includes('forward') ? [name] : []));
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four loops');
    const pair = planOf(subject, { [a]: 'stepwise', [b]: 'wavefront', [c]: 'wavefront', [d]: 'resident' });
    expect(waves(pair)).toEqual([`${b} ${c}`]);
    expect(choicesIn(pair).map(({ allowed: [first] }) => first)).toEqual([
      'stepwise',
      'wavefront',
      'wavefront',
      'resident',
      ...Array(4).fill('resident'),
    ]);
    expect(await wrong(subject, pair)).toEqual([]);
    // One by itself is none, and runs as the compiler has it.
    expect(waves(planOf(subject, { [a]: 'wavefront', [b]: 'stepwise', [c]: 'wavefront' }))).toEqual([]);
    expect(choicesIn(pair)[0]?.chain).toEqual([a, b, c, d]);
  });

  it('is none for one loop, which says so', () => {
    const lstm = parseSpec(fileURLToPath(new URL('../../kernels/cells/lstm.cell.ts', import.meta.url)));
    const alone: Subject = { tree: lstm, options: resolveOptions(lstm, {}), sizes: { T: 3, B: 2, I: 2, H: 5 } };
    expect(() => planOf(alone, 'wavefront')).toThrow(
      'no loop of lstm can run as wavefront: no other loop runs over T in this direction',
    );
    expect(reasons(planOf(alone, undefined))).toEqual(Array(2).fill('no other loop runs over T in this direction'));
  });

  it.each([
    [
      'attention to all steps',
      `dims: ['I', 'H'], ${SEQUENCE}, layers: { a: layer('gru'), b: layer('gru', { I: 'H' }) },
      run({ x }, { a, b }) {
        const h = a({ x }).h;
        const all = memory(h);
        return { y: b({ x: matvec(transpose(all), softmax(matvec(all, h))) }).h };
      }`,
      /needs s\d_forward_\w+ at more than its own step/,
    ],
    [
      'a reverse layer',
      `dims: ['I', 'H'], ${SEQUENCE}, layers: { a: layer('gru'), b: layer('gru', { I: 'H' }) },
      run({ x }, { a, b }) { return { y: b({ x: a({ x }).h }, { reverse: true }).h }; }`,
      /s\d_forward_\w+ needs s\d_forward_\w+ at more than its own step/,
    ],
    [
      'a state that begins with what the layer before ends with',
      `dims: ['I', 'H'], ${SEQUENCE}, layers: { a: layer('gru'), b: layer('gru') },
      run({ x }, { a, b }) { return { y: b({ x }, { state: { h: tanh(a({ x }).final.h) } }).h }; }`,
      /lies between them, and is no pass of each step/,
    ],
  ] as const)('ends at %s, and says where', (_, text, words) => {
    const broken = model(text, { T: 4, B: 2, I: 3, H: 5 });
    const plan = planOf(broken, undefined);
    expect(reasons(plan)).toHaveLength(4);
    for (const reason of reasons(plan).slice(0, 2)) expect(reason).toMatch(words);
    expect(() => planOf(broken, 'wavefront')).toThrow(/no loop of chain can run as wavefront/);
  });
});
