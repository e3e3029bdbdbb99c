/**
 * A branch that is not taken contributes exactly zero: what it would have computed, and its slope, may be infinite or NaN.
 * Every cell here computes such values at a third of its units.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { flatten } from '../../runtime/interop/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';

const SIZES = { T: 4, B: 3, H: 6, K: 3, X: 5 };
const NAMES =
  'abs blockTriangular broadcast cell clamp concat conv1d delay dot dropout exp kernel log log1p map mat matvec max maxOver mean min mod norm outer pow relu scalar select slice softmax sqrt square stack stopGradient sum tanh variance vec zoneout';

const cellOf = (body: string, declared = 'state: { h: vec("H") }') =>
  fromText(`import { ${NAMES.split(' ').join(', ')} } from 'recurve';
    export default cell({ name: 'branch', dims: ['H', 'K', 'X'], inputs: { x: vec('H'), d: vec('H') }, ${declared},
      params: { w: vec('H'), v: vec('H'), s: scalar(), U: mat('H', 'H'), W: mat('K', 'H'), C: kernel('H', 'H', 3), q: scalar({ init: 1, trainable: false }) },
      step({ x, d }, ${declared.includes('c:') ? '{ h, c }' : '{ h }'}, p) { ${body} } });`);

/** `d` is zero or negative at a third of all places, and so is what a state makes of it. */
function guarded(data: CellData): CellData {
  const d = data.inputs.d;
  d?.data.forEach((value, at) => {
    d.data[at] = at % 3 === 0 ? ([0, -1, 0, -0.5][at % 4] ?? 0) : 0.5 + Math.abs(value);
  });
  return data;
}

/** The step's last line uses every parameter that the others leave out. */
const next = (value: string) => `return { h: tanh(0.5 * h + p.v + ${value}) };`;

const BODIES: Readonly<Record<string, string>> = {
  'a quotient': next('(d > 0 ? x / d : 0)'),
  'a quotient in the other branch': next('(d <= 0 ? p.w : x / d)'),
  'a quotient of two values that both jump': next('select(d > 0 && x < 10, p.w * x / d, 0.5 * x)'),
  'a test of either': next('(d < 0 || d === 0 ? x : sqrt(d))'),
  'a denial': next('(!(d > 0) ? 0 : p.w / sqrt(d))'),
  'a square root': next('(d > 0 ? sqrt(d) : 0.1 * d)'),
  'a logarithm': next('(d > 0 ? log(d) * x : x)'),
  'a logarithm of one more': next('(d > -1 ? log1p(d) : -1)'),
  'a power': next('(d > 0 ? d ** p.w : 0)'),
  'a negative power': next('(d > 0 ? p.w * d ** -2 : d)'),
  'an exponential that overflows': next('(d > 0 ? p.w * x : exp(1e5 - d) * x)').replace('(d > 0 ?', '(d > -100 ?'),
  'a product that overflows':
    'const b = 1e25 * d; const y = b * b * b; return { h: tanh(0.5 * h + p.v + (d > -100 ? p.w * d : y * x)) };',
  'a remainder': next('(d > 0 ? mod(x, d) : 0)'),
  'a quotient behind another choice': next('(x > 0 ? (d > 0 ? x / d : x) : (d > 0 ? log(d) : d))'),
  'a chain of functions':
    'const y = square(tanh(1 / sqrt(d))); return { h: tanh(0.5 * h + p.v + p.w * (d > 0 ? y + exp(y) : x)) };',
  'the greater of two': next('max(0.2 * x, d > 0 ? log(d) : 0) + min(x, d > 0 ? 1 / d : 5)'),
  'a clamped value': next('clamp(d > 0 ? 1 / d : 100, -1, 0.7)'),
  'a root behind relu': 'const y = sqrt(relu(d)); return { h: tanh(0.5 * h + p.v + (d > 0 ? y * p.w : 0)) };',
  'a norm that is guarded':
    'const n = sum(square(d - d)); const y = d / sqrt(n); return { h: tanh(0.5 * h + p.v + (broadcast(n, "H") > 0 ? y : p.w)) };',
  'a scalar parameter': next('(d > 0 ? p.s * x / d : p.s)'),
  'a product with a matrix': next('(d > 0 ? matvec(p.U, x) / d : matvec(p.U, h))'),
  'a matrix that sees infinite units':
    'const y = matvec(p.U, x / d); const z = matvec(p.U, log(d)); return { h: tanh(0.5 * h + p.v + (x > 100 ? y : p.w) + (x > 100 ? z : 0)) };',
  'a matrix that sees infinite units from its other side':
    'const y = matvec(p.W, x / d); return { h: tanh(0.5 * h + p.v + p.w), y: matvec(p.W, h) + (matvec(p.W, h) > 100 ? y : 0) };',
  'a matrix on a guarded value': next('matvec(p.U, d > 0 ? x / d : x)'),
  'two matrices in a row':
    'const y = matvec(p.U, tanh(1 / d)); return { h: tanh(0.5 * h + p.v + (d > 100 ? matvec(p.U, y) : matvec(p.U, h))) };',
  'a sum of all units': 'const y = sum(x / d); return { h: tanh(0.5 * h + p.v + (p.w > 100 ? y : 0)) };',
  'a sum of guarded units': next('broadcast(sum(d > 0 ? x / d : p.w), "H")'),
  'the largest unit': next('broadcast(maxOver(d > 0 ? log(d) : -5), "H")'),
  'a softmax': 'const y = softmax(log(d)); return { h: tanh(0.5 * h + p.v + (x > 100 ? y : p.w)) };',
  'a variance': 'const y = variance(1 / d); return { h: tanh(0.5 * h + p.v + (x > 100 ? y : p.w)) };',
  'a dot product': 'const y = dot(1 / d, x); return { h: tanh(0.5 * h + p.v + (x > 100 ? y : p.w)) };',
  'an outer product': 'const m = outer(1 / d, log(d)); return { h: tanh(0.5 * h + p.v + (x > 100 ? matvec(m, x) : p.w)) };',
  'some units that are sliced off':
    'const y = slice(1 / d, "K", 0); return { h: tanh(0.5 * h + p.v), y: matvec(p.W, h) + (slice(d, "K", 0) > 0 ? y : 1) };',
  'a delayed value':
    'const y = delay(d, 1); return { h: tanh(0.5 * h + p.v + (y > 0 ? x / y : p.w) + (delay(h, 2) > 0 ? log(delay(h, 2)) : 0)) };',
  'a mask at rate one': next('dropout(x, p.q)'),
  'a constant rate of one': next('p.w * (d > 0 ? d : x)'),
  'what no gradient flows through': next('(d > 0 ? stopGradient(1 / d) * x : p.w)'),
};

const STATES: Readonly<Record<string, string>> = {
  'a state of the step before': 'return { h: tanh(0.5 * h + p.v + (delay(d, 1) > 0 ? c : p.w)), c: x / d };',
  'a state of the step before behind a matrix':
    'return { h: tanh(0.5 * h + p.v + (x > 100 ? matvec(p.U, c) : p.w)), c: log(d) * x };',
  'a state that is infinite for long': 'return { h: tanh(0.5 * h + p.v + (x > 100 ? c * d : p.w)), c: d > 0 ? 0.5 * c : c / d };',
};

function finite(result: CellResult): boolean {
  return Object.entries(flatten(result)).every(([name, { data }]) => name.endsWith('.c') || data.every(Number.isFinite));
}

for (const choice of ['swiftshader', 'lavapipe'] as const) {
  const missing = choice === 'lavapipe' && lavapipeManifests().length === 0;
  describe.skipIf(missing)(`a branch that is not taken, on ${choice}`, () => {
    let device: RecurveDevice;
    beforeAll(async () => {
      device = await openDevice(choice);
    });
    afterAll(() => device.close());

    async function held(body: string, declared?: string): Promise<void> {
      const { tree, options, signature, outputs, sizes } = prepare(cellOf(body, declared), SIZES, training(body));
      const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
      for (const [seed, reverse] of [
        [3, false],
        [4, true],
      ] as const) {
        const data = guarded(randomData(signature, sizes, outputs, { seed, ragged: true, reverse }));
        data.params.q?.data.fill(1);
        // Its last value may be infinite, and is nobody's result.
        data.cotangents?.state.c?.data.fill(0);
        const expected = runReference(tree, signature, sizes, data);
        executable.poison();
        const actual = await executable.run(data);
        expect(finite(expected), 'the reference is finite').toBe(true);
        expect(finite(actual), 'the kernels are finite').toBe(true);
        // An infinite state equals an infinite one here: what follows from it is finite, and that is what is held.
        expect(compareResults(actual, expected, 1e-5).filter(({ error }) => !(error <= 1e-5))).toEqual([]);
      }
      executable.destroy();
    }
    const training = (body: string): { training?: true } => (body.includes('dropout(') ? { training: true } : {});
    const bodies = choice === 'swiftshader' ? Object.keys(BODIES) : ['a quotient'];
    it.each(bodies)('%s', (name) => held(BODIES[name] ?? ''));
    const states = choice === 'swiftshader' ? Object.keys(STATES) : ['a state that is infinite for long'];
    it.each(states)('%s', (name) => held(STATES[name] ?? '', `state: { h: vec('H'), c: vec('H') }, outputs: ['h']`));
  });
}

describe('by hand', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  it('a guarded quotient has the gradients of the quotients that were taken, and the other branch the rest', async () => {
    const tree = fromText(`import { cell, mat, matvec, vec } from 'recurve';
      export default cell({ name: 'guarded', dims: ['H'], inputs: { x: vec('H'), d: vec('H') }, state: { h: vec('H') },
        params: { b: vec('H'), U: mat('H', 'H') },
        step({ x, d }, { h }, p) { return { h: x > 100 ? matvec(p.U, x / d) * h : d > 0 ? x / d : p.b }; } });`);
    const { options, signature, sizes } = prepare(tree, { T: 2, B: 1, H: 3 });
    const tensor = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
    const data: CellData = {
      inputs: { x: tensor([2, 1, 3], 2, 3, -4, 1, 2, 3), d: tensor([2, 1, 3], 4, 0, -1, 0, 2, 1) },
      state: {},
      params: { b: tensor([3], 7, 8, 9), U: tensor([3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9) },
      reverse: false,
      cotangents: { outputs: { h: tensor([2, 1, 3], 1, 2, 3, 10, 20, 30) }, state: {} },
    };
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    for (const result of [runReference(tree, signature, sizes, data), await executable.run(data)]) {
      const numbers = Object.fromEntries(Object.entries(flatten(result)).map(([name, found]) => [name, [...found.data]]));
      expect(numbers).toEqual({
        'outputs.h': [0.5, 8, 9, 7, 1, 3],
        'state.h': [7, 1, 3],
        'gradients.inputs.x': [0.25, 0, 0, 0, 10, 30],
        'gradients.inputs.d': [-0.125, 0, 0, 0, -10, -90],
        'gradients.state.h': [0, 0, 0],
        'gradients.params.b': [10, 2, 3],
        'gradients.params.U': [0, 0, 0, 0, 0, 0, 0, 0, 0],
      });
    }
    executable.destroy();
  });
});
