import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { FunctionProtoSchema, TensorProto_DataLocation, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';
import { afterAll, describe, expect, it } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { parseCell, resolveOptions } from '../../codegen/frontend/index.js';
import {
  chooseDirection,
  type Direction,
  type ImportedWeights,
  importWeights,
  listNodes,
  nodeNamed,
  openOnnx,
} from '../../runtime/interop/onnx/index.js';
import { OP_FORMS } from '../../runtime/interop/onnx/options.js';
import { builtInCells } from '../../runtime/node/cells.js';
import { damageBytes, random } from './mutations.js';
import {
  attribute,
  attributes,
  constants,
  type GraphInit,
  H,
  half,
  I,
  initializers,
  modelBytes,
  node,
  type Op,
  recurrent,
  type Storage,
  tensor,
  type Weights,
  weightsOf,
} from './onnx-models.js';

const folder = mkdtempSync(join(tmpdir(), 'recurve-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function open(bytes: Uint8Array) {
  writeFileSync(join(folder, 'model.onnx'), bytes);
  return openOnnx(join(folder, 'model.onnx'), 'model.onnx');
}

async function imported(bytes: Uint8Array, name?: string, direction?: Direction): Promise<ImportedWeights> {
  const file = await open(bytes);
  const found = nodeNamed(file, name);
  return importWeights(file, found, chooseDirection(found, direction));
}

/** `CODE: message` of the refusal; anything else passes through. */
async function refusal(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    return `${error.code}: ${error.message}`;
  }
  return 'no refusal';
}

function plain({ tensors }: ImportedWeights): Weights {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));
}

const lstm = weightsOf('LSTM');
const body = (nodes: GraphInit['node'], more: GraphInit = {}) => ({ graph: { name: 'body', node: nodes, ...more } });

describe('weights', () => {
  it.each<[Op, Record<string, number | string>, Record<string, unknown>]>([
    ['LSTM', {}, { peepholes: true }],
    ['LSTM', { input_forget: 1 }, { peepholes: true, coupled: true }],
    ['GRU', {}, { reset: 'before' }],
    ['GRU', { linear_before_reset: 0 }, { reset: 'before' }],
    ['GRU', { linear_before_reset: 1 }, { reset: 'after' }],
    ['RNN', {}, {}],
  ])('of %s with %j come out as they went in, with the options %j', async (op, values, options) => {
    const weights = weightsOf(op);
    const result = await imported(modelBytes({ node: [recurrent(op, values)], initializer: initializers(weights) }));
    expect(plain(result)).toEqual(weights);
    expect(result).toMatchObject({ cell: op.toLowerCase(), direction: 'forward', sizes: { I, H } });
    expect(result.options).toEqual(options);
  });

  it.each<[Storage, number]>([
    ['raw', 0],
    ['typed', 0],
    ['double', 0],
    ['rawDouble', 0],
    ['half', 2 ** -11],
    ['rawHalf', 2 ** -11],
    ['bfloat', 2 ** -8],
  ])('stored as %s are read to a relative error of %f', async (storage, error) => {
    const result = plain(await imported(modelBytes({ node: [recurrent('LSTM')], initializer: initializers(lstm, storage) })));
    for (const [name, { shape, data }] of Object.entries(lstm)) {
      expect(result[name]?.shape).toEqual(shape);
      // The halves of the builder are cut, not rounded: twice the error of rounding.
      data.forEach((value, k) => {
        expect(Math.abs((result[name]?.data[k] ?? Number.NaN) - value)).toBeLessThanOrEqual(2 * error * Math.abs(value));
      });
    }
  });

  it('may be Constant nodes, other names of them, and inputs with a default', async () => {
    const { W, R, B, P } = lstm;
    if (!W || !R || !B || !P) throw new Error('an LSTM has four');
    const bytes = modelBytes({
      input: [{ name: 'X' }, { name: 'R' }],
      initializer: initializers({ R }),
      node: [
        ...constants({ inner: W, B, P }),
        node('Identity', ['inner'], ['other']),
        node('Identity', ['other'], ['W']),
        recurrent('LSTM'),
      ],
    });
    expect(plain(await imported(bytes))).toEqual(lstm);
  });

  it('that are optional may be left out, with an empty name or at the end', async () => {
    const short = (input: string[]) => modelBytes({ node: [node('LSTM', input, ['Y'])], initializer: initializers(lstm) });
    for (const input of [
      ['X', 'W', 'R'],
      ['X', 'W', 'R', ''],
      ['X', 'W', 'R', '', '', 'h0', 'c0', ''],
    ]) {
      const result = await imported(short(input));
      expect(Object.keys(result.tensors)).toEqual(['W', 'R']);
      expect(result.options).toEqual({});
    }
  });

  it('of two directions come one at a time', async () => {
    const weights = weightsOf('GRU', { directions: 2 });
    const bytes = modelBytes({ node: [recurrent('GRU', { direction: 'bidirectional' })], initializer: initializers(weights) });
    expect(plain(await imported(bytes, 'GRU_0', 'forward'))).toEqual(half(weights, 0));
    expect(plain(await imported(bytes, 'GRU_0', 'reverse'))).toEqual(half(weights, 1));
    expect(await refusal(imported(bytes))).toBe('ONNX-DIRECTION: GRU_0 runs forward and reverse; a file holds one direction');
    const single = modelBytes({ node: [recurrent('LSTM', { direction: 'reverse' })], initializer: initializers(lstm) });
    expect((await imported(single)).direction).toBe('reverse');
    expect(await refusal(imported(single, undefined, 'forward'))).toBe('ONNX-DIRECTION: LSTM_0 runs reverse only');
  });

  it('in a file beside the model are read', async () => {
    const { W, R } = lstm;
    if (!W || !R) throw new Error('an LSTM has them');
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(Float32Array.from([9, ...W.data]).buffer));
    const bytes = modelBytes({
      node: [node('LSTM', ['X', 'W', 'R'], ['Y'])],
      initializer: [external('w.bin', '4'), ...initializers({ R })],
    });
    expect(plain(await imported(bytes))).toEqual({ W, R });
  });

  it('in another file are refused where it is missing, short or outside the folder', async () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'short.bin'), new Uint8Array(5));
    writeFileSync(join(tmpdir(), 'recurve-outside.bin'), new Uint8Array(4096));
    afterAll(() => rmSync(join(tmpdir(), 'recurve-outside.bin')));
    symlinkSync(join(tmpdir(), 'recurve-outside.bin'), join(folder, 'link.bin'));
    const told = async (location: string, offset?: string) =>
      refusal(
        imported(
          modelBytes({
            node: [node('LSTM', ['X', 'W', 'R'], ['Y'])],
            initializer: [external(location, offset), ...initializers({ R: lstm.R ?? { shape: [], data: [] } })],
          }),
        ),
      );
    expect(await told('gone.bin')).toBe(
      'ONNX-EXTERNAL: W of LSTM_0: "W" is in "gone.bin", which cannot be read: no such file or directory',
    );
    expect(await told('short.bin')).toBe('ONNX-EXTERNAL: W of LSTM_0: "W" is at bytes 0 to 192 of "short.bin", which has 5');
    expect(await told('sub')).toBe('ONNX-EXTERNAL: W of LSTM_0: "W" is in "sub", which is a folder');
    expect(await told('short.bin', '-4')).toBe(
      'ONNX-EXTERNAL: W of LSTM_0: "W" has the offset "-4" in another file; it is a whole number',
    );
    for (const outside of [
      '../recurve-outside.bin',
      join(tmpdir(), 'recurve-outside.bin'),
      'link.bin',
      'sub/../../recurve-outside.bin',
    ]) {
      expect(await told(outside)).toMatch(/^ONNX-EXTERNAL: .*outside the folder of the model$/);
    }
  });
});

function external(location: string, offset?: string) {
  return create(TensorProtoSchema, {
    name: 'W',
    dims: [1n, BigInt(4 * H), BigInt(I)],
    dataType: TensorProto_DataType.FLOAT,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [{ key: 'location', value: location }, ...(offset === undefined ? [] : [{ key: 'offset', value: offset }])],
  });
}

describe('nodes', () => {
  it('are found in an If inside a Loop, with weights of the outermost graph', async () => {
    const loop = node('Loop', ['', 'go'], ['out'], {
      attribute: attributes({
        body: body(
          [
            node('If', ['cond'], ['y'], {
              attribute: attributes({
                then_branch: body([recurrent('LSTM')]),
                else_branch: body([recurrent('RNN', {}, { name: 'own' })]),
              }),
            }),
          ],
          { initializer: initializers(weightsOf('RNN', { seed: 5 })).filter(({ name }) => name !== 'P') },
        ),
      }),
    });
    const bytes = modelBytes({ node: [node('Add', ['X', 'X'], ['Z']), loop], initializer: initializers(lstm) });
    const file = await open(bytes);
    expect(file.nodes.map(({ path }) => path)).toEqual([
      'Loop_0/body/If_0/then_branch/LSTM_0',
      'Loop_0/body/If_0/else_branch/own',
    ]);
    // The loop's body has initializers W, R and B of its own, of another shape.
    expect(await refusal(imported(bytes, 'LSTM_0'))).toMatch(/^ONNX-WEIGHTS: W of .* has shape \[1, 4, 3\]/);
    expect(plain(await imported(bytes, 'own'))).toEqual(weightsOf('RNN', { seed: 5 }));
    const outer = modelBytes({
      node: [
        node('Scan', ['X'], ['Y'], {
          name: 'scan',
          attribute: attributes({
            body: body([node('If', ['c'], ['y'], { attribute: attributes({ then_branch: body([recurrent('LSTM')]) }) })]),
          }),
        }),
      ],
      initializer: initializers(lstm),
    });
    expect(plain(await imported(outer, 'scan/body/If_0/then_branch/LSTM_0'))).toEqual(lstm);
  });

  it('are found a hundred graphs deep', async () => {
    let graph: GraphInit = { name: 'deep', node: [recurrent('GRU', {}, { name: 'bottom' })] };
    for (let depth = 0; depth < 100; depth++)
      graph = { name: 'g', node: [node('If', ['c'], ['y'], { attribute: [attribute('then_branch', { graph })] })] };
    const weights = weightsOf('GRU');
    expect(plain(await imported(modelBytes({ ...graph, initializer: initializers(weights) }), 'bottom'))).toEqual(weights);
  });

  it('of a function are found at each call, with the weights and attributes of the call', async () => {
    const definition = create(FunctionProtoSchema, {
      domain: 'mine',
      name: 'Encoder',
      input: ['X', 'W', 'R', 'B'],
      output: ['Y'],
      attribute: ['way'],
      node: [
        node('GRU', ['X', 'W', 'R', 'B'], ['Y'], {
          attribute: [referring('direction', 'way'), ...attributes({ linear_before_reset: 1 })],
        }),
      ],
    });
    const [first, second] = [weightsOf('GRU', { seed: 1 }), weightsOf('GRU', { seed: 2 })];
    const named = (weights: Weights, mark: string) =>
      Object.fromEntries(Object.entries(weights).map(([name, value]) => [name + mark, value]));
    const call = (mark: string, name: string, way: string) =>
      node('Encoder', ['X', `W${mark}`, `R${mark}`, `B${mark}`], [`Y${mark}`], {
        domain: 'mine',
        name,
        attribute: attributes({ way }),
      });
    const bytes = modelBytes(
      {
        node: [call('1', '', 'forward'), call('2', 'back', 'reverse')],
        initializer: [...initializers(named(first, '1')), ...initializers(named(second, '2'))],
      },
      [definition],
    );
    expect((await open(bytes)).nodes.map(({ path }) => path)).toEqual(['Encoder_0/GRU_0', 'back/GRU_0']);
    expect(plain(await imported(bytes, 'Encoder_0/GRU_0'))).toEqual(first);
    const reverse = await imported(bytes, 'back/GRU_0');
    expect(plain(reverse)).toEqual(second);
    expect(reverse).toMatchObject({ direction: 'reverse', options: { reset: 'after' } });
    expect(await refusal(imported(bytes, 'GRU_0'))).toBe('ONNX-NODE: "GRU_0" is ambiguous: Encoder_0/GRU_0 and back/GRU_0');
    expect(await refusal(imported(modelBytes({}, [definition])))).toBe(
      'ONNX-WEIGHTS: W of Encoder/GRU_0 is not in the file: it is an input of the function Encoder, which nothing calls',
    );
  });

  it('of a function that calls itself are refused, not sought for ever', async () => {
    const definition = create(FunctionProtoSchema, { domain: 'mine', name: 'F', node: [node('F', [], [], { domain: 'mine' })] });
    expect(await refusal(open(modelBytes({ node: [node('F', [], [], { domain: 'mine' })] }, [definition])))).toBe(
      'ONNX-NESTING: the function F of model.onnx calls itself',
    );
  });

  it('have distinct names even where the file gives two the same', async () => {
    const file = await open(
      modelBytes({
        node: [
          recurrent('RNN', {}, { name: 'a' }),
          recurrent('RNN', {}, { name: 'a' }),
          recurrent('RNN'),
          node('LSTM', [], [], { domain: 'other' }),
        ],
      }),
    );
    expect(file.nodes.map(({ path }) => path)).toEqual(['a', 'a#2', 'RNN_2']);
  });

  it('are suggested where the name is misspelt', async () => {
    const file = await open(
      modelBytes({ node: [recurrent('RNN', {}, { name: 'encoder' })], initializer: initializers(weightsOf('RNN')) }),
    );
    expect(() => nodeNamed(file, 'encodr')).toThrowError(
      expect.objectContaining({ code: 'ONNX-NODE', fix: 'Did you mean "encoder"?' }),
    );
  });
});

function referring(name: string, refAttrName: string) {
  return Object.assign(attribute(name, ''), { refAttrName });
}

describe('attributes', () => {
  const options = async (op: Op, values: Parameters<typeof attributes>[0], direction?: Direction) => {
    const directions = values.direction === 'bidirectional' ? 2 : 1;
    return (
      await imported(
        modelBytes({ node: [recurrent(op, values)], initializer: initializers(weightsOf(op, { directions })) }),
        undefined,
        direction,
      )
    ).options;
  };

  it('become our options, each direction its own', async () => {
    expect(await options('RNN', { activations: ['Relu'], clip: { float: 2.5 } })).toEqual({ activation: 'relu', clip: 2.5 });
    expect(
      await options('LSTM', {
        activations: ['HardSigmoid', 'Softsign', 'tanh'],
        activation_alpha: [0.2],
        activation_beta: [0.5],
      }),
    ).toEqual({ gateActivation: 'hardSigmoid', cellActivation: 'softsign', peepholes: true });
    const mixed = {
      direction: 'bidirectional',
      activations: ['Sigmoid', 'Tanh', 'Sigmoid', 'LeakyRelu'],
      activation_alpha: [0.01],
    };
    expect(await options('GRU', mixed, 'forward')).toEqual({ reset: 'before' });
    expect(await options('GRU', mixed, 'reverse')).toEqual({ reset: 'before', candidateActivation: 'leakyRelu' });
  });

  it('that our cells cannot follow are refused by name', async () => {
    expect(await refusal(options('RNN', { activations: ['Gelu'] }))).toBe(
      'ONNX-ATTRIBUTE: activations of RNN_0 has "Gelu", which ONNX does not name',
    );
    expect(await refusal(options('RNN', { activations: ['Elu'], activation_alpha: [Number.NaN] }))).toBe(
      'ONNX-ATTRIBUTE: activation_alpha of RNN_0 holds NaN',
    );
    expect(await refusal(options('RNN', { input_forget: 1 }))).toBe(
      'ONNX-ATTRIBUTE: "input_forget" of RNN_0 is not an attribute of RNN',
    );
    const more = node('GRU', ['X', 'W', 'R', 'B', '', '', 'P'], ['Y']);
    expect(await refusal(imported(modelBytes({ node: [more], initializer: initializers(weightsOf('GRU')) })))).toBe(
      'ONNX-WEIGHTS: GRU_0 has an input "P" behind those of GRU',
    );
    expect(await refusal(options('LSTM', { activations: ['Tanh'] }))).toBe(
      'ONNX-ATTRIBUTE: activations of LSTM_0 has 1 names; it takes 3',
    );
    expect(await refusal(options('RNN', { clip: { float: 0 } }))).toBe('ONNX-ATTRIBUTE: clip of RNN_0 is 0; it is above 0');
    expect(await refusal(options('RNN', { clip: 3 }))).toBe('ONNX-ATTRIBUTE: clip of RNN_0 is of type INT; it is FLOAT');
    expect(await refusal(options('RNN', { direction: 'sideways' }))).toBe(
      'ONNX-ATTRIBUTE: direction of RNN_0 is "sideways"; it is forward, reverse or bidirectional',
    );
    expect(await refusal(options('RNN', { hidden_size: 5 }))).toBe(
      'ONNX-ATTRIBUTE: hidden_size of RNN_0 is 5, but its R has shape [1, 4, 4]',
    );
  });

  it('have as defaults the defaults of our cells, which are therefore not written', () => {
    for (const { cell, activations } of Object.values(OP_FORMS)) {
      const path = builtInCells().find(({ name }) => name === cell)?.path ?? '';
      expect(resolveOptions(parseCell(path), {})).toMatchObject({
        ...Object.fromEntries(activations.map(({ option, standard }) => [option, standard])),
        clip: 0,
        ...(cell === 'lstm' ? { peepholes: false, coupled: false } : {}),
      });
    }
  });
});

describe('the list', () => {
  it('shows every node, and why some cannot be imported', async () => {
    const bytes = modelBytes({
      node: [
        recurrent('LSTM', { direction: 'bidirectional', layout: 1 }),
        node('Mul', ['X', 'X'], ['made'], { name: 'product' }),
        node('GRU', ['X', 'made', 'R'], ['Y'], { attribute: attributes({ hidden_size: 7 }) }),
        recurrent('RNN', { direction: 'sideways' }),
      ],
      input: [{ name: 'X' }],
      initializer: initializers(weightsOf('LSTM', { directions: 2 })),
    });
    expect(listNodes(await open(bytes))).toEqual([
      {
        name: 'LSTM_0',
        op: 'LSTM',
        cell: 'lstm',
        layout: 1,
        hiddenSize: H,
        inputSize: I,
        directions: [
          { direction: 'forward', options: { peepholes: true } },
          { direction: 'reverse', options: { peepholes: true } },
        ],
      },
      {
        name: 'GRU_0',
        op: 'GRU',
        cell: 'gru',
        layout: 0,
        hiddenSize: 7,
        directions: [
          {
            direction: 'forward',
            problem: {
              code: 'ONNX-WEIGHTS',
              message:
                'W of GRU_0 is not in the file: it is computed at run time by product (Mul): an input of it is an input of the model',
              fix: expect.any(String),
            },
          },
        ],
      },
      { name: 'RNN_0', op: 'RNN', cell: 'rnn', directions: [], problem: expect.objectContaining({ code: 'ONNX-ATTRIBUTE' }) },
    ]);
  });
});

describe('files', () => {
  const good = modelBytes({ node: [recurrent('LSTM')], initializer: initializers(lstm) });

  it('of another kind are refused', async () => {
    const told = async (content: string | Uint8Array) =>
      (await refusal(open(typeof content === 'string' ? Buffer.from(content) : content))).split(':')[0];
    for (const content of [
      '',
      '{"inputs": {}}',
      'hello world',
      'PK\u0003\u0004zip',
      'version https://git-lfs.github.com/spec/v1\n',
      '\u0089PNG\r\n',
      new Uint8Array(64),
    ]) {
      expect(await told(content), JSON.stringify(content)).toBe('ONNX-NOT-A-MODEL');
    }
    expect(await refusal(openOnnx(join(folder, 'gone.onnx'), 'gone.onnx'))).toBe(
      'ONNX-FILE: gone.onnx cannot be read: no such file or directory',
    );
  });

  it('whose graph is no message are refused as damaged', async () => {
    // ir_version 8, then a graph of one byte: a tag whose type there is not.
    expect(await refusal(open(Uint8Array.of(0x08, 0x08, 0x3a, 0x01, 0x0f)))).toMatch(/^ONNX-CORRUPT: /);
  });

  it('that were cut short anywhere are refused, as cut short wherever the beginning is that of a model', async () => {
    for (let length = 0; length < good.length; length++) {
      expect((await refusal(open(good.subarray(0, length)))).split(':')[0], `${length} bytes`).toBe(
        length < 2 ? 'ONNX-NOT-A-MODEL' : 'ONNX-TRUNCATED',
      );
    }
  });

  it.each<[string, () => Uint8Array, string]>([
    [
      'fewer bytes than the shape takes',
      () => withW({ rawData: new Uint8Array(8) }),
      'has 8 bytes, but FLOAT of shape [1, 16, 3] takes 192',
    ],
    [
      'fewer values',
      () => withW({ rawData: new Uint8Array(), floatData: [1, 2] }),
      'has 2 values, but shape [1, 16, 3] takes 48',
    ],
    [
      'a shape beyond memory',
      () => withW({ dims: [1n << 40n, 16n, 3n] }),
      'has the shape [1099511627776, 16, 3], which no weights have',
    ],
    ['a negative shape', () => withW({ dims: [-1n, 16n, 3n] }), 'has the shape [-1, 16, 3], which no weights have'],
    [
      'another type',
      () => withW({ dataType: TensorProto_DataType.INT8, rawData: new Uint8Array(48) }),
      'is INT8; weights are FLOAT, DOUBLE, FLOAT16 or BFLOAT16',
    ],
    ['another rank', () => withW({ dims: [48n] }), 'has shape [48]; with the other weights it must be'],
    [
      'a value beyond float32',
      () =>
        modelBytes({
          node: [recurrent('LSTM')],
          initializer: initializers({ ...lstm, W: { shape: [1, 16, 3], data: new Array(48).fill(1e300) } }, 'double'),
        }),
      'holds 1e+300 at element 0, beyond the range of float32',
    ],
    [
      'a value that is no number',
      () =>
        modelBytes({
          node: [recurrent('LSTM')],
          initializer: initializers({ ...lstm, W: { shape: [1, 16, 3], data: new Array(48).fill(Number.NaN) } }),
        }),
      'holds NaN at element 0, which is not finite',
    ],
  ])('whose weights have %s are refused', async (_, bytes, reason) => {
    const told = await refusal(imported(bytes()));
    expect(told).toMatch(/^ONNX-WEIGHTS: W of LSTM_0/);
    expect(told).toContain(reason);
  });

  it('damaged in 300 ways are each read or refused with a code, never otherwise', async () => {
    const next = random(2026);
    const wide = modelBytes({
      node: [
        node('Loop', [], [], { attribute: attributes({ body: body([recurrent('LSTM'), ...constants(lstm)]) }) }),
        recurrent('GRU', {}, { name: 'gru' }),
      ],
      initializer: initializers(weightsOf('GRU'), 'typed'),
    });
    const codes = new Map<string, number>();
    for (let round = 0; round < 300; round++) {
      const bytes = damageBytes(round % 2 === 0 ? good : wide, next);
      const begin = performance.now();
      let code = 'read';
      try {
        for (const { directions, problem } of listNodes(await open(bytes))) {
          for (const found of [problem, ...directions.map((listed) => listed.problem)]) if (found) code = found.code;
        }
      } catch (error) {
        if (!(error instanceof RecurveError)) throw error;
        code = error.code;
      }
      expect(performance.now() - begin).toBeLessThan(2000);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    for (const code of codes.keys()) expect(code).toMatch(/^(read|ONNX-[A-Z-]+)$/);
    expect(codes.size).toBeGreaterThan(4);
  });
});

function withW(more: Parameters<typeof create<typeof TensorProtoSchema>>[1]): Uint8Array {
  const { W: _, ...others } = lstm;
  const W = tensor('W', [1, 4 * H, I], lstm.W?.data ?? []);
  return modelBytes({ node: [recurrent('LSTM')], initializer: [Object.assign(W, more), ...initializers(others)] });
}
