/**
 * What stands in for bench/torch_peer.py where there is no PyTorch: its protocol, and torch.nn's equations as PyTorch's documentation has
 * them. Gradients are slopes of the loss, measured.
 */
import { createInterface } from 'node:readline';

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const ACTIVATIONS = { sigmoid, tanh: Math.tanh, relu: (x) => Math.max(x, 0) };

const numbersOf = ({ shape, data }) => ({
  shape,
  data: Float64Array.from(new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer)),
});
const plain = ({ shape, data }) => ({ shape, data: Buffer.from(Float32Array.from(data).buffer).toString('base64') });

/** h of all steps, and the states at the end. */
function run({ cell, reset, activations }, [x, kernel, recurrent, bias, ...rest]) {
  const [T, B, I] = x.shape;
  const [H, width] = recurrent.shape;
  const inner = cell === 'gru' && reset === 'after' ? rest.shift() : undefined;
  const [first, second, third] = activations.map((name) => ACTIVATIONS[name]);
  const states = Array.from({ length: cell === 'lstm' ? 2 : 1 }, (_, at) =>
    Float64Array.from(rest[at]?.data ?? new Float64Array(B * H)),
  );
  const h = new Float64Array(T * B * H);
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const row = (state) => state.subarray(b * H, (b + 1) * H);
      const dot = (matrix, vector, column) => vector.reduce((sum, value, k) => sum + value * matrix.data[k * width + column], 0);
      const own = x.data.subarray((t * B + b) * I, (t * B + b + 1) * I);
      const driven = (gate, unit) => dot(kernel, own, gate * H + unit) + bias.data[gate * H + unit];
      const before = Float64Array.from(row(states[0]));
      const heard = (gate, unit, vector = before) => dot(recurrent, vector, gate * H + unit);
      const gate = (at, unit, act) => act(driven(at, unit) + heard(at, unit));
      const scaled = before.map((value, unit) => value * (cell === 'gru' ? gate(0, unit, first) : 1));
      for (let unit = 0; unit < H; unit++) {
        if (cell === 'rnn') row(states[0])[unit] = gate(0, unit, first);
        if (cell === 'lstm') {
          const [i, f, g, o] = [first, first, second, first].map((act, at) => gate(at, unit, act));
          const c = f * row(states[1])[unit] + i * g;
          row(states[1])[unit] = c;
          row(states[0])[unit] = o * third(c);
        }
        if (cell === 'gru') {
          const [r, z] = [0, 1].map((at) => gate(at, unit, first));
          const hidden = reset === 'after' ? r * (heard(2, unit) + inner.data[unit]) : heard(2, unit, scaled);
          row(states[0])[unit] = (1 - z) * second(driven(2, unit) + hidden) + z * before[unit];
        }
      }
      h.set(row(states[0]), (t * B + b) * H);
    }
  }
  return [{ shape: [T, B, H], data: h }, ...states.map((data) => ({ shape: [B, H], data }))];
}

function slopes(request, args, cotangents) {
  const loss = () => {
    const found = run(request, args);
    return cotangents.reduce((sum, { data }, at) => sum + data.reduce((own, value, k) => own + value * found[at].data[k], 0), 0);
  };
  return args.map(({ shape, data }) => ({
    shape,
    data: data.map((value, at) => {
      const [above, below] = [1e-5, -1e-5].map((step) => {
        data[at] = value + step;
        return loss();
      });
      data[at] = value;
      return (above - below) / 2e-5;
    }),
  }));
}

const layers = new Map();

function answerTo({ do: what, layer, tensors, ...request }) {
  if (what === 'build') {
    const { x, kernel, recurrentKernel, bias, inner, initial, cotangent, ofFinals } = tensors;
    const args = [x, kernel, recurrentKernel, bias, ...(inner ? [inner] : []), ...initial].map(numbersOf);
    layers.set(layer, { request, args, cotangents: [cotangent, ...ofFinals].map(numbersOf) });
    return {};
  }
  if (what === 'drop') return layers.delete(layer) ? {} : { error: 'KeyError: there is no such layer' };
  const { request: own, args, cotangents } = layers.get(layer);
  if (what !== 'read') return { ms: what === 'forward' ? 0.5 : 1.5 };
  const [h, ...finals] = run(own, args).slice(0, cotangents.length);
  return { h: plain(h), finals: finals.map(plain), gradients: slopes(own, args, cotangents).map(plain) };
}

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
say({ torch: '2.0', gpu: null, threads: 1, compiles: true });
for await (const line of createInterface({ input: process.stdin })) say(answerTo(JSON.parse(line)));
