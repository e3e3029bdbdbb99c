import { describe, expect, test } from 'vitest';
import { readRequest, readSafetensors, type TensorToStore, writeSafetensors } from '../../runtime/interop/index.js';
import { storedTensor } from '../../runtime/interop/safetensors/stored.js';
import { code, mistake } from './errors.js';
import { f32 } from './signatures.js';

/** A file with this header, byte for byte, and so many zero bytes of data. */
function file(header: string | Uint8Array, data = 0, stated?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, stated ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (start: number, end: number, shape = [(end - start) / 4], dtype: unknown = 'F32') =>
  ({ dtype, shape, data_offsets: [start, end] }) as const;
const read = (header: object, data: number) => readSafetensors(file(JSON.stringify(header), data), 'a.safetensors');
const request = (tensors: Record<string, TensorToStore>, metadata?: Record<string, string>) =>
  readRequest(writeSafetensors(tensors, metadata), 'a.safetensors');

describe('the safetensors container', () => {
  test('has the bytes that the format describes', () => {
    const bytes = writeSafetensors({ a: f32([2], 1, -2) });
    const header = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(padded.length));
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + padded.length))).toBe(padded);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  test('puts wider elements first, so that each is aligned', () => {
    const { tensors } = readSafetensors(
      writeSafetensors({ a: f32([1], 1), b: { shape: [1], data: Float64Array.of(2) } }),
      'a.safetensors',
    );
    expect(Object.keys(tensors)).toEqual(['b', 'a']);
  });

  test('may hold no tensors, and metadata', () => {
    expect(readSafetensors(writeSafetensors({}, { format: 'pt' }), 'a')).toEqual({ metadata: { format: 'pt' }, tensors: {} });
  });

  test('may list tensors in another order than their data, and hold empty ones', () => {
    expect(Object.keys(read({ b: entry(4, 8), none: entry(4, 4), a: entry(0, 4) }, 8).tensors)).toEqual(['b', 'none', 'a']);
  });
});

describe('a request in safetensors', () => {
  test('has the JSON form flattened', () => {
    const one = f32([1, 1, 1], 1);
    const parsed = request(
      {
        'inputs.x': one,
        'state.h': f32([1, 1], 2),
        'params.W_i': f32([1], 3),
        'cotangents.outputs.h': one,
        'cotangents.state.h': f32([1, 1], 4),
        lengths: { shape: [2], data: Int32Array.of(5, 3) },
      },
      { cell: 'lstm', options: '{"clip": 2}', reverse: 'true', seed: '7', format: 'pt' },
    );
    expect(parsed).toEqual({
      cell: 'lstm',
      options: { clip: 2 },
      inputs: { x: one },
      state: { h: f32([1, 1], 2) },
      params: { W_i: f32([1], 3) },
      lengths: [5, 3],
      reverse: true,
      seed: 7,
      cotangents: { outputs: { h: one }, state: { h: f32([1, 1], 4) } },
    });
  });

  test('names its weights format in the metadata', () => {
    const parsed = request({ 'weights.weight_ih_l0': f32([1], 1) }, { 'weights.format': 'torch' });
    expect(parsed.weights).toEqual({ format: 'torch', tensors: { weight_ih_l0: f32([1], 1) } });
    expect(mistake(() => request({ 'weights.W': f32([1], 1) }))).toContain(
      'WEIGHTS-FORMAT | weights.format | weights.format is missing',
    );
  });

  test('is told from JSON by its first bytes where the name says nothing', () => {
    const bytes = writeSafetensors({ 'inputs.x': f32([1], 7) });
    expect(readRequest(bytes, 'stdin').inputs.x).toEqual(f32([1], 7));
  });

  test('is read at any alignment', () => {
    const bytes = writeSafetensors({ 'inputs.x': f32([1], 7) });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(readRequest(shifted.subarray(1), 'stdin').inputs.x).toEqual(f32([1], 7));
  });

  test.each([
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ['F32', [0, 0, 0xc0, 0x3f], 1.5],
    ['F16', [0x00, 0x3e], 1.5],
    ['F16', [0x01, 0x80], -(2 ** -24)],
    ['F16', [0xff, 0x7b], 65504],
    ['BF16', [0xc0, 0x3f], 1.5],
  ])('reads %s', (dtype, data, value) => {
    const bytes = file(JSON.stringify({ 'inputs.x': entry(0, data.length, [1], dtype) }), data.length);
    bytes.set(data, bytes.length - data.length);
    expect(readRequest(bytes, 'a.safetensors').inputs.x?.data).toEqual(Float32Array.of(value));
  });

  test.each([
    ['I64', 8],
    ['U32', 4],
    ['U8', 1],
  ])('reads lengths in %s', (dtype, width) => {
    const bytes = file(JSON.stringify({ lengths: entry(0, width, [1], dtype) }), width);
    bytes[bytes.length - width] = 5;
    expect(readRequest(bytes, 'a.safetensors').lengths).toEqual([5]);
  });
});

describe('a malformed safetensors file is refused:', () => {
  test('cut short in its first bytes, its header, its data', () => {
    const bytes = writeSafetensors({ a: f32([2], 1, 2) });
    const headerEnd = bytes.length - 8;
    for (const length of [3, 7, 8, headerEnd - 1, headerEnd, bytes.length - 1]) {
      expect(mistake(() => readSafetensors(bytes.subarray(0, length), 'a'))).toMatch(/^SAFETENSORS-TRUNCATED/);
    }
  });

  test('a header that goes on behind the end, if only by a byte', () => {
    expect(mistake(() => readSafetensors(file('{}', 0, 3n), 'a'))).toContain('a ends at byte 10, within its header of 3 bytes');
  });

  test('a header of impossible length', () => {
    expect(mistake(() => readSafetensors(file('{}', 0, 100_000_001n), 'a'))).toMatch(
      /^SAFETENSORS-HEADER-SIZE \| a \| a states a header of 100000001 bytes/,
    );
    expect(code(() => readSafetensors(file('{}', 0, 2n ** 64n - 1n), 'a'))).toBe('SAFETENSORS-HEADER-SIZE');
  });

  test('JSON text under the wrong name', () => {
    expect(mistake(() => readRequest(new TextEncoder().encode('{"inputs": {}}'), 'a.safetensors'))).toContain(
      'probably not a safetensors file',
    );
  });

  test('a header that is not UTF-8, not JSON, not an object', () => {
    expect(code(() => readSafetensors(file(Uint8Array.of(0x7b, 0xff, 0x7d)), 'a'))).toBe('SAFETENSORS-UTF8');
    expect(code(() => readSafetensors(file('{"a":'), 'a'))).toBe('SAFETENSORS-JSON');
    expect(code(() => readSafetensors(file('[]'), 'a'))).toBe('SAFETENSORS-HEADER');
    expect(code(() => readSafetensors(file(' {}'), 'a'))).toBe('SAFETENSORS-HEADER');
  });

  test('a name written twice', () => {
    const one = JSON.stringify(entry(0, 4));
    expect(mistake(() => readSafetensors(file(`{"a":${one},"a":${one}}`, 4), 'f'))).toContain(
      'SAFETENSORS-DUPLICATE | f | the header of f has "a" twice',
    );
  });

  test('a type that is not read, only where the tensor is needed', () => {
    for (const dtype of ['F33', 'constructor', 'F8_E4M3', 'BOOL', 'I64']) {
      const width = dtype === 'I64' ? 8 : 1;
      const file = read({ a: entry(0, width, [1], dtype), b: entry(width, width + 4, [1], 'F32') }, width + 4);
      expect(file.tensors.a?.dtype).toBe(dtype);
      const [a, b] = [file.tensors.a, file.tensors.b];
      if (!a || !b) throw new Error('not both are there');
      expect(code(() => storedTensor(a, 'a'))).toBe('SAFETENSORS-DTYPE');
      expect(storedTensor(b, 'b').shape).toEqual([1]);
    }
    // An unknown width is no licence for spans that run backwards or overlap.
    expect(code(() => read({ a: { ...entry(0, 4, [1], 'F33'), data_offsets: [4, 0] } }, 4))).toBe('SAFETENSORS-BYTES');
  });

  test('an entry without its parts', () => {
    for (const bad of [
      3,
      {},
      { dtype: 'F32' },
      entry(0, 4, [-1]),
      { ...entry(0, 4), data_offsets: [0] },
      { ...entry(0, 4), shape: '4' },
    ]) {
      expect(code(() => read({ a: bad }, 4))).toMatch(/^SAFETENSORS-(HEADER|DTYPE)$/);
    }
    expect(code(() => read({ a: { ...entry(0, 4), dtype: 7 } }, 4))).toBe('SAFETENSORS-DTYPE');
  });

  test('bytes that do not match dtype and shape', () => {
    expect(mistake(() => read({ a: entry(0, 8, [3]) }, 8))).toContain(
      'SAFETENSORS-BYTES | "a" | "a" of a.safetensors spans 8 bytes, but F32 of shape [3] takes 12',
    );
    expect(code(() => read({ a: entry(0, 8, [1]) }, 8))).toBe('SAFETENSORS-BYTES');
    expect(code(() => read({ a: { ...entry(0, 8), data_offsets: [8, 0] } }, 8))).toBe('SAFETENSORS-BYTES');
  });

  test('sizes whose product overflows', () => {
    expect(code(() => read({ a: entry(0, 8, [2 ** 52, 2 ** 52]) }, 8))).toBe('SAFETENSORS-BYTES');
    expect(
      code(() => readSafetensors(file('{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}', 4), 'a')),
    ).toBe('SAFETENSORS-HEADER');
  });

  test('tensors that overlap, leave a hole, or leave bytes behind', () => {
    expect(mistake(() => read({ a: entry(0, 8), b: entry(4, 12) }, 12))).toContain(
      'SAFETENSORS-OFFSETS | "b" | "b" of a.safetensors overlaps',
    );
    expect(mistake(() => read({ a: entry(0, 4), b: entry(8, 12) }, 12))).toContain('leaves 4 bytes before it unused');
    expect(mistake(() => read({ a: entry(0, 4) }, 7))).toContain(
      'SAFETENSORS-TRAILING | a.safetensors | a.safetensors has 3 bytes behind',
    );
  });

  test('metadata that are not strings, or say what they cannot', () => {
    expect(code(() => read({ __metadata__: { a: 1 } }, 0))).toBe('SAFETENSORS-METADATA');
    expect(code(() => read({ __metadata__: null }, 0))).toBe('SAFETENSORS-METADATA');
    expect(code(() => request({}, { reverse: 'yes' }))).toBe('SAFETENSORS-METADATA');
    expect(code(() => request({}, { seed: '-1' }))).toBe('DATA-SEED');
    expect(code(() => request({}, { options: '{' }))).toBe('SAFETENSORS-METADATA');
    expect(code(() => request({}, { options: '[]' }))).toBe('DATA-TYPE');
    expect(mistake(() => request({}, { revrese: 'true' }))).toContain('Did you mean "reverse"?');
  });

  test('a tensor that is no part of a request', () => {
    expect(mistake(() => request({ 'input.x': f32([1], 1) }))).toBe(
      'SAFETENSORS-NAME | "input.x" | a.safetensors has a tensor "input.x", which is not part of a request | Did you mean "inputs"?',
    );
    expect(code(() => request({ 'cotangents.h': f32([1], 1) }))).toBe('SAFETENSORS-NAME');
  });

  test('element types that are no floats, lengths that are no lengths', () => {
    expect(code(() => request({ 'inputs.x': { shape: [1], data: Int32Array.of(1) } }))).toBe('SAFETENSORS-DTYPE');
    expect(code(() => readRequest(file(JSON.stringify({ lengths: entry(0, 1, [1], 'BOOL') }), 1), 'a.safetensors'))).toBe(
      'SAFETENSORS-DTYPE',
    );
    expect(code(() => request({ lengths: { shape: [1, 1], data: Int32Array.of(1) } }))).toBe('DATA-LENGTHS');
    expect(code(() => request({ lengths: { shape: [1], data: Int32Array.of(-1) } }))).toBe('DATA-LENGTHS');
    expect(code(() => request({ lengths: f32([1], 1.5) }))).toBe('DATA-LENGTHS');
  });

  test('values that are not finite or beyond float32, and zero sizes', () => {
    expect(mistake(() => request({ 'inputs.x': f32([2], 0, Number.NaN) }))).toContain(
      'DATA-NONFINITE | inputs.x | inputs.x.data[1] is NaN',
    );
    expect(code(() => request({ 'inputs.x': { shape: [1], data: Float64Array.of(1e300) } }))).toBe('DATA-RANGE');
    expect(code(() => request({ 'inputs.x': f32([0]) }))).toBe('DATA-SIZE');
  });
});

test('lengths along several time axes are a tensor for each', () => {
  const bytes = writeSafetensors({
    'lengths.S': { shape: [2], data: Int32Array.of(4, 0) },
    'lengths.T': { shape: [2], data: Int32Array.of(1, 2) },
  });
  expect(readRequest(bytes, 'a.safetensors').lengths).toEqual({ S: [4, 0], T: [1, 2] });
});
