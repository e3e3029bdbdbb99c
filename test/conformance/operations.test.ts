/** Every per-unit operation on tensors in every argument: values, and the cotangent of each argument. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../codegen/index.js';
import { isApply } from '../../codegen/ir/graph.js';
import { ops } from '../../codegen/ir/ops.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** By operation; `a` and `b` come through the state, the input and parameters, around zero. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  add: 'a + b',
  sub: 'a - b',
  mul: 'a * b',
  div: '(a / (square(b) + 1) + b / (square(a) + 1))',
  neg: '-a',
  min: 'min(a, b)',
  max: 'max(a, b)',
  lt: '(a < b ? a : 2 * b)',
  le: '(a <= b ? a : 2 * b)',
  gt: '(a > b ? a : 2 * b)',
  ge: '(a >= b ? a : 2 * b)',
  eq: '(max(a, 0) === 0 ? a * b : 2 * b)',
  ne: '(max(a, 0) !== 0 ? a * b : 2 * b)',
  select: '(a > 0 ? b : a * b)',
  sigmoid: 'sigmoid(4 * a)',
  tanh: 'tanh(4 * a)',
  relu: 'relu(a)',
  leakyRelu: 'leakyRelu(a, 0.3)',
  elu: 'elu(a, 0.7)',
  softplus: 'softplus(4 * a)',
  softsign: 'softsign(a)',
  hardSigmoid: 'hardSigmoid(3 * a)',
  exp: 'exp(a)',
  log: 'log(square(a) + 0.1)',
  sqrt: 'sqrt(square(a) + 0.1)',
  abs: 'abs(a)',
  square: 'square(a)',
  and: '(a > 0 && b > 0 ? a : 2 * b)',
  or: '(a > 0 || b > 0 ? a : 2 * b)',
  not: '(!(a > 0 && b > 0) ? a : 2 * b)',
  sin: 'sin(3 * a)',
  cos: 'cos(3 * a)',
  erf: 'erf(a)',
  log1p: 'log1p(square(a))',
  expm1: 'expm1(a)',
  logSigmoid: 'logSigmoid(4 * a)',
  gelu: 'gelu(2 * a)',
  silu: 'silu(2 * a)',
  mish: 'mish(2 * a)',
  pow: 'pow(square(a) + 0.5, b)',
  round: '(round(3 * a) * b)',
  floor: '(floor(3 * a) * b)',
  mod: 'mod(a, square(b) + 0.5)',
  step: '(step(a) * b)',
  sign: '(sign(a) * b)',
  stopGradient: '(stopGradient(a) * b)',
  straightThrough: 'straightThrough(step(a), 0.5 * b)',
  clamp: '(clamp(a, -0.5, 0.5) + clamp(a, b - 0.5, b + 0.5) + clamp(a, b, h))',
};

const NAMES = [
  ...'abs cell clamp cos elu erf exp expm1 floor gelu hardSigmoid leakyRelu log log1p logSigmoid max min mish mod pow'.split(' '),
  ...'relu round sigmoid sign silu sin softplus softsign sqrt square step stopGradient straightThrough tanh vec'.split(' '),
].join(', ');

const cellOf = (expression: string) =>
  fromText(`import { ${NAMES} } from 'recurve';
    export default cell({ name: 'operation', dims: ['H'], inputs: { x: vec('H'), u: vec('H') }, state: { h: vec('H') },
      params: { v: vec('H'), w: vec('H') },
      step({ x, u }, { h }, { v, w }) { const a = x + v * h; const b = u * w - 0.5 * h; return { h: 0.5 * ${expression} + 0.1 * h }; } });`);

describe('an operation', () => {
  it.each(Object.entries(EXPRESSIONS))('%s is that of the reference, and so is its adjoint', async (name, expression) => {
    const prepared = prepare(cellOf(expression), { T: 3, B: 5, H: 18 });
    const graph = lower(prepared.tree, prepared.signature);
    expect(graph.nodes.map((node) => (isApply(node) ? node.op : undefined))).toContain(name);
    expect(await wrongTensors(device, prepared)).toEqual([]);
  });

  it('is in the list above if it is in the language', () => {
    const derivatives = ['sigmoidSlope', 'tanhSlope', 'geluSlope', 'siluSlope', 'mishSlope'];
    expect(Object.keys(EXPRESSIONS).toSorted()).toEqual(
      Object.keys(ops)
        .filter((name) => !derivatives.includes(name))
        .toSorted(),
    );
  });
});
