/**
 * The layouts held to what the frameworks compute: each framework's documented equations, written here on its own packed
 * tensors, against the cell of ours, run by the reference on the same request. Gradients are held to finite differences
 * of the framework's equations, so a gate in the wrong row shows in both directions.
 */
import { describe, expect, test } from 'vitest';
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { bindRequest, parseJsonRequest, type ResponseDocument, toDocument, toResponse } from '../../runtime/interop/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { random } from './mutations.js';
import { gru, lstm, rnn } from './signatures.js';

const [T, I, H, P] = [3, 2, 3, 2];

type Weights = Readonly<Record<string, readonly number[]>>;
/** One step: the input, the state before (h, then c) and the flat weights give the state after. */
type Step = (x: readonly number[], h: readonly number[], c: readonly number[], w: Weights) => { h: number[]; c?: number[] };

interface Case {
  readonly format: string;
  readonly cell: 'rnn' | 'lstm' | 'gru';
  readonly options?: Readonly<Record<string, string | boolean>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly step: Step;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const units = (unit: (j: number) => number) => Array.from({ length: H }, (_, j) => unit(j));
const dot = (from: readonly number[], start: number, stride: number, x: readonly number[]) =>
  x.reduce((sum, value, k) => sum + (from[start + k * stride] ?? Number.NaN) * value, 0);
const at = (values: readonly number[] | undefined, k: number) => values?.[k] ?? Number.NaN;

/** Row `gate`·H + j of a `[G·H, n]` matrix times x: ONNX and torch. */
const row = (w: readonly number[] | undefined, gate: number, j: number, x: readonly number[]) =>
  dot(w ?? [], (gate * H + j) * x.length, 1, x);
/** Column `gate`·H + j of an `[n, G·H]` matrix times x: Keras. */
const column = (w: readonly number[] | undefined, gates: number, gate: number, j: number, x: readonly number[]) =>
  dot(w ?? [], gate * H + j, gates * H, x);

function onnxLstm({ peepholes, coupled }: { peepholes: boolean; coupled: boolean }): Step {
  const [i, o, f, c] = [0, 1, 2, 3];
  return (x, h, before, w) => {
    const pre = (gate: number, j: number) =>
      row(w.W, gate, j, x) + row(w.R, gate, j, h) + at(w.B, gate * H + j) + at(w.B, (4 + gate) * H + j);
    const peep = (gate: number, j: number, cell: readonly number[]) => (peepholes ? at(w.P, gate * H + j) * at(cell, j) : 0);
    const input = units((j) => sigmoid(pre(i, j) + peep(0, j, before)));
    const forget = units((j) => (coupled ? 1 - at(input, j) : sigmoid(pre(f, j) + peep(2, j, before))));
    const after = units((j) => at(forget, j) * at(before, j) + at(input, j) * Math.tanh(pre(c, j)));
    return { h: units((j) => sigmoid(pre(o, j) + peep(1, j, after)) * Math.tanh(at(after, j))), c: after };
  };
}

const onnxGru =
  ({ linearBeforeReset }: { linearBeforeReset: boolean }): Step =>
  (x, h, _, { W, R, B }) => {
    const gate = (g: number, j: number) => sigmoid(row(W, g, j, x) + row(R, g, j, h) + at(B, g * H + j) + at(B, (3 + g) * H + j));
    const z = units((j) => gate(0, j));
    const r = units((j) => gate(1, j));
    const reset = h.map((value, j) => at(r, j) * value);
    const candidate = units((j) => {
      const [wb, rb] = [at(B, 2 * H + j), at(B, 5 * H + j)];
      const recurrent = linearBeforeReset ? at(r, j) * (row(R, 2, j, h) + rb) : row(R, 2, j, reset) + rb;
      return Math.tanh(row(W, 2, j, x) + recurrent + wb);
    });
    return { h: units((j) => (1 - at(z, j)) * at(candidate, j) + at(z, j) * at(h, j)) };
  };

const torchLstm =
  ({ projection }: { projection: boolean }): Step =>
  (x, h, before, w) => {
    const pre = (gate: number, j: number) =>
      row(w.weight_ih_l0, gate, j, x) +
      at(w.bias_ih_l0, gate * H + j) +
      row(w.weight_hh_l0, gate, j, h) +
      at(w.bias_hh_l0, gate * H + j);
    const c = units((j) => sigmoid(pre(1, j)) * at(before, j) + sigmoid(pre(0, j)) * Math.tanh(pre(2, j)));
    const out = units((j) => sigmoid(pre(3, j)) * Math.tanh(at(c, j)));
    return { h: projection ? Array.from({ length: P }, (_, p) => dot(w.weight_hr_l0 ?? [], p * H, 1, out)) : out, c };
  };

const torchGru: Step = (x, h, _, w) => {
  const input = (g: number, j: number) => row(w.weight_ih_l0, g, j, x) + at(w.bias_ih_l0, g * H + j);
  const hidden = (g: number, j: number) => row(w.weight_hh_l0, g, j, h) + at(w.bias_hh_l0, g * H + j);
  return {
    h: units((j) => {
      const r = sigmoid(input(0, j) + hidden(0, j));
      const z = sigmoid(input(1, j) + hidden(1, j));
      const n = Math.tanh(input(2, j) + r * hidden(2, j));
      return (1 - z) * n + z * at(h, j);
    }),
  };
};

const kerasLstm: Step = (x, h, before, w) => {
  const pre = (g: number, j: number) =>
    column(w.kernel, 4, g, j, x) + column(w.recurrent_kernel, 4, g, j, h) + at(w.bias, g * H + j);
  const c = units((j) => sigmoid(pre(1, j)) * at(before, j) + sigmoid(pre(0, j)) * Math.tanh(pre(2, j)));
  return { h: units((j) => sigmoid(pre(3, j)) * Math.tanh(at(c, j))), c };
};

const kerasGru =
  ({ resetAfter }: { resetAfter: boolean }): Step =>
  (x, h, _, w) => {
    const input = (g: number, j: number) => column(w.kernel, 3, g, j, x) + at(w.bias, g * H + j);
    const hidden = (g: number, j: number, from = h) =>
      column(w.recurrent_kernel, 3, g, j, from) + (resetAfter ? at(w.bias, 3 * H + g * H + j) : 0);
    const z = units((j) => sigmoid(input(0, j) + hidden(0, j)));
    const r = units((j) => sigmoid(input(1, j) + hidden(1, j)));
    const reset = h.map((value, j) => at(r, j) * value);
    return {
      h: units((j) => {
        const recurrent = resetAfter ? at(r, j) * hidden(2, j) : hidden(2, j, reset);
        return at(z, j) * at(h, j) + (1 - at(z, j)) * Math.tanh(input(2, j) + recurrent);
      }),
    };
  };

/** The gates of an LSTM in whatever order, from their sums before the activation. */
const lstmStep =
  (order: string, pre: (gate: number, j: number, x: readonly number[], h: readonly number[], w: Weights) => number): Step =>
  (x, h, before, w) => {
    const sum = (gate: string, j: number) => pre(order.indexOf(gate), j, x, h, w);
    const c = units((j) => sigmoid(sum('f', j)) * at(before, j) + sigmoid(sum('i', j)) * Math.tanh(sum('g', j)));
    return { h: units((j) => sigmoid(sum('o', j)) * Math.tanh(at(c, j))), c };
  };

/** A GRU with the reset gate after the product, from the sums of x and of h for each gate. */
const gruStep =
  (
    order: string,
    input: (gate: number, j: number, x: readonly number[], w: Weights) => number,
    hidden: (gate: number, j: number, h: readonly number[], w: Weights) => number,
  ): Step =>
  (x, h, _, w) => ({
    h: units((j) => {
      const [r, z, n] = ['r', 'z', 'n'].map((gate) => order.indexOf(gate));
      const [xs, hs] = [(gate = -1) => input(gate, j, x, w), (gate = -1) => hidden(gate, j, h, w)];
      const update = sigmoid(xs(z) + hs(z));
      return (1 - update) * Math.tanh(xs(n) + sigmoid(xs(r) + hs(r)) * hs(n)) + update * at(h, j);
    }),
  });

/** PyTorch's layout with the reset gate before the product, as other frameworks write it. */
const torchGruBefore: Step = (x, h, _, w) => {
  const gate = (g: number, j: number, from: readonly number[]) =>
    row(w.weight_ih_l0, g, j, x) + at(w.bias_ih_l0, g * H + j) + row(w.weight_hh_l0, g, j, from) + at(w.bias_hh_l0, g * H + j);
  const reset = h.map((value, j) => sigmoid(gate(0, j, h)) * value);
  return {
    h: units((j) => {
      const z = sigmoid(gate(1, j, h));
      return (1 - z) * Math.tanh(gate(2, j, reset)) + z * at(h, j);
    }),
  };
};

/** Row j of the matrix `[H, n]` that lies row by row in the block `[n, H]` of gate `gate`. */
const memory = (w: readonly number[] | undefined, gates: number, gate: number, j: number, x: readonly number[]) => {
  const block = x.flatMap((_, a) => units((b) => at(w, (a * gates + gate) * H + b)));
  return dot(block, j * x.length, 1, x);
};

/** The dense layer `name` of Flax. */
const dense = (w: Weights, name: string, j: number, x: readonly number[]) =>
  column(w[`${name}/kernel`], 1, 0, j, x) + (w[`${name}/bias`]?.[j] ?? 0);

/** Column of a kernel that takes x above h. */
const joint = (
  w: readonly number[] | undefined,
  gates: number,
  gate: number,
  j: number,
  x: readonly number[],
  h: readonly number[],
) => column(w, gates, gate, j, [...x, ...h]);

const tf1Lstm =
  ({ projection }: { projection: boolean }): Step =>
  (x, h, before, w) => {
    const pre = (gate: number, j: number) => joint(w.kernel, 4, gate, j, x, h) + at(w.bias, gate * H + j);
    const f = units((j) => sigmoid(pre(2, j) + at(w.w_f_diag, j) * at(before, j)));
    const i = units((j) => sigmoid(pre(0, j) + at(w.w_i_diag, j) * at(before, j)));
    const c = units((j) => at(f, j) * at(before, j) + at(i, j) * Math.tanh(pre(1, j)));
    const m = units((j) => sigmoid(pre(3, j) + at(w.w_o_diag, j) * at(c, j)) * Math.tanh(at(c, j)));
    return { h: projection ? Array.from({ length: P }, (_, p) => dot(w['projection/kernel'] ?? [], p, P, m)) : m, c };
  };

const tf1Gru: Step = (x, h, _, w) => {
  const gate = (g: number) => units((j) => sigmoid(joint(w['gates/kernel'], 2, g, j, x, h) + at(w['gates/bias'], g * H + j)));
  const [r, u] = [gate(0), gate(1)];
  const reset = h.map((value, j) => at(r, j) * value);
  const c = units((j) => Math.tanh(joint(w['candidate/kernel'], 1, 0, j, x, reset) + at(w['candidate/bias'], j)));
  return { h: units((j) => at(u, j) * at(h, j) + (1 - at(u, j)) * at(c, j)) };
};

const flax = (inputs: readonly string[], biased: readonly string[]) =>
  Object.fromEntries([
    ...inputs.flatMap((gate) => [
      [`i${gate}/kernel`, [I, H]],
      [`h${gate}/kernel`, [H, H]],
    ]),
    ...biased.map((name) => [`${name}/bias`, [H]]),
  ]);
const kernels = (gates: number) => ({ kernel: [I, gates * H], recurrent_kernel: [H, gates * H] });
const peepholes = { w_i_diag: [H], w_f_diag: [H], w_o_diag: [H] };
const gatesIn = (order: string, g: number) => order[g] ?? '';

const onnx = (gates: number) => ({ W: [1, gates * H, I], R: [1, gates * H, H], B: [1, 2 * gates * H] });
const torch = (gates: number, hidden = H) => ({
  weight_ih_l0: [gates * H, I],
  weight_hh_l0: [gates * H, hidden],
  bias_ih_l0: [gates * H],
  bias_hh_l0: [gates * H],
});
const keras = (gates: number) => ({ kernel: [I, gates * H], recurrent_kernel: [H, gates * H], bias: [gates * H] });

const lstmP = { ...onnx(4), P: [1, 3 * H] };
const cases: readonly Case[] = [
  { format: 'onnx', cell: 'lstm', shapes: onnx(4), step: onnxLstm({ peepholes: false, coupled: false }) },
  {
    format: 'onnx',
    cell: 'lstm',
    options: { peepholes: true },
    shapes: lstmP,
    step: onnxLstm({ peepholes: true, coupled: false }),
  },
  {
    ...{ format: 'onnx', cell: 'lstm', options: { peepholes: true, coupled: true }, shapes: lstmP },
    step: onnxLstm({ peepholes: true, coupled: true }),
  },
  { format: 'onnx', cell: 'gru', options: { reset: 'after' }, shapes: onnx(3), step: onnxGru({ linearBeforeReset: true }) },
  { format: 'onnx', cell: 'gru', options: { reset: 'before' }, shapes: onnx(3), step: onnxGru({ linearBeforeReset: false }) },
  {
    ...{ format: 'onnx', cell: 'rnn', shapes: onnx(1) },
    step: (x, h, _, { W, R, B }) => ({ h: units((j) => Math.tanh(row(W, 0, j, x) + row(R, 0, j, h) + at(B, j) + at(B, H + j))) }),
  },
  { format: 'torch', cell: 'lstm', shapes: torch(4), step: torchLstm({ projection: false }) },
  {
    ...{ format: 'torch', cell: 'lstm', options: { projection: true } },
    ...{ shapes: { ...torch(4, P), weight_hr_l0: [P, H] }, step: torchLstm({ projection: true }) },
  },
  { format: 'torch', cell: 'gru', shapes: torch(3), step: torchGru },
  {
    ...{ format: 'torch', cell: 'rnn', shapes: torch(1) },
    step: (x, h, _, w) => ({
      h: units((j) =>
        Math.tanh(row(w.weight_ih_l0, 0, j, x) + at(w.bias_ih_l0, j) + row(w.weight_hh_l0, 0, j, h) + at(w.bias_hh_l0, j)),
      ),
    }),
  },
  { format: 'torch', cell: 'gru', options: { reset: 'before' }, shapes: torch(3), step: torchGruBefore },
  {
    ...{ format: 'cudnn', cell: 'lstm', shapes: { ...kernels(4), bias: [8 * H] } },
    step: lstmStep(
      'ifgo',
      (g, j, x, h, w) =>
        memory(w.kernel, 4, g, j, x) +
        memory(w.recurrent_kernel, 4, g, j, h) +
        at(w.bias, g * H + j) +
        at(w.bias, (4 + g) * H + j),
    ),
  },
  {
    ...{ format: 'cudnn', cell: 'gru', shapes: { ...kernels(3), bias: [6 * H] } },
    step: gruStep(
      'zrn',
      (g, j, x, w) => memory(w.kernel, 3, g, j, x) + at(w.bias, g * H + j),
      (g, j, h, w) => memory(w.recurrent_kernel, 3, g, j, h) + at(w.bias, (3 + g) * H + j),
    ),
  },
  {
    ...{ format: 'flax', cell: 'lstm', shapes: flax(['i', 'f', 'g', 'o'], ['hi', 'hf', 'hg', 'ho']) },
    step: lstmStep(
      'ifgo',
      (g, j, x, h, w) => dense(w, `i${gatesIn('ifgo', g)}`, j, x) + dense(w, `h${gatesIn('ifgo', g)}`, j, h),
    ),
  },
  {
    ...{ format: 'flax', cell: 'gru', shapes: flax(['r', 'z', 'n'], ['ir', 'iz', 'in', 'hn']) },
    step: gruStep(
      'rzn',
      (g, j, x, w) => dense(w, `i${gatesIn('rzn', g)}`, j, x),
      (g, j, h, w) => dense(w, `h${gatesIn('rzn', g)}`, j, h),
    ),
  },
  {
    ...{ format: 'flax', cell: 'rnn', shapes: flax([''], ['i']) },
    step: (x, h, _, w) => ({ h: units((j) => Math.tanh(dense(w, 'i', j, x) + dense(w, 'h', j, h))) }),
  },
  {
    ...{
      format: 'nnx',
      cell: 'lstm',
      shapes: { 'dense_i/kernel': [I, 4 * H], 'dense_h/kernel': [H, 4 * H], 'dense_h/bias': [4 * H] },
    },
    step: lstmStep(
      'ifgo',
      (g, j, x, h, w) =>
        column(w['dense_i/kernel'], 4, g, j, x) + column(w['dense_h/kernel'], 4, g, j, h) + at(w['dense_h/bias'], g * H + j),
    ),
  },
  {
    ...{
      format: 'nnx',
      cell: 'gru',
      shapes: { 'dense_i/kernel': [I, 3 * H], 'dense_h/kernel': [H, 3 * H], 'dense_i/bias': [3 * H] },
    },
    step: gruStep(
      'rzn',
      (g, j, x, w) => column(w['dense_i/kernel'], 3, g, j, x) + at(w['dense_i/bias'], g * H + j),
      (g, j, h, w) => column(w['dense_h/kernel'], 3, g, j, h),
    ),
  },
  {
    ...{ format: 'mlx', cell: 'lstm', shapes: { Wx: [4 * H, I], Wh: [4 * H, H], bias: [4 * H] } },
    step: lstmStep('ifgo', (g, j, x, h, w) => row(w.Wx, g, j, x) + row(w.Wh, g, j, h) + at(w.bias, g * H + j)),
  },
  {
    ...{ format: 'mlx', cell: 'gru', shapes: { Wx: [3 * H, I], Wh: [3 * H, H], b: [3 * H], bhn: [H] } },
    step: gruStep(
      'rzn',
      (g, j, x, w) => row(w.Wx, g, j, x) + at(w.b, g * H + j),
      (g, j, h, w) => row(w.Wh, g, j, h) + (g === 2 ? at(w.bhn, j) : 0),
    ),
  },
  {
    ...{ format: 'haste', cell: 'lstm', shapes: { ...kernels(4), bias: [4 * H] } },
    step: lstmStep(
      'igfo',
      (g, j, x, h, w) => column(w.kernel, 4, g, j, x) + column(w.recurrent_kernel, 4, g, j, h) + at(w.bias, g * H + j),
    ),
  },
  {
    ...{ format: 'haste', cell: 'gru', shapes: { ...kernels(3), bias: [3 * H], recurrent_bias: [3 * H] } },
    step: gruStep(
      'zrn',
      (g, j, x, w) => column(w.kernel, 3, g, j, x) + at(w.bias, g * H + j),
      (g, j, h, w) => column(w.recurrent_kernel, 3, g, j, h) + at(w.recurrent_bias, g * H + j),
    ),
  },
  {
    ...{ format: 'tf1', cell: 'lstm', options: { peepholes: true } },
    ...{ shapes: { kernel: [I + H, 4 * H], bias: [4 * H], ...peepholes }, step: tf1Lstm({ projection: false }) },
  },
  {
    ...{ format: 'tf1', cell: 'lstm', options: { peepholes: true, projection: true } },
    shapes: { kernel: [I + P, 4 * H], bias: [4 * H], ...peepholes, 'projection/kernel': [H, P] },
    step: tf1Lstm({ projection: true }),
  },
  {
    ...{ format: 'tf1', cell: 'gru', options: { reset: 'before' }, step: tf1Gru },
    shapes: { 'gates/kernel': [I + H, 2 * H], 'gates/bias': [2 * H], 'candidate/kernel': [I + H, H], 'candidate/bias': [H] },
  },
  {
    ...{ format: 'tf1', cell: 'rnn', shapes: { kernel: [I + H, H], bias: [H] } },
    step: (x, h, _, w) => ({ h: units((j) => Math.tanh(joint(w.kernel, 1, 0, j, x, h) + at(w.bias, j))) }),
  },
  { format: 'keras', cell: 'lstm', shapes: keras(4), step: kerasLstm },
  {
    format: 'keras',
    cell: 'gru',
    options: { reset: 'after' },
    shapes: { ...keras(3), bias: [2, 3 * H] },
    step: kerasGru({ resetAfter: true }),
  },
  { format: 'keras', cell: 'gru', options: { reset: 'before' }, shapes: keras(3), step: kerasGru({ resetAfter: false }) },
  {
    ...{ format: 'keras', cell: 'rnn', shapes: keras(1) },
    step: (x, h, _, w) => ({
      h: units((j) => Math.tanh(column(w.kernel, 1, 0, j, x) + column(w.recurrent_kernel, 1, 0, j, h) + at(w.bias, j))),
    }),
  },
];

const parsed = new Map(['rnn', 'lstm', 'gru'].map((name) => [name, parseCell(`kernels/cells/${name}.cell.ts`)]));

function tree(name: string) {
  const found = parsed.get(name);
  if (!found) throw new Error(`no cell ${name}`);
  return found;
}

describe.each(cases)('$format weights of $cell with $options', ({ format, cell, options = {}, shapes, step }) => {
  const next = random(7);
  // Multiples of 1/64: sums of two biases are exact in float32, so the two sides see the same numbers.
  const draw = (length: number) => Array.from({ length }, () => Math.round(next() * 128 - 64) / 64);
  const tensor = (...shape: number[]) => ({ shape, data: draw(shape.reduce((product, size) => product * size, 1)) });

  const width = options.projection ? P : H;
  const tensors = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tensor(...shape)]));
  const x = tensor(T, 1, I);
  const state = { h: tensor(1, width), ...(cell === 'lstm' ? { c: tensor(1, H) } : {}) };
  const cotangents = { outputs: { h: tensor(T, 1, width) } };
  const request = parseJsonRequest(
    JSON.stringify({ options, inputs: { x }, state, weights: { format, tensors }, cotangents }),
    'request',
  );
  const signature = resolveSignature(tree(cell), resolveOptions(tree(cell), request.options));
  const { sizes, data } = bindRequest(request, { signature, outputs: { h: [options.projection ? 'P' : 'H'] } });
  const document = toDocument(toResponse(runReference(tree(cell), signature, sizes, data), request, signature, sizes));

  const flat: Weights = Object.fromEntries(Object.entries(tensors).map(([name, { data: values }]) => [name, values]));
  const outputs = (weights: Weights): number[] => {
    let now: { h: number[]; c?: number[] } = { h: state.h.data, c: state.c?.data };
    return Array.from({ length: T }, (_, t) => {
      now = step(x.data.slice(t * I, (t + 1) * I), now.h, now.c ?? [], weights);
      return now.h;
    }).flat();
  };
  const loss = (weights: Weights) => outputs(weights).reduce((sum, h, k) => sum + h * at(cotangents.outputs.h.data, k), 0);

  test('gives the outputs of the framework’s equations', () => {
    const expected = outputs(flat);
    expect(document.outputs.h?.data.length).toBe(expected.length);
    expected.forEach((value, k) => {
      expect(at(document.outputs.h?.data, k)).toBeCloseTo(value, 12);
    });
  });

  test('gives the gradient of every weight in its place', () => {
    const step = 2 ** -17;
    for (const [name, values] of Object.entries(flat)) {
      const gradient = (document.gradients?.weights as ResponseDocument['outputs'] | undefined)?.[name];
      expect(gradient?.shape).toEqual(shapes[name]);
      values.forEach((value, k) => {
        const moved = (by: number) => loss({ ...flat, [name]: values.with(k, value + by) });
        expect(at(gradient?.data, k), `${name}[${k}]`).toBeCloseTo((moved(step) - moved(-step)) / (2 * step), 7);
      });
    }
  });
});

describe('the signatures that these tests write out by hand', () => {
  test.each([
    ['rnn', {}, rnn()],
    ['lstm', {}, lstm()],
    ['lstm', { peepholes: true }, lstm({ peepholes: true })],
    ['lstm', { peepholes: true, coupled: true }, lstm({ peepholes: true, coupled: true })],
    ['lstm', { projection: true }, lstm({ projection: true })],
    ['gru', {}, gru()],
    ['gru', { reset: 'before' }, gru({ reset: 'before' })],
  ])('are those of the cell %s with %o', (name, options, { signature }) => {
    const real = resolveSignature(tree(name), resolveOptions(tree(name), options));
    const shapesOf = (params: typeof real.params) => Object.fromEntries(params.map((param) => [param.name, param.shape]));
    expect(shapesOf(real.params)).toEqual(shapesOf(signature.params));
    expect(shapesOf(real.state)).toEqual(shapesOf(signature.state));
  });
});
