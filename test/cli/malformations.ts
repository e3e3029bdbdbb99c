/** Ways to spoil a good data file or spec so that no reading of it is valid. Seeded. */
import type { RequestJson, TensorJson, TensorsJson } from './requests.js';

/** Uniform in [0, 1). */
export type Stream = () => number;

export function seeded(seed: number): Stream {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function pick<V>(stream: Stream, values: readonly V[]): V {
  const value = values[Math.floor(stream() * values.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

const GROUPS = ['inputs', 'state', 'params'] as const;

function anyTensor(request: RequestJson, stream: Stream): { group: TensorsJson; name: string; tensor: TensorJson } {
  const group = request[pick(stream, GROUPS)];
  const name = pick(stream, Object.keys(group));
  const tensor = group[name];
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return { group, name, tensor };
}

const WRONG_TYPES: readonly unknown[] = [null, 'text', true, [], {}, [[1]], '1', -1];

/** Each changes a request in place. */
const CHANGES: readonly ((request: RequestJson, stream: Stream) => void)[] = [
  ({ inputs }) => void delete inputs.x,
  ({ params }, stream) => void delete params[pick(stream, Object.keys(params))],
  (request) => void Reflect.deleteProperty(request, 'params'),
  (request, stream) => {
    const { tensor } = anyTensor(request, stream);
    const axis = Math.floor(stream() * tensor.shape.length);
    tensor.shape[axis] = pick(stream, [0, -1, 1.5, (tensor.shape[axis] ?? 0) + 1 + Math.floor(stream() * 9)]);
  },
  (request, stream) => void anyTensor(request, stream).tensor.shape.push(1),
  (request, stream) => void anyTensor(request, stream).tensor.shape.pop(),
  (request, stream) => void anyTensor(request, stream).tensor.data.pop(),
  (request, stream) => void anyTensor(request, stream).tensor.data.push(0.5),
  (request, stream) => {
    // Not of an input, whose last steps may be padding: nobody reads that.
    const params = Object.values(request.params);
    const { data } = pick(stream, params) as { data: unknown[] };
    data[Math.floor(stream() * data.length)] = pick(stream, [null, 'x', '0.5', true, [1], {}, 1e39, -1e300]);
  },
  (request, stream) =>
    void Object.assign(anyTensor(request, stream).tensor, {
      [pick(stream, ['shape', 'data'])]: pick(stream, [null, 'x', 3, {}]),
    }),
  (request, stream) => void Reflect.deleteProperty(anyTensor(request, stream).tensor, pick(stream, ['shape', 'data'])),
  (request, stream) => void Object.assign(anyTensor(request, stream).tensor, { dtype: 'F32' }),
  (request, stream) => {
    const { group, name } = anyTensor(request, stream);
    Object.assign(group, { [name]: pick(stream, WRONG_TYPES) });
  },
  (request, stream) => {
    const { group, name, tensor } = anyTensor(request, stream);
    group[`${name}${pick(stream, ['_', '2', 'x', '.', ' '])}`] = tensor;
  },
  (request, stream) => void Object.assign(request, { [pick(stream, GROUPS)]: pick(stream, [null, 'text', 7, false, [1]]) }),
  (request, stream) => void Object.assign(request, { [pick(stream, ['input', 'length', 'seed', '__proto', 'Inputs'])]: {} }),
  (request, stream) =>
    void Object.assign(request, {
      lengths: pick<unknown>(stream, [[-1, 1], [5, 1], [1], [1, 2, 3], [], [1.5, 1], ['1', 1], 4, 'all', [null, 1], {}]),
    }),
  (request, stream) => void Object.assign(request, { reverse: pick(stream, [0, 1, 'true', null, []]) }),
  (request, stream) => void Object.assign(request.options, { [pick(stream, ['activate', 'H', 'Clip'])]: 1 }),
  (request, stream) => void Object.assign(request.options, { clip: pick<unknown>(stream, [-1, 'much', null, true, [], {}]) }),
  (request, stream) => void Object.assign(request, { options: pick<unknown>(stream, [null, 'relu', 1, []]) }),
  (request, stream) =>
    void Object.assign(request, {
      cotangents: pick<unknown>(stream, [null, 1, 'x', [], { output: {} }, { outputs: { y: {} } }, { outputs: null }]),
    }),
  ({ cotangents }) => void cotangents?.outputs.h?.shape.reverse(),
  (request) => void Object.assign(request, { weights: { format: 'onnx', tensors: {} } }),
  (request, stream) => {
    Reflect.deleteProperty(request, 'params');
    Object.assign(request, {
      weights: pick<unknown>(stream, [
        null,
        {},
        { format: 'jax', tensors: {} },
        { format: 'torch', tensors: {} },
        { format: 'keras', tensors: { kernel: 1 } },
      ]),
    });
  },
];

/** A spoilt copy of a good request, as text: a change of its content, or damage to the text itself. */
export function malformedJson(request: RequestJson, stream: Stream): string {
  const copy = structuredClone(request);
  if (stream() < 0.75) {
    pick(stream, CHANGES)(copy, stream);
    return JSON.stringify(copy);
  }
  const text = JSON.stringify(copy);
  const cut = 1 + Math.floor(stream() * (text.length - 2));
  return pick(stream, [
    () => text.slice(0, cut),
    () => text.slice(cut),
    () => `${text}${pick(stream, ['}', ']', ',', 'null', text])}`,
    () => text.replace('"inputs":', pick(stream, ['"inputs"', 'inputs:', "'inputs':", '"inputs":NaN,"inputs":'])),
    () => text.replace('[', pick(stream, ['[,', '[NaN,', '[0x1,', '[+1,', '(', '[1 '])),
    () => '',
    () => pick(stream, ['null', '[]', '"text"', '42', '{}', ' ', '\u0000']),
  ])();
}

/** A spoilt copy of a good safetensors file. */
export function malformedSafetensors(good: Uint8Array, stream: Stream): Uint8Array {
  const bytes = Uint8Array.from(good);
  const view = new DataView(bytes.buffer);
  const header = Number(view.getBigUint64(0, true));
  return pick(stream, [
    () => bytes.slice(0, Math.floor(stream() * bytes.length)),
    () => Uint8Array.from([...bytes, 0]),
    () => {
      view.setBigUint64(0, pick(stream, [0n, 1n, BigInt(header) - 9n, BigInt(bytes.length), 2n ** 40n, 2n ** 64n - 1n]), true);
      return bytes;
    },
    () => {
      bytes[8 + Math.floor(stream() * 20)] = pick(stream, [0, 1, 255, 128]);
      return bytes;
    },
    () => rewriteHeader(bytes, header, (text) => text.replace('"F32"', pick(stream, ['"F33"', '"U8"', '32', 'null', '"F64"']))),
    () =>
      rewriteHeader(bytes, header, (text) =>
        text.replace('"shape":[', pick(stream, ['"shape":[9,', '"shape":[-1,', '"shape":["3",', '"shap":['])),
      ),
    () =>
      rewriteHeader(bytes, header, (text) =>
        text.replace('"data_offsets":[0,', pick(stream, ['"data_offsets":[4,', '"data_offsets":[-4,', '"data_offsets":[null,'])),
      ),
    () =>
      rewriteHeader(bytes, header, (text) =>
        text.replace('inputs.x', pick(stream, ['inputs.y', 'input.x', 'inputs', 'x', 'inputs.x.x'])),
      ),
  ])();
}

function rewriteHeader(bytes: Uint8Array, length: number, change: (text: string) => string): Uint8Array {
  const header = Buffer.from(change(Buffer.from(bytes.subarray(8, 8 + length)).toString('utf8')));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Uint8Array.from(Buffer.concat([size, header, bytes.subarray(8 + length)]));
}

/** Fatal wherever they are put: text that no spec may hold, or a piece that none can do without. */
const SPOILT_SPECS: readonly ((source: string, stream: Stream) => string)[] = [
  (source, stream) => source.slice(0, Math.floor(stream() * (source.lastIndexOf('return {') + 4))),
  (source, stream) => source.replace(pick(stream, ['dims:', 'inputs:', 'state:', 'params:', 'step(', 'name:']), 'other:'),
  (source, stream) =>
    source.replace(
      pick(stream, ["'H'", "vec('H')", "['I', 'H']", "mat('H', 'I')"]),
      pick(stream, ['42', 'null', "'Q'", '[]', 'vec()', '`H`']),
    ),
  (source, stream) =>
    source.replace(pick(stream, ['p.W_z', 'p.U_n', 'p.leak', 'p.b_n']), pick(stream, ['p.missing', 'q.W_z', 'p', 'p[0]', 'x.y'])),
  (source, stream) =>
    source.replace(
      'const n =',
      pick(stream, [
        'await n;\n    const n =',
        'while (true) {}\n    const n =',
        'throw n;\n    const n =',
        'let n;\n    n =',
        'class n {}\n    const m =',
      ]),
    ),
  (source, stream) =>
    source.replace(
      'matvec(p.U_z, h)',
      pick(stream, [
        'matvec(p.U_z)',
        'matvec(h, p.U_z)',
        'matvec(p.b_z, h)',
        'p.U_z * h',
        'matvec(p.U_z, h, 1)',
        'Math.tanh(h)',
        'matvec(p.W_z, h)',
        'h.map(z => z)',
      ]),
    ),
  (source, stream) =>
    source.replace(
      'return { h:',
      pick(stream, ['return { g:', 'return { h: 1, g:', 'return [', 'return { ...h, h:', 'return { h: "x", k:']),
    ),
  (source, stream) => source.replace('export default', pick(stream, ['export', 'const mine =', 'import', ''])),
  (source, stream) =>
    source.replace("from 'recurve'", pick(stream, ["from 'recurv'", "from './nowhere.js'", 'from recurve', ''])),
  (source, stream) =>
    source.replace('sigmoid(matvec', pick(stream, ['sigmiod(matvec', 'Sigmoid(matvec', 'eval(matvec', 'p.sigmoid(matvec'])),
  (source, stream) =>
    source.replace("choice('tanh', 'relu')", pick(stream, ['choice()', 'choice(1, 2)', "choose('tanh')", 'flag()', 'real()'])),
  (source, stream) =>
    source.replace(
      'rate: real(0.5, { min: 0, max: 1 })',
      pick(stream, [
        'rate: real(7, { min: 0, max: 1 })',
        'rate: real("x")',
        'rate: 0.5',
        'rate: Math.random()',
        'rate: real(0.5, { min: 2, max: 1 })',
      ]),
    ),
  (source, stream) => {
    const at = source.indexOf('export default') + Math.floor(stream() * 40);
    return `${source.slice(0, at)}${pick(stream, ['@', '#', '\\', '"', '}', ')', '\u0000', '<<<<<<<'])}${source.slice(at)}`;
  },
  (_, stream) =>
    pick(stream, [
      '',
      '\n\n',
      '// nothing',
      '{}',
      '\u0000\u0001\u0002',
      'export default 42;\n',
      'export default cell({});\n',
      'PK\u0003\u0004',
    ]),
];

/** A spoilt copy of the spec that `recurve new` writes. */
export function malformedSpec(source: string, stream: Stream): string {
  return pick(stream, SPOILT_SPECS)(source, stream);
}
