import { afterAll, beforeAll, expect, test } from 'vitest';
import { SpecError } from '../../codegen/errors.js';
import { compile, parseCellSource } from '../../codegen/index.js';
import type { Target } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { TARGET } from '../codegen/target.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader', { purpose: 'check' });
});
afterAll(() => device.close());

const SIZES = { T: 3, B: 2, I: 2, H: 5 };

const cell = (step: string, more = '') => `
import { cell, mat, matvec, softmax, tanh, vec } from 'recurve';
export default cell({
  name: 'large', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') },
  params: { W: mat('H', 'I'), b: vec('H')${more} },
  step({ x }, { h }, p) { let a = matvec(p.W, x) + h; ${step} return { h: tanh(a + p.b) }; },
});`;

const loop = (rounds: number, body = 'a = 0.5 * tanh(a) + 0.4 * a;') => cell(`for (let i = 0; i < ${rounds}; i++) { ${body} }`);

const planOf = (text: string, target = TARGET) => {
  const { tree, options, sizes } = prepare(fromText(text), SIZES);
  return compile(tree, { options, sizes, gradients: true, target });
};

const codesOf = (text: string): string => {
  try {
    prepare(parseCellSource('large.cell.ts', text), SIZES);
    return '';
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.diagnostics.map(({ code, message }) => `${code} ${message}`).join('\n');
  }
};

test('a loop of 150 rounds is cut into kernels that agree with the reference', async () => {
  const prepared = prepare(fromText(loop(150)), SIZES);
  expect(await wrongTensors(device, prepared)).toEqual([]);
}, 120_000);

test('sums of gradients that add up in several kernels agree with the reference', async () => {
  // 120 uses of one matrix and of one bias: their gradients take several passes.
  const prepared = prepare(
    fromText(
      cell(
        'for (let i = 0; i < 120; i++) { a = 0.9 * a + 0.01 * tanh(matvec(p.U, h) * i + p.c * a); }',
        ", U: mat('H', 'H'), c: vec('H')",
      ),
    ),
    SIZES,
  );
  expect(await wrongTensors(device, prepared)).toEqual([]);
}, 120_000);

test.each([
  ['a chain of functions', 'a = 0.5 * tanh(a) + 0.4 * a;'],
  ['a chain of reductions', 'a = a + softmax(a);'],
])(
  'the code of %s is proportional to its length, and no kernel grows',
  (_, body) => {
    const sizeOf = (rounds: number) => planOf(loop(rounds, body)).kernels.map(({ wgsl }) => wgsl.length);
    const [short, long] = [sizeOf(200), sizeOf(400)];
    const total = (sizes: number[]) => sizes.reduce((sum, size) => sum + size, 0);
    // Twice the rounds: four times the code, were anything quadratic. At both lengths kernels are as large as they get.
    expect(total(long)).toBeLessThan(2.6 * total(short));
    expect(Math.max(...long)).toBeLessThan(1.2 * Math.max(...short));
  },
  60_000,
);

test('what fits is one kernel, and a smaller limit cuts the same step', () => {
  const text = loop(20);
  const passes = (target: Target) => planOf(text, target).passes.length;
  expect(passes({ ...TARGET, maxKernelInstructions: 200 })).toBeGreaterThan(passes(TARGET));
});

test('empty loops count, and helpers that call each other too deeply are refused with the number', () => {
  const empty = 'for (let i = 0; i < 10000; i++) for (let j = 0; j < 10000; j++) for (let k = 0; k < 10000; k++) {}';
  expect(codesOf(cell(empty))).toMatch(/^SPEC-TOO-LARGE .*1000000 evaluations/);
  const helpers = Array.from({ length: 350 }, (_, i) => `function f${i}(a) { return ${i === 0 ? 'a' : `f${i - 1}(a)`}; }`);
  expect(codesOf(`${cell('a = f349(a);')}\n${helpers.join('\n')}`)).toMatch(/^SPEC-TOO-DEEP .*600 levels/);
});

test('ten thousand brackets are refused with the limit, where they are', () => {
  expect(codesOf(cell(`a = ${'('.repeat(10_000)}a${')'.repeat(10_000)};`))).toMatch(/^SPEC-TOO-DEEP .*more than 400 levels deep/);
});
