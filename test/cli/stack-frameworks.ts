/** Whole stacks as PyTorch, ONNX and Keras compute them, from their own documentation, in float64 and in their own layouts. */
import { type Stream, streamOf } from '../../runtime/random.js';

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: number[];
}
export type Named = Record<string, Numbers>;

export interface Case {
  readonly format: 'torch' | 'onnx' | 'keras';
  readonly cell: 'lstm' | 'gru' | 'rnn';
  readonly layers: number;
  readonly direction: 'forward' | 'both' | 'reverse';
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** `h`, `c`: which initial states are given. */
  readonly state: string;
  readonly biases: boolean;
}

export interface Data {
  readonly x: Numbers;
  readonly state: Named;
  /** By the names of requests, a chain's as `layers.0.W`. */
  readonly weights: Named;
  readonly cotangents: { readonly h: Numbers; readonly state: Named };
}

export const [T, B, I, H, P] = [4, 3, 2, 3, 2];
export const LENGTHS = [4, 0, 2];
const GATES = { lstm: 4, gru: 3, rnn: 1 };

const directionsOf = ({ direction }: Case) => (direction === 'both' ? 2 : 1);
const hiddenOf = ({ options }: Case) => (options.projection === true ? P : H);
const widthOf = (kase: Case) => hiddenOf(kase) * (kase.options.merge === undefined ? directionsOf(kase) : 1);

/** Numbers of few bits: the sum of two biases, which is one parameter of ours, is exact in float32. */
export function drawn(kase: Case, seed: number): Data {
  const stream: Stream = streamOf(seed, 'stack');
  const tensor = (...shape: number[]): Numbers => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { shape, data: Array.from({ length: count }, () => Math.round(4096 * (1.6 * stream() - 0.8)) / 4096) };
  };
  const { format, cell, layers, options } = kase;
  const [D, R, width, G] = [directionsOf(kase), hiddenOf(kase), widthOf(kase), GATES[cell]];
  const weights: Named = {};
  for (let k = 0; k < layers; k++) {
    const reads = k === 0 ? I : width;
    if (format === 'onnx') {
      const name = (part: string) => (layers > 1 ? `layers.${k}.${part}` : part);
      weights[name('W')] = tensor(D, G * H, reads);
      weights[name('R')] = tensor(D, G * H, H);
      if (kase.biases) weights[name('B')] = tensor(D, 2 * G * H);
      if (options.peepholes === true) weights[name('P')] = tensor(D, 3 * H);
      continue;
    }
    for (let d = 0; d < D; d++) {
      if (format === 'torch') {
        const end = `_l${k}${d === 1 ? '_reverse' : ''}`;
        weights[`weight_ih${end}`] = tensor(G * H, reads);
        weights[`weight_hh${end}`] = tensor(G * H, R);
        if (kase.biases) weights[`bias_ih${end}`] = tensor(G * H);
        if (kase.biases) weights[`bias_hh${end}`] = tensor(G * H);
        if (options.projection === true) weights[`weight_hr${end}`] = tensor(P, H);
      } else {
        const start = `layer_${k}/${d === 1 ? 'backward' : 'forward'}`;
        weights[`${start}/kernel`] = tensor(reads, G * H);
        weights[`${start}/recurrent_kernel`] = tensor(H, G * H);
        const two = cell === 'gru' && options.reset === 'after';
        if (kase.biases) weights[`${start}/bias`] = two ? tensor(2, 3 * H) : tensor(G * H);
      }
    }
  }
  const states = (names: string): Named =>
    Object.fromEntries([...names].map((name) => [name, tensor(layers * D, B, name === 'h' ? R : H)]));
  return {
    x: tensor(T, B, I),
    state: states(kase.state),
    weights,
    cotangents: { h: tensor(T, B, width), state: states(cell === 'lstm' ? 'hc' : 'h') },
  };
}

export interface Result {
  readonly h: Numbers;
  readonly state: Named;
}

/** Forward: every layer and direction over the valid prefix of each sequence. */
export function runFramework(kase: Case, { x, state, weights }: Data): Result {
  const [D, R] = [directionsOf(kase), hiddenOf(kase)];
  const finals: Named = {
    h: { shape: [kase.layers * D, B, R], data: [] },
    ...(kase.cell === 'lstm' ? { c: { shape: [kase.layers * D, B, H], data: [] } } : {}),
  };
  let below = Array.from({ length: T }, (_, t) => Array.from({ length: B }, (_, b) => rowOf(x, t * B + b)));
  for (let k = 0; k < kase.layers; k++) {
    const ran = Array.from({ length: D }, (_, d) => {
      const step = stepOf(kase, weights, k, d);
      const outputs = below.map((row) => row.map(() => new Array<number>(R).fill(0)));
      for (let b = 0; b < B; b++) {
        const row = (k * D + d) * B + b;
        let h = state.h ? rowOf(state.h, row) : new Array<number>(R).fill(0);
        let c = state.c ? rowOf(state.c, row) : new Array<number>(H).fill(0);
        const length = LENGTHS[b] ?? 0;
        for (let s = 0; s < length; s++) {
          const t = d === 1 || kase.direction === 'reverse' ? length - 1 - s : s;
          [h, c] = step(below[t]?.[b] ?? [], h, c);
          (outputs[t] ?? [])[b] = h;
        }
        finals.h?.data.push(...h);
        finals.c?.data.push(...c);
      }
      return outputs;
    });
    below = below.map((row, t) =>
      row.map((_, b) =>
        merged(
          kase,
          ran.map((one) => one[t]?.[b] ?? []),
        ),
      ),
    );
  }
  const flat = below.flat(2);
  return { h: { shape: [T, B, flat.length / T / B], data: flat }, state: finals };
}

/** Σ cotangent · result over what is valid. */
export function lossOf(kase: Case, data: Data): number {
  const { h, state } = runFramework(kase, data);
  const dotted = (a: Numbers | undefined, b: Numbers | undefined) =>
    (a?.data ?? []).reduce((sum, value, k) => sum + value * (b?.data[k] ?? Number.NaN), 0);
  return dotted(h, data.cotangents.h) + dotted(state.h, data.cotangents.state.h) + dotted(state.c, data.cotangents.state.c);
}

function merged({ options }: Case, [ahead = [], back]: readonly number[][]): number[] {
  if (back === undefined) return ahead;
  const pair = ahead.map((value, k): [number, number] => [value, back[k] ?? Number.NaN]);
  switch (options.merge) {
    case 'sum':
      return pair.map(([a, b]) => a + b);
    case 'mul':
      return pair.map(([a, b]) => a * b);
    case 'ave':
      return pair.map(([a, b]) => (a + b) / 2);
    default:
      return [...ahead, ...back];
  }
}

type Step = (x: readonly number[], h: readonly number[], c: readonly number[]) => [number[], number[]];

function stepOf(kase: Case, weights: Named, k: number, d: number): Step {
  if (kase.format === 'torch') return torch(kase, weights, `_l${k}${d === 1 ? '_reverse' : ''}`);
  if (kase.format === 'keras') return keras(kase, weights, `layer_${k}/${d === 1 ? 'backward' : 'forward'}/`);
  return onnx(kase, weights, kase.layers > 1 ? `layers.${k}.` : '', d);
}

const sigma = (x: number) => 1 / (1 + Math.exp(-x));
/** Block `k` of H numbers. */
const block = (values: readonly number[], k: number) => values.slice(k * H, (k + 1) * H);
const each = (f: (...values: number[]) => number, ...vectors: readonly (readonly number[])[]): number[] =>
  (vectors[0] ?? []).map((_, k) => f(...vectors.map((vector) => vector[k] ?? Number.NaN)));
const add = (...vectors: readonly (readonly number[])[]) => each((...values) => values.reduce((a, b) => a + b, 0), ...vectors);

function rowOf({ shape, data }: Numbers, row: number): number[] {
  const width = shape.at(-1) ?? 1;
  return data.slice(row * width, (row + 1) * width);
}

function need(weights: Named, name: string): Numbers {
  const found = weights[name];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Rows `from` to `from + rows` of a matrix, times x. */
function rowsTimes(matrix: Numbers, x: readonly number[], from = 0, rows = (matrix.shape.at(-2) ?? 1) - from): number[] {
  return Array.from({ length: rows }, (_, row) =>
    rowOf(matrix, from + row).reduce((sum, w, k) => sum + w * (x[k] ?? Number.NaN), 0),
  );
}

/** x times a matrix, `[in, out]`. */
function timesColumns(x: readonly number[], { shape, data }: Numbers): number[] {
  const columns = shape[1] ?? 0;
  return Array.from({ length: columns }, (_, column) =>
    x.reduce((sum, value, k) => sum + value * (data[k * columns + column] ?? Number.NaN), 0),
  );
}

const clipped = ({ clip }: Case['options'], x: number) => (typeof clip === 'number' ? Math.min(Math.max(x, -clip), clip) : x);
const phi = ({ activation }: Case['options'], x: number) =>
  activation === 'relu' ? Math.max(x, 0) : activation === 'linear' ? x : Math.tanh(x);

/** https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html, GRU, RNN. */
function torch({ cell, options }: Case, weights: Named, end: string): Step {
  const zeros = { shape: [GATES[cell] * H], data: new Array<number>(GATES[cell] * H).fill(0) };
  const [b_ih, b_hh] = ['bias_ih', 'bias_hh'].map((name) => (weights[`${name}${end}`] ?? zeros).data);
  const [w_ih, w_hh] = [need(weights, `weight_ih${end}`), need(weights, `weight_hh${end}`)];
  return (x, h, c) => {
    const [gi, gh] = [add(rowsTimes(w_ih, x), b_ih ?? []), add(rowsTimes(w_hh, h), b_hh ?? [])];
    if (cell === 'rnn') return [each((a, b) => phi(options, a + b), gi, gh), []];
    if (cell === 'gru') {
      const [r, z] = [0, 1].map((k) => each((a, b) => sigma(a + b), block(gi, k), block(gh, k)));
      const n = each((a, gate, b) => Math.tanh(a + gate * b), block(gi, 2), r ?? [], block(gh, 2));
      return [each((gate, candidate, old) => (1 - gate) * candidate + gate * old, z ?? [], n, h), []];
    }
    const [i, f, g, o] = [sigma, sigma, Math.tanh, sigma].map((act, k) => each((a, b) => act(a + b), block(gi, k), block(gh, k)));
    const clamp = options.cellClip;
    const limit = (value: number) => (typeof clamp === 'number' ? Math.min(Math.max(value, -clamp), clamp) : value);
    const next = each((forget, old, input, candidate) => limit(forget * old + input * candidate), f ?? [], c, i ?? [], g ?? []);
    const out = each((gate, value) => gate * Math.tanh(value), o ?? [], next);
    return [options.projection === true ? rowsTimes(need(weights, `weight_hr${end}`), out) : out, next];
  };
}

/** https://onnx.ai/onnx/operators/onnx__LSTM.html, GRU, RNN: one direction of a node. */
function onnx({ cell, options }: Case, weights: Named, start: string, d: number): Step {
  const G = GATES[cell];
  const [W, R, bias, peep] = [need(weights, `${start}W`), need(weights, `${start}R`), weights[`${start}B`], weights[`${start}P`]];
  const both = bias ? rowOf(bias, d) : new Array<number>(2 * G * H).fill(0);
  const p = peep ? rowOf(peep, d) : new Array<number>(3 * H).fill(0);
  const [p_i, p_o, p_f] = [0, 1, 2].map((k) => block(p, k));
  return (x, h, c) => {
    const wx = (k: number) => add(rowsTimes(W, x, (d * G + k) * H, H), block(both, k));
    const rh = (k: number, past: readonly number[] = h) => rowsTimes(R, past, (d * G + k) * H, H);
    const rb = (k: number) => block(both, G + k);
    const limit = (value: number) => clipped(options, value);
    if (cell === 'rnn') return [add(wx(0), rh(0), rb(0)).map((a) => phi(options, limit(a))), []];
    if (cell === 'gru') {
      const [z, r] = [0, 1].map((k) => add(wx(k), rh(k), rb(k)).map((a) => sigma(limit(a))));
      const inner =
        options.reset === 'after'
          ? each((gate, value) => gate * value, r ?? [], add(rh(2), rb(2)))
          : add(
              rh(
                2,
                each((gate, value) => gate * value, r ?? [], h),
              ),
              rb(2),
            );
      const candidate = add(wx(2), inner).map((a) => Math.tanh(limit(a)));
      return [each((gate, value, old) => (1 - gate) * value + gate * old, z ?? [], candidate, h), []];
    }
    const gate = (k: number, weight: readonly number[], seen: readonly number[]) =>
      add(
        wx(k),
        rh(k),
        rb(k),
        each((a, b) => a * b, weight, seen),
      ).map((a) => sigma(limit(a)));
    const i = gate(0, p_i ?? [], c);
    const f = options.coupled === true ? i.map((value) => 1 - value) : gate(2, p_f ?? [], c);
    const candidate = add(wx(3), rh(3), rb(3)).map((a) => Math.tanh(limit(a)));
    const next = each((forget, old, input, value) => forget * old + input * value, f, c, i, candidate);
    const o = gate(1, p_o ?? [], next);
    return [each((value, state) => value * Math.tanh(state), o, next), next];
  };
}

/** keras/src/layers/rnn/lstm.py, gru.py, simple_rnn.py: `call` of their cells. */
function keras({ cell, options }: Case, weights: Named, start: string): Step {
  const [kernel, recurrent, bias] = [
    need(weights, `${start}kernel`),
    need(weights, `${start}recurrent_kernel`),
    weights[`${start}bias`],
  ];
  const zeros = new Array<number>(GATES[cell] * H).fill(0);
  return (x, h, c) => {
    const z = timesColumns(x, kernel);
    if (cell === 'rnn') return [add(z, timesColumns(h, recurrent), bias?.data ?? zeros).map((a) => phi(options, a)), []];
    if (cell === 'lstm') {
      const a = add(z, timesColumns(h, recurrent), bias?.data ?? zeros);
      const [i, f, o] = [0, 1, 3].map((k) => block(a, k).map(sigma));
      const next = each((forget, old, input, value) => forget * old + input * Math.tanh(value), f ?? [], c, i ?? [], block(a, 2));
      return [each((gate, value) => gate * Math.tanh(value), o ?? [], next), next];
    }
    const after = options.reset === 'after';
    const [first, second] = after && bias ? [rowOf(bias, 0), rowOf(bias, 1)] : [bias?.data ?? zeros, zeros];
    const [xs, hs] = [add(z, first), add(timesColumns(h, recurrent), second)];
    const [update, r] = [0, 1].map((k) => each((a, b) => sigma(a + b), block(xs, k), block(hs, k)));
    const inner = after
      ? each((gate, value) => gate * value, r ?? [], block(hs, 2))
      : block(
          timesColumns(
            each((gate, value) => gate * value, r ?? [], h),
            recurrent,
          ),
          2,
        );
    const candidate = add(block(xs, 2), inner).map(Math.tanh);
    return [each((gate, old, value) => gate * old + (1 - gate) * value, update ?? [], h, candidate), []];
  };
}
