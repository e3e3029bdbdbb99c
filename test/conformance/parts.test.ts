/** Recurrences in parts that run one after the other: whatever stands between states, and however each part runs. */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, parseSpecSource, resolveOptions, resolveSpec, valuesOf } from '../../codegen/index.js';
import { choicesIn, type LoopStrategies, type LoopStrategy, type Plan } from '../../codegen/plan.js';
import { isOf } from '../../codegen/schedule/loops.js';
import { outputShapes } from '../../runtime/check/index.js';
import { compareResults } from '../../runtime/compare.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';
import { missed, type Prepared, scannedPlan, taken } from './scanned.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const WORDS = 'delay, exp, max, maxOver, mean, relu, sigmoid, sum, tanh, matvec'.split(', ');

/** States with the shapes `vec('H')` (a, b, c), `vec('K')` (k) and `scalar()` (s); matrices U, V of H by H, P of K by H, Q of H by K. */
function cellOf(states: string, step: string): Prepared {
  const shapeOf = (name: string) => (name === 's' ? 'scalar()' : name === 'k' ? "vec('K')" : "vec('H')");
  const used = [...new Set([...WORDS, 'scalar'])].filter((word) =>
    `${step} ${states.split(' ').map(shapeOf)}`.includes(`${word}(`),
  );
  const given = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).filter(([name]) => new RegExp(`\\b${name}\\b`).test(step));
  const params = given({ U: "mat('H', 'H')", V: "mat('H', 'H')", P: "mat('K', 'H')", Q: "mat('H', 'K')", w: "vec('H')" });
  const tree = fromText(`import { cell, mat, vec, ${used.join(', ')} } from 'recurve';
    export default cell({ name: 'parts', dims: ['H', 'K'], inputs: { x: vec('H'), z: vec('H') },
      params: { ${params.map((entry) => entry.join(': ')).join(', ')} },
      state: { ${states
        .split(' ')
        .map((name) => `${name}: ${shapeOf(name)}`)
        .join(', ')} },
      step({ x, z }, { ${states.replaceAll(' ', ', ')} }, { ${params.map(([name]) => name).join(', ')} }) { ${step} } });`);
  return prepare(tree, SIZES);
}

const SIZES = { T: 41, B: 3, H: 7, K: 5 };
const GATED = 'const f = sigmoid(z); const n = f * a + (1 - f) * x;';

/** States, what a step makes of them, and how the loops of each direction run where scans are asked for. */
const CHAINS: Readonly<Record<string, readonly [string, string, readonly string[], readonly string[]]>> = {
  'a gate of another state': [
    'a b',
    `${GATED} const g = sigmoid(w * n + x); return { a: n, b: g * b + (1 - g) * tanh(n) };`,
    ['scan', 'scan'],
    ['scan'],
  ],
  'a matrix between': [
    'a b',
    `${GATED} return { a: n, b: sigmoid(matvec(V, n)) * b + matvec(U, a) };`,
    ['scan', 'scan'],
    ['scan', 'scan'],
  ],
  'three, of which the last needs both others': [
    'a b c',
    `${GATED} const g = sigmoid(matvec(V, n)); const m = g * b + z; return { a: n, b: m, c: tanh(m * n) * c + matvec(U, m) + a };`,
    ['scan', 'scan', 'scan'],
    ['scan', 'scan', 'scan'],
  ],
  'a maximum of sums before a sum': [
    'a b',
    'const m = max(a + tanh(z), x); return { a: m, b: exp(a - m) * sigmoid(z) * b + tanh(m) };',
    ['scan', 'scan'],
    ['scan'],
  ],
  'one number for all units': [
    's a',
    'const m = max(s + mean(z), mean(x)); const f = exp(min(s - m, 0)); return { s: m, a: f * sigmoid(z) * a + m * x };'.replace(
      'min(s - m, 0)',
      '-relu(m - s)',
    ),
    ['scan', 'scan'],
    ['scan', 'scan'],
  ],
  'a mean over units between': [
    'a b',
    `${GATED} return { a: n, b: sigmoid(z) * b + n - mean(n) };`,
    ['scan', 'scan'],
    ['scan', 'scan'],
  ],
  'units of another shape': [
    'a k',
    `${GATED} return { a: n, k: sigmoid(matvec(P, n)) * k + matvec(P, x) };`,
    ['scan', 'scan'],
    ['scan', 'scan'],
  ],
  'lanes on their own before a scan': [
    'a b',
    'const n = tanh(w * a + x); return { a: n, b: sigmoid(n + z) * b + x };',
    ['thread', 'scan'],
    ['scan'],
  ],
  'units that need each other before a scan': [
    'a b',
    'const n = tanh(matvec(U, a) + x); return { a: n, b: sigmoid(z) * b + matvec(V, n) };',
    ['resident', 'scan'],
    ['scan', 'resident'],
  ],
  'a scan before units that need each other': [
    'a b',
    `${GATED} return { a: n, b: tanh(matvec(U, b) + matvec(V, n)) };`,
    ['scan', 'resident'],
    ['resident', 'scan'],
  ],
  'two that need nothing of each other': [
    'a k',
    `${GATED} return { a: n, k: tanh(matvec(P, matvec(Q, k)) + matvec(P, x)) };`,
    ['scan', 'resident'],
    ['scan', 'resident'],
  ],
  'two behind each other that need their own units': [
    'a b',
    'const n = tanh(matvec(U, a) + x); return { a: n, b: tanh(matvec(V, b) + matvec(U, n)) };',
    ['resident', 'resident'],
    ['resident', 'resident'],
  ],
  'states that hand on an input': ['a b c', 'return { a: x * z, b: a, c: sigmoid(matvec(V, b)) * c + x };', ['scan'], ['scan']],
  'a state that is an input': ['a b', 'return { a: x * z, b: sigmoid(matvec(V, a)) * b + x };', ['scan'], ['scan']],
  'what another state was two steps before': [
    'a b',
    `${GATED} return { a: n, b: tanh(delay(a, 2)) * b + matvec(V, delay(a, 1)) };`,
    ['scan', 'scan'],
    ['scan', 'scan'],
  ],
};

const of = (name: string): readonly [string, string] => {
  const [states = '', step = ''] = CHAINS[name] ?? [];
  return [states, step];
};

function planOf({ tree, options, sizes }: Prepared, strategy: LoopStrategies | undefined, segmentsOf?: number): Plan {
  return compile(tree, { options, sizes, gradients: true, target: device.target, strategy, segmentsOf });
}

describe('a recurrence in parts', () => {
  it.each(Object.keys(CHAINS))('is a scan wherever a part can be one: %s', async (name) => {
    const [states, step, forward, backward] = CHAINS[name] ?? ['', '', [], []];
    const prepared = cellOf(states, step);
    const scans = [...forward, ...backward].includes('scan');
    const plan = scannedPlan(device, prepared, {}, scans ? 'scan' : 'chosen');
    expect(await missed(device, prepared, plan, [41, 1, 16, 17, 40])).toEqual([]);
    expect(taken(plan)).toEqual([forward, backward]);
  });

  it('runs in parts by itself where units of one need others of another, and in one where each lane has what it needs', () => {
    const loops = (name: string, strategy?: LoopStrategy) =>
      taken(scannedPlan(device, cellOf(...of(name)), {}, strategy ?? 'chosen'));
    expect(loops('a gate of another state')).toEqual([['thread'], ['thread']]);
    expect(loops('a matrix between')).toEqual([
      ['thread', 'thread'],
      ['thread', 'thread'],
    ]);
    expect(loops('a matrix between', 'thread')).toEqual(loops('a matrix between'));
    expect(loops('a matrix between', 'stepwise')).toEqual([['stepwise'], ['stepwise']]);
    expect(loops('a matrix between', 'resident')).toEqual([['resident'], ['resident']]);
    expect(loops('a scan before units that need each other')).toEqual([
      ['thread', 'resident'],
      ['resident', 'thread'],
    ]);
  });

  it.each([
    'a matrix between',
    'three, of which the last needs both others',
    'a scan before units that need each other',
    'one number for all units',
  ])('agrees with the reference however its parts run: %s', async (name) => {
    const prepared = cellOf(...of(name));
    const chosen = scannedPlan(device, prepared, {}, 'chosen');
    expect(await missed(device, prepared, chosen, [41, 9])).toEqual([]);
    // Each loop in turn in each way that it may run in.
    const loops = Object.fromEntries(choicesIn(chosen).map(({ name: loop, allowed: [first = 'stepwise'] }) => [loop, first]));
    for (const { name: loop, allowed } of choicesIn(chosen)) {
      for (const strategy of allowed.slice(1).filter((one) => one !== 'wavefront')) {
        const plan = planOf(prepared, { ...loops, [loop]: strategy });
        const own = choicesIn(plan).filter((choice) => isOf(loop, choice.name));
        expect(own.map((choice) => choice.allowed[0])).toContain(strategy);
        expect(await missed(device, prepared, plan, [41, 9]), `${loop} ${strategy}`).toEqual([]);
      }
    }
    expect(await missed(device, prepared, planOf(prepared, 'wavefront'), [41, 9])).toEqual([]);
  });

  it.each([
    'a matrix between',
    'what another state was two steps before',
    'one number for all units',
    'units that need each other before a scan',
  ])('is the same in segments: %s', async (name) => {
    const prepared = cellOf(...of(name));
    for (const strategy of ['scan', undefined] as const) {
      const plan = planOf({ ...prepared, sizes: { ...SIZES, T: 12 } }, strategy, 41);
      expect(await missed(device, prepared, plan, [41, 12, 13, 25])).toEqual([]);
    }
  });

  it('is the same in the layers of a model, one behind the other and side by side', async () => {
    const text = `import { layer, mat, matvec, maxOver, mean, model, over, tanh, vec } from 'recurve';
      export default model({ name: 'layers', dims: ['I', 'H', 'K'], inputs: { x: over('T', vec('I')) }, params: { P: mat('K', 'H') },
        layers: { one: layer('gru'), two: layer('gru', { I: 'H' }) },
        run({ x }, { one, two }, { P }) {
          const h = one({ x });
          const g = two({ x: h.h });
          return { y: mean(tanh(matvec(P, h.h)), 'T'), z: maxOver(matvec(P, g.h), 'T'), h: g.h };
        } });`;
    const tree = parseSpecSource(fileURLToPath(new URL('./inline.model.ts', import.meta.url)), text);
    const [options, sizes] = [resolveOptions(tree, {}), { T: 21, B: 3, I: 4, H: 6, K: 5 }];
    const signature = resolveSpec(tree, options);
    const data = randomData(signature, sizes, outputShapes(signature, valuesOf(tree, signature)), { seed: 3, ragged: true });
    const expected = runReference(tree, signature, sizes, data);
    for (const strategy of ['scan', 'stepwise', 'wavefront', undefined] as const) {
      const plan = compile(tree, { options, sizes, gradients: true, target: device.target, strategy });
      const layer = await load(device, plan);
      layer.poison();
      expect(
        compareResults(await layer.run(data), expected, 1e-5).filter(({ ok }) => !ok),
        strategy,
      ).toEqual([]);
      layer.destroy();
      // The GRU behind which there is a mean has three loops each way where they may be scans.
      const numbered = choicesIn(plan).filter(({ name }) => /_loop_[1-9]$/.test(name));
      expect(numbered.map(({ allowed: [first] }) => first)).toEqual(
        strategy === 'scan' ? ['resident', 'scan', 'scan', 'resident', 'scan', 'scan'] : [],
      );
    }
  });
});
