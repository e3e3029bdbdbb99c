import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import {
  bindRequest,
  type CellInterface,
  readRequest,
  readSafetensors,
  type TensorToStore,
  writeSafetensors,
} from '../../runtime/interop/index.js';
import { damageBytes, damageTree, random } from './mutations.js';
import { count, goodDocument, gru, lstm, rnn } from './signatures.js';

/** Reads and binds; `true` where it went through, `false` where it was refused properly. Anything else is thrown on. */
function survives(bytes: Uint8Array, name: string, cell: CellInterface): boolean {
  try {
    const { sizes, data } = bindRequest(readRequest(bytes, name), cell);
    // What goes through must be whole: every tensor has its elements, every size is there.
    for (const group of [data.inputs, data.state, data.params]) {
      for (const { shape, data: values } of Object.values(group)) {
        expect(values.length).toBe(shape.reduce((product, size) => product * size, 1));
        expect(values.every(Number.isFinite)).toBe(true);
      }
    }
    expect(Object.values(sizes).every((size) => Number.isInteger(size) && size > 0)).toBe(true);
    return true;
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    expect(error.code).toMatch(/^(DATA|WEIGHTS|SAFETENSORS)-/);
    expect(error.exitCode).toBe(2);
    // One line and no more, whatever the file held.
    expect(`${error.message} ${error.fix} ${error.where}`).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,700}$/u);
    return false;
  }
}

const text = (document: unknown) => new TextEncoder().encode(JSON.stringify(document));

const weighted = {
  inputs: { x: count(2, 3, 2) },
  weights: { format: 'onnx', tensors: { W: count(1, 16, 2), R: count(1, 16, 4), B: count(1, 32), P: count(1, 12) } },
};
const torch = {
  inputs: { x: count(2, 1, 2) },
  weights: {
    format: 'torch',
    tensors: { weight_ih_l0: count(9, 2), weight_hh_l0: count(9, 3), bias_ih_l0: count(9), bias_hh_l0: count(9) },
  },
};

const documents: [string, unknown, CellInterface][] = [
  ['params', goodDocument(), rnn()],
  ['onnx weights', weighted, lstm({ peepholes: true })],
  ['torch weights', torch, gru()],
];

const f32 = ({ shape, data }: ReturnType<typeof count>): TensorToStore => ({ shape, data: Float32Array.from(data) });
const files: [string, Uint8Array, CellInterface][] = [
  [
    'params',
    writeSafetensors(
      {
        'inputs.x': f32(count(2, 3, 2)),
        'params.W': f32(count(4, 2)),
        'params.U': f32(count(4, 4)),
        'params.b': f32(count(4)),
        'cotangents.outputs.h': f32(count(2, 3, 4)),
        lengths: { shape: [3], data: Int32Array.of(2, 1, 2) },
      },
      { options: '{"clip": 1}', reverse: 'true' },
    ),
    rnn(),
  ],
  [
    'torch weights',
    writeSafetensors(
      { 'inputs.x': f32(count(2, 1, 2)), 'weights.weight_ih_l0': f32(count(9, 2)), 'weights.weight_hh_l0': f32(count(9, 3)) },
      { 'weights.format': 'torch' },
    ),
    gru(),
  ],
];

const ROUNDS = 1000;

describe('a thousand damaged files each give a request or a proper refusal:', () => {
  test.each(documents)('JSON text with %s, bytes damaged', (_, document, cell) => {
    const good = text(document);
    expect(survives(good, 'data.json', cell)).toBe(true);
    const next = random(1);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) if (!survives(damageBytes(good, next), 'data.json', cell)) refused++;
    expect(refused).toBeGreaterThan(ROUNDS / 2);
  });

  test.each(documents)('JSON trees with %s, nodes of other types', (_, document, cell) => {
    const next = random(2);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) if (!survives(text(damageTree(document, next)), 'data.json', cell)) refused++;
    expect(refused).toBeGreaterThan(ROUNDS / 2);
  });

  test.each(files)('safetensors with %s, bytes damaged', (_, good, cell) => {
    expect(survives(good, 'data.safetensors', cell)).toBe(true);
    const next = random(3);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) if (!survives(damageBytes(good, next), 'data.safetensors', cell)) refused++;
    expect(refused).toBeGreaterThan(ROUNDS / 4);
  });

  test.each(files)('safetensors with %s, headers of other types', (_, good, cell) => {
    const headerEnd = 8 + Number(new DataView(good.buffer).getBigUint64(0, true));
    const header: unknown = JSON.parse(new TextDecoder().decode(good.subarray(8, headerEnd)));
    const next = random(4);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const damaged = text(damageTree(header, next));
      const bytes = new Uint8Array(8 + damaged.length + good.length - headerEnd);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(damaged.length), true);
      bytes.set(damaged, 8);
      bytes.set(good.subarray(headerEnd), 8 + damaged.length);
      if (!survives(bytes, 'data.safetensors', cell)) refused++;
    }
    expect(refused).toBeGreaterThan(ROUNDS / 2);
  });

  test.each(files)('safetensors with %s, cut anywhere', (_, good, cell) => {
    for (let length = 0; length < good.length; length++)
      expect(survives(good.subarray(0, length), 'data.safetensors', cell)).toBe(false);
  });
});

describe('for any', () => {
  const name = fc.constantFrom('data', 'data.json', 'data.safetensors');

  test('bytes, reading gives a request or a proper refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), name, (bytes, file) => void survives(bytes, file, rnn())),
      { seed: 1 },
    );
  });

  test('JSON, reading gives a request or a proper refusal', () => {
    fc.assert(
      fc.property(fc.json(), (json) => void survives(new TextEncoder().encode(json), 'data.json', rnn())),
      { seed: 2 },
    );
  });

  test('JSON in the place of any part, reading gives a request or a proper refusal', () => {
    const key = fc.constantFrom(...Object.keys(goodDocument()), 'cell', 'weights');
    fc.assert(
      fc.property(
        key,
        fc.jsonValue(),
        (part, value) => void survives(text({ ...goodDocument(), [part]: value }), 'data.json', rnn()),
      ),
      { seed: 3 },
    );
  });

  test('finite float32 numbers, JSON and safetensors give the same request, bit for bit', () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    const tensor = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }).chain((shape) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return fc.array(float, { minLength: length, maxLength: length }).map((data) => ({ shape, data }));
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), tensor), (inputs) => {
        const stored = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [`inputs.${key}`, f32(value)]));
        const binary = readRequest(writeSafetensors(stored), 'data.safetensors');
        // JSON writes −0 as 0, which is the one value that does not come through.
        const positive = Object.entries(binary.inputs).map(([key, { shape, data }]) => [
          key,
          { shape, data: data.map((v) => v + 0) },
        ]);
        expect(Object.fromEntries(positive)).toEqual(readRequest(text({ inputs }), 'data.json').inputs);
      }),
      { seed: 4 },
    );
  });

  test('tensors, what is written is read back', () => {
    const stored = fc.dictionary(fc.string({ minLength: 1 }), fc.float64Array({ maxLength: 5 }));
    fc.assert(
      fc.property(stored, fc.dictionary(fc.string(), fc.string()), (arrays, metadata) => {
        const named = Object.entries(arrays).filter(([key]) => key !== '__metadata__');
        const file = readSafetensors(
          writeSafetensors(Object.fromEntries(named.map(([key, data]) => [key, { shape: [data.length], data }])), metadata),
          'f',
        );
        expect(Object.entries(file.metadata)).toEqual(Object.entries(metadata));
        expect(Object.keys(file.tensors).sort()).toEqual(named.map(([key]) => key).sort());
        for (const [key, data] of named) {
          expect(file.tensors[key]?.bytes.slice()).toEqual(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice());
        }
      }),
      { seed: 5 },
    );
  });
});
