import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TensorToStore, writeSafetensors } from '../../runtime/interop/index.js';
import { random } from '../interop/mutations.js';
import {
  attributes,
  constants,
  H,
  half,
  I,
  initializers,
  modelBytes,
  node,
  type Op,
  recurrent,
  tensor,
  type Weights,
  weightsOf,
} from '../interop/onnx-models.js';
import { bytes, documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const [T, B] = [3, 2];

function save(name: string, content: Uint8Array | object): string {
  writeFileSync(join(cwd, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return name;
}

function batch(): Record<string, unknown> {
  const next = random(9);
  const data = Array.from({ length: T * B * I }, () => next() - 0.5);
  const cotangent = Array.from({ length: T * B * H }, () => next() - 0.5);
  return {
    inputs: { x: { shape: [T, B, I], data } },
    lengths: [3, 2],
    cotangents: { outputs: { h: { shape: [T, B, H], data: cotangent } } },
  };
}
const data = save('batch.json', batch());
const twoWays = weightsOf('LSTM', { directions: 2 });
save('two.onnx', modelBytes({ node: [recurrent('LSTM', { direction: 'bidirectional' })], initializer: initializers(twoWays) }));

describe('import, then run', () => {
  it.each<[string, Op, Parameters<typeof attributes>[0], Record<string, unknown>]>([
    ['an LSTM with peepholes', 'LSTM', {}, { peepholes: true }],
    [
      'an LSTM of coupled gates',
      'LSTM',
      { input_forget: 1, clip: { float: 0.5 } },
      { peepholes: true, coupled: true, clip: 0.5 },
    ],
    ['a GRU, reset before', 'GRU', {}, { reset: 'before' }],
    ['a GRU, reset after', 'GRU', { linear_before_reset: 1 }, { reset: 'after' }],
    ['an RNN of relu', 'RNN', { activations: ['Relu'] }, { activation: 'relu' }],
  ])('gives for %s what the same weights give in the data', async (_, op, values, options) => {
    const weights = weightsOf(op);
    const model = save('one.onnx', modelBytes({ node: [recurrent(op, values)], initializer: initializers(weights) }));
    const cell = op.toLowerCase();
    const wrote = await recurve(['import', model, '--node', `${op}_0`, '--out', 'one.safetensors'], { cwd });
    expect(wrote).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('wrote one.safetensors') });
    const ran = await recurve(['run', cell, '--data', data, '--weights', 'one.safetensors', '--reference'], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const whole = save('whole.json', { ...batch(), options, weights: { format: 'onnx', tensors: weights } });
    expect(ran.stdout).toBe((await recurve(['run', cell, '--data', whole, '--reference'], { cwd })).stdout);
    expect(documentOf(ran)).toMatchObject({ gradients: { weights: { W: expect.anything(), R: expect.anything() } } });
  });

  it('runs the reverse half of a bidirectional node backward, without being told', async () => {
    await recurve(['import', 'two.onnx', '--direction', 'reverse', '--out', 'back.safetensors'], { cwd });
    const ran = await recurve(['run', '--data', data, '--weights', 'back.safetensors', '--reference'], { cwd });
    const tensors = half(twoWays, 1);
    const whole = save('back.json', {
      ...batch(),
      options: { peepholes: true },
      reverse: true,
      weights: { format: 'onnx', tensors },
    });
    expect(ran.stdout).toBe((await recurve(['run', 'lstm', '--data', whole, '--reference'], { cwd })).stdout);
  });

  it('gives on the device what the reference gives, for a node in a loop', async () => {
    const inner = { graph: { name: 'body', node: [...constants(weightsOf('GRU')), recurrent('GRU')] } };
    const model = save('loop.onnx', modelBytes({ node: [node('Loop', [], [], { attribute: attributes({ body: inner }) })] }));
    await recurve(['import', model, '--node', 'Loop_0/body/GRU_0', '--out', 'loop.safetensors'], { cwd });
    const [device, reference] = await Promise.all(
      [[], ['--reference']].map(async (more) => {
        const ran = await recurve(['run', 'gru', '--data', data, '--weights', 'loop.safetensors', ...more], { cwd });
        return (documentOf(ran) as { outputs: { h: { data: number[] } } }).outputs.h.data;
      }),
    );
    expect(device).toHaveLength(T * B * H);
    for (const [k, value] of (reference ?? []).entries()) expect(device?.[k]).toBeCloseTo(value, 5);
  });

  it('takes one file of weights for every line of a stream', async () => {
    save('stream.onnx', modelBytes({ node: [recurrent('RNN')], initializer: initializers(weightsOf('RNN')) }));
    await recurve(['import', 'stream.onnx', '--out', 'stream.safetensors'], { cwd });
    const line = `${JSON.stringify(batch())}\n`;
    const stdin = bytes(line, `${JSON.stringify({ ...batch(), params: {} })}\n`, line);
    const ran = await recurve(['run', '--data', '-', '--weights', 'stream.safetensors', '--reference'], { cwd, stdin });
    const [first, second, third] = ran.stdout.trimEnd().split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({ ok: true });
    expect(JSON.parse(second ?? '')).toMatchObject({ ok: false, error: { code: 'RUN-WEIGHTS' } });
    expect(third).toBe(first);
  });
});

describe('an initial state and lengths in the file of weights', () => {
  const nodes = [node('RNN', ['X', 'W', 'R', 'B', 'lens', 'h0'], ['Y'], { attribute: attributes({ hidden_size: H }) })];
  const lens = { name: 'lens', dims: [2n], dataType: 6, int32Data: [3, 2] };
  const h0 = tensor('h0', [1, B, H], [1, 2, 3, 4, 5, 6, 7, 8]);
  const run = (path: string) => recurve(['run', '--data', path, '--weights', 'start.safetensors', '--reference'], { cwd });

  it('are taken where the data leaves them out, which is told', async () => {
    save('start.onnx', modelBytes({ node: nodes, initializer: [...initializers(weightsOf('RNN')), lens, h0] }));
    await recurve(['import', 'start.onnx', '--out', 'start.safetensors'], { cwd });
    const { lengths, ...bare } = batch();
    const state = { h: { shape: [B, H], data: [1, 2, 3, 4, 5, 6, 7, 8] } };
    const ran = await run(save('bare.json', bare));
    expect(ran.stderr).toBe('start.safetensors: state.h and lengths come from the weights wherever the data leaves them out\n');
    expect(documentOf(ran)).toEqual(documentOf(await run(save('own.json', { ...bare, lengths: [3, 2], state }))));
    const other = await run(
      save('other.json', { ...bare, lengths: [1, 3], state: { h: { shape: [B, H], data: Array(8).fill(0) } } }),
    );
    expect(documentOf(other)).not.toEqual(documentOf(ran));
    const three = { inputs: { x: { shape: [T, 3, I], data: Array(T * 3 * I).fill(0) } } };
    expect(await run(save('three.json', three))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error RUN-WEIGHTS: start.safetensors has the state.h of 2 sequences, but the data has 3'),
    });
  });
});

describe('weights of other frameworks', () => {
  const store = (weights: Weights, prefix: string) =>
    writeSafetensors(
      Object.fromEntries(
        Object.entries(weights).map(([name, { shape, data: values }]): [string, TensorToStore] => [
          prefix + name,
          { shape, data: Float32Array.from(values) },
        ]),
      ),
    );
  const values = (shape: readonly number[], seed: number) => {
    const next = random(seed);
    return { shape, data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(next() - 0.5)) };
  };
  const torch = {
    weight_ih_l0: values([4 * H, I], 1),
    weight_hh_l0: values([4 * H, H], 2),
    bias_ih_l0: values([4 * H], 3),
    bias_hh_l0: values([4 * H], 4),
  };
  const keras = { kernel: values([I, 3 * H], 1), recurrent_kernel: values([H, 3 * H], 2), bias: values([2, 3 * H], 3) };

  it.each([
    ['torch', 'lstm', torch, 'encoder.rnn.', 'PyTorch LSTM, gates i f g o, forward'],
    [
      ...(['keras', 'gru', keras, 'gru/gru_cell/'] as const),
      `Keras GRU, gates z r h, forward, reset after the product, as its bias of shape [2, ${3 * H}] says, tanh and sigmoid`,
    ],
  ] as const)(
    'in %s names give what they give in the data, and how they were read',
    async (format, cell, tensors, prefix, as) => {
      save('theirs.safetensors', store(tensors, prefix));
      const ran = await recurve(['run', cell, '--data', data, '--weights', 'theirs.safetensors', '--reference'], { cwd });
      expect(ran).toMatchObject({ code: 0, stderr: `theirs.safetensors: read as ${as}\n` });
      const whole = save('theirs.json', { ...batch(), weights: { format, tensors } });
      const { readAs, ...answer } = JSON.parse(ran.stdout);
      expect(readAs).toBe(`theirs.safetensors: read as ${as}`);
      expect(answer).toEqual(JSON.parse((await recurve(['run', cell, '--data', whole, '--reference'], { cwd })).stdout));
      const written = await recurve(
        ['run', '--data', data, '--weights', 'theirs.safetensors', '--reference', '--out', 'out.json', '--json'],
        { cwd },
      );
      expect(JSON.parse(written.stdout)).toMatchObject({ ok: true, cell, readAs });
    },
  );

  it('run in the direction that their names say, unless the data says another', async () => {
    save('both.safetensors', store(torch, 'rnn.backward_lstm.'));
    const run = async (path: string) => {
      const { stdout } = await recurve(['run', '--data', path, '--weights', 'both.safetensors', '--reference'], { cwd });
      return JSON.parse(stdout).outputs.h.data;
    };
    const [unsaid, forward, reverse] = [undefined, false, true].map((direction, k) =>
      save(`direction-${k}.json`, { ...batch(), ...(direction === undefined ? {} : { reverse: direction }) }),
    );
    expect(await run(unsaid ?? '')).toEqual(await run(reverse ?? ''));
    expect(await run(unsaid ?? '')).not.toEqual(await run(forward ?? ''));
  });

  it('are refused where a name is wrong, or the data has parameters too', async () => {
    save('wrong.safetensors', store({ ...torch, bias_hh: values([4 * H], 5), bias_ii_l0: values([4 * H], 5) }, 'rnn.'));
    const wrong = await recurve(['run', 'lstm', '--data', data, '--weights', 'wrong.safetensors', '--reference'], { cwd });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'error WEIGHTS-LEFTOVER: wrong.safetensors has "rnn.bias_hh" and "rnn.bias_ii_l0" in its layer',
      ),
    });
    save('torch.safetensors', store(torch, ''));
    const both = save('both.json', { ...batch(), weights: { format: 'torch', tensors: torch } });
    const twice = await recurve(['run', 'lstm', '--data', both, '--weights', 'torch.safetensors', '--reference'], { cwd });
    expect(twice).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error RUN-WEIGHTS: the data has weights, and --weights gives'),
    });
    const alone = await recurve(['run', 'lstm', '--data', data, '--prefix', 'rnn.'], { cwd });
    expect(alone).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error RUN-WEIGHTS: --prefix chooses within the file'),
    });
    const gone = await recurve(['run', 'lstm', '--data', data, '--weights', 'gone.safetensors'], { cwd });
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('fix: Give --weights an existing file.') });
  });
});

describe('what the file of weights says', () => {
  save('gru.onnx', modelBytes({ node: [recurrent('GRU')], initializer: initializers(weightsOf('GRU')) }));

  it('is not contradicted by the command line or the data', async () => {
    await recurve(['import', 'gru.onnx', '--out', 'gru.safetensors'], { cwd });
    const run = async (...more: string[]) =>
      (await recurve(['run', ...more, '--weights', 'gru.safetensors', '--reference'], { cwd })).stderr;
    expect(await run('lstm', '--data', data)).toContain(
      'error RUN-CELL: the command line says lstm, but the weights in gru.safetensors are for gru',
    );
    expect(await run('--data', data, '--set', 'reset=after')).toContain(
      'error RUN-OPTION: --set gives reset=after, but the weights say reset is before',
    );
    const after = save('after.json', { ...batch(), options: { reset: 'after' } });
    expect(await run('--data', after)).toContain(
      'error RUN-OPTION: the weights give reset=before, but the data says reset is after',
    );
    const other = save('other.json', { ...batch(), cell: 'rnn' });
    expect(await run('--data', other)).toContain('error RUN-CELL: the data is for rnn, but the weights');
    expect(await run('gru', '--data', data, '--set', 'clip=1')).toBe('');
  });
});

describe('import', () => {
  const model = save(
    'list.onnx',
    modelBytes({
      node: [
        recurrent('LSTM', { direction: 'bidirectional', layout: 1 }, { name: '/rnn/\u001b[31mLSTM' }),
        node('GRU', ['X', 'Y', 'R'], ['Z'], { attribute: attributes({ hidden_size: 7 }) }),
      ],
      initializer: initializers(weightsOf('LSTM', { directions: 2 })),
    }),
  );

  it('lists nodes with what they need, and those that cannot be imported with the reason', async () => {
    const ran = await recurve(['import', model, '--list'], { cwd });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatchInlineSnapshot(`
      "/rnn/\\u{1b}[31mLSTM  LSTM I=3 H=4 layout=1 (its sequences are [B, T, I]; give [T, B, I])
        forward  lstm --set peepholes=true
        reverse  lstm --set peepholes=true
      GRU_0  GRU H=7
        forward  cannot be imported: W of GRU_0 is not in the file: it is computed at run time by /rnn/\\u{1b}[31mLSTM (LSTM)
      "
    `);
    expect(await recurve(['import', model], { cwd })).toEqual(ran);
  });

  it('lists the same as one document with --json', async () => {
    const document = documentOf(await recurve(['import', model, '--list', '--json'], { cwd }));
    expect(document).toMatchObject({
      model: 'list.onnx',
      nodes: [
        { op: 'LSTM', hiddenSize: 4, inputSize: 3, directions: [{ direction: 'forward', options: { peepholes: true } }, {}] },
        { name: 'GRU_0', op: 'GRU', hiddenSize: 7, directions: [{ problem: { code: 'ONNX-WEIGHTS' } }] },
      ],
    });
    const written = await recurve(['import', 'gru.onnx', '--out', 'json.safetensors', '--json'], { cwd });
    expect(documentOf(written)).toMatchObject({
      ok: true,
      node: 'GRU_0',
      cell: 'gru',
      options: { reset: 'before' },
      dims: { I, H },
    });
  });

  it('says so where a model has no recurrent node', async () => {
    save('none.onnx', modelBytes({ node: [node('Add', ['a', 'b'], ['c'])] }));
    expect(await recurve(['import', 'none.onnx'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'none.onnx has no LSTM, GRU or RNN node of ONNX\n',
    });
    const out = await recurve(['import', 'none.onnx', '--out', 'none.safetensors'], { cwd });
    expect(out).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error ONNX-NODE: none.onnx has no LSTM, GRU or RNN node of ONNX\nfix: The nodes .*\n$/),
    });
  });

  it.each([
    ['a truncated model', ['cut.onnx', '--out', 'x.safetensors'], 'ONNX-TRUNCATED'],
    ['JSON', ['batch.json', '--out', 'x.safetensors'], 'ONNX-NOT-A-MODEL'],
    ['a missing file', ['gone.onnx', '--list'], 'ONNX-FILE'],
    ['an unknown node', [model, '--node', 'GRU_1', '--out', 'x.safetensors'], 'ONNX-NODE'],
    ['no node of two', [model, '--out', 'x.safetensors'], 'ONNX-NODE'],
    ['weights made at run time', [model, '--node', 'GRU_0', '--out', 'x.safetensors'], 'ONNX-WEIGHTS'],
    ['no direction of two', ['two.onnx', '--out', 'x.safetensors'], 'ONNX-DIRECTION'],
    ['another ending', [model, '--node', 'GRU_0', '--out', 'x.npz'], 'OUT-FORMAT'],
    ['--node without --out', [model, '--node', 'GRU_0'], 'IMPORT-USAGE'],
    ['--list with --out', [model, '--list', '--out', 'x.safetensors'], 'IMPORT-USAGE'],
    ['another direction', [model, '--direction', 'sideways', '--out', 'x.safetensors'], 'USAGE'],
    ['a folder that is not there', ['gru.onnx', '--out', 'no/x.safetensors'], 'DATA-WRITE'],
  ])('refuses %s by name, in one line, and writes nothing', async (_, argv, code) => {
    save('cut.onnx', modelBytes({ node: [recurrent('LSTM')], initializer: initializers(weightsOf('LSTM')) }).subarray(0, 700));
    const before = readdirSync(cwd).sort();
    const ran = await recurve(['import', ...argv], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^error ${code}: [^\\n]+\\n(fix: [^\\n]+\\n)?$`));
    expect(existsSync(join(cwd, 'x.safetensors'))).toBe(false);
    expect(readdirSync(cwd).sort()).toEqual(before);
  });
});
