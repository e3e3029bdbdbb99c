/** `recurve import` of stacks of PyTorch and Keras, and `run stack` of what it writes, against the frameworks' own equations. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentOf, recurve } from './harness.js';
import { batchOf, cwd, importedRun, save, stored, storedIn, weightBits } from './imported.js';
import { type Answer, expectFramework } from './stack-answers.js';
import { type Case, drawn, type Named, type Numbers } from './stack-frameworks.js';
import { archive, functional, hdf5, kerasConfig, kerasPaths } from './stack-keras.js';

const TORCH: readonly Case[] = [
  { format: 'torch', cell: 'lstm', layers: 3, direction: 'both', options: { projection: true }, state: 'hc', biases: true },
  { format: 'torch', cell: 'gru', layers: 3, direction: 'both', options: {}, state: 'h', biases: true },
  { format: 'torch', cell: 'rnn', layers: 3, direction: 'forward', options: {}, state: 'h', biases: false },
];

describe('import of a checkpoint of PyTorch', () => {
  it.each(TORCH)('gives what torch.nn computes of $cell in $direction, and every gradient', async (kase) => {
    const data = drawn(kase, 21);
    const others = { 'encoder.fc.weight': { shape: [2, 2], data: [1, 2, 3, 4] } };
    const model = save('torch.safetensors', stored({ ...prefixed('encoder.rnn.', data.weights), ...others }));
    const { answer, told } = await importedRun(model, batchOf(kase, data));
    expectFramework(kase, data, answer);
    expect(told).toContain(
      `run takes over: --set ${kase.options.projection ? 'projection=true --set ' : ''}cell=${kase.cell} --set layers=3`,
    );
    expect(storedIn('stack.safetensors')).toEqual(weightBits(data.weights));
  });

  it('of several modules lists all, and takes the one of --prefix', async () => {
    const [kase, other] = TORCH;
    if (kase === undefined || other === undefined) throw new Error('no case');
    const [mine, theirs] = [drawn(kase, 22), drawn(other, 23)];
    const model = save(
      'modules.safetensors',
      stored({ ...prefixed('encoder.', theirs.weights), ...prefixed('decoder.rnn.', mine.weights) }),
    );
    expect((await recurve(['import', model], { cwd })).stdout).toBe(
      'encoder.\n  stack --set cell=gru --set layers=3 --set bidirectional=true\n' +
        'decoder.rnn.\n  stack --set projection=true --set cell=lstm --set layers=3 --set bidirectional=true\n',
    );
    const { answer } = await importedRun(model, batchOf(kase, mine), '--prefix', 'decoder');
    expectFramework(kase, mine, answer);
    const none = await recurve(['import', model, '--out', 'x.safetensors'], { cwd });
    expect(none.stderr).toContain(
      'error WEIGHTS-PREFIX: modules.safetensors has recurrent layers under 2 prefixes: "encoder." and "decoder.rnn."',
    );
    const node_ = await recurve(['import', model, '--node', 'LSTM_0', '--out', 'x.safetensors'], { cwd });
    expect(node_.stderr).toContain('error IMPORT-USAGE: --node chooses within an ONNX model, and modules.safetensors is none');
  });
});

const prefixed = (prefix: string, tensors: Named): Named =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));

const KERAS: readonly Case[] = [
  { format: 'keras', cell: 'lstm', layers: 3, direction: 'both', options: {}, state: 'hc', biases: true },
  {
    format: 'keras',
    cell: 'gru',
    layers: 3,
    direction: 'both',
    options: { reset: 'after', merge: 'ave' },
    state: 'h',
    biases: true,
  },
  { format: 'keras', cell: 'rnn', layers: 3, direction: 'forward', options: { activation: 'relu' }, state: 'h', biases: true },
];

describe('import of a model of Keras', () => {
  it.each(KERAS)('gives what its layers compute of $cell in $direction, and every gradient', async (kase) => {
    const data = drawn(kase, 31);
    const config = functional(kerasConfig(kase));
    const model = save('model.keras', await archive(config, kerasPaths(kase, data.weights)));
    const { answer } = await importedRun(model, batchOf(kase, data));
    expectFramework(kase, data, answer);
    expect(storedIn('stack.safetensors')).toEqual(weightBits(data.weights));
  });

  it('of weights alone goes by their names, which it says, and takes the activation and the merge from --set', async () => {
    const kase: Case = {
      format: 'keras',
      cell: 'rnn',
      layers: 3,
      direction: 'both',
      options: { merge: 'sum', activation: 'relu' },
      state: 'h',
      biases: true,
    };
    const data = drawn(kase, 32);
    const model = save('model.weights.h5', await hdf5(kerasPaths(kase, data.weights)));
    const wrote = await recurve(['import', model, '--out', 'alone.safetensors'], { cwd });
    expect(wrote.stdout).toContain(
      'layers/bidirectional/ → layers/bidirectional_1/ → layers/bidirectional_2/: the order of their names; the file has no configuration that tells it\n' +
        'the two directions are merged, and the file does not say how: give run --set merge=sum, mul or ave\n',
    );
    const batch = batchOf(kase, data);
    const flags = ['--weights', 'alone.safetensors', '--reference', '--set', 'merge=sum', '--set', 'activation=relu'];
    const ran = await recurve(['run', '--data', batch, ...flags], { cwd });
    expectFramework(kase, data, documentOf(ran) as Answer);
  });

  it('is read by run as it is, too', async () => {
    const [kase] = KERAS;
    if (kase === undefined) throw new Error('no case');
    const data = drawn(kase, 33);
    save('direct.keras', await archive(kerasConfig(kase), kerasPaths(kase, data.weights)));
    const ran = await recurve(['run', 'stack', '--data', batchOf(kase, data), '--weights', 'direct.keras', '--reference'], {
      cwd,
    });
    expect(ran.stderr).toBe('direct.keras: read as Keras LSTM, gates i f c o, 3 layers, both directions\n');
    expectFramework(kase, data, documentOf(ran) as Answer);
  });

  it('takes safetensors with the names of Keras 2, each layer by itself with --prefix', async () => {
    const kase: Case = { format: 'keras', cell: 'lstm', layers: 2, direction: 'forward', options: {}, state: 'h', biases: true };
    const data = drawn(kase, 34);
    const names = Object.entries(data.weights).map(([name, tensor]): [string, Numbers] => {
      const [, k = '', part = ''] = /^layer_(\d)\/forward\/(\w+)$/.exec(name) ?? [];
      const end = k === '0' ? '' : `_${k}`;
      return [`lstm${end}/lstm_cell${end}/${part}:0`, tensor];
    });
    const model = save('keras2.safetensors', stored(Object.fromEntries(names)));
    const { answer } = await importedRun(model, batchOf(kase, data));
    expectFramework(kase, data, answer);
    const one = await recurve(['import', model, '--prefix', 'lstm_1', '--out', 'upper.safetensors', '--json'], { cwd });
    expect(documentOf(one)).toMatchObject({ options: { cell: 'lstm', layers: 1 }, dims: { I: 3, H: 3 } });
  });

  it.each<[string, Partial<Case>, (k: number) => object, string | undefined, string]>([
    [
      'activations',
      {},
      (k) => ({ activation: k === 1 ? 'relu' : 'tanh' }),
      undefined,
      'layers/simple_rnn_1/cell has activation = relu, and layers/simple_rnn/cell has no activation',
    ],
    [
      'directions',
      {},
      () => ({ go_backwards: true }),
      undefined,
      'layers/simple_rnn/ has go_backwards, and gives its outputs to layers/simple_rnn_1/ from the last step to the first',
    ],
    [
      'merges',
      { direction: 'both', options: { merge: 'sum' } },
      (k) => (k === 1 ? { merge_mode: 'mul' } : {}),
      undefined,
      'layers/bidirectional_1/ has merge_mode = mul, and layers/bidirectional/ has merge_mode = sum',
    ],
    [
      'outputs that stay apart',
      { direction: 'both', options: { merge: 'sum' } },
      () => ({ merge_mode: null }),
      undefined,
      'layers/bidirectional/ has merge_mode = null: its two directions stay apart',
    ],
  ])('that is no stack by its %s is refused by the names of its layers', async (_, more, config, between, message) => {
    const kase: Case = {
      format: 'keras',
      cell: 'rnn',
      layers: 2,
      direction: 'forward',
      options: {},
      state: '',
      biases: true,
      ...more,
    };
    const model = save(
      'other.keras',
      await archive(kerasConfig(kase, config, between), kerasPaths(kase, drawn(kase, 35).weights)),
    );
    const ran = await recurve(['import', model, '--out', 'x.safetensors'], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`error IMPORT-STACK: ${message}`);
  });

  it.each<[string, string, (k: number) => object]>([
    ['something else than dropout lies between them', 'Activation', () => ({})],
    ['the lower gives its last step alone', 'Dropout', (k) => ({ return_sequences: k > 0 })],
  ])('has two stacks where %s', async (_, between, config) => {
    const kase: Case = { format: 'keras', cell: 'rnn', layers: 2, direction: 'forward', options: {}, state: '', biases: true };
    const model = save(
      'apart.keras',
      await archive(kerasConfig(kase, config, between), kerasPaths(kase, drawn(kase, 36).weights)),
    );
    const listed = documentOf(await recurve(['import', model, '--list', '--json'], { cwd }));
    expect(listed).toMatchObject({
      stacks: [{ name: 'layers/simple_rnn/', options: { layers: 1 } }, { name: 'layers/simple_rnn_1/' }],
    });
  });
});

describe('import of a file as its framework wrote it', () => {
  const fixtures = new URL('../interop/fixtures/', import.meta.url);
  const { x, outputs } = JSON.parse(readFileSync(new URL('outputs.json', fixtures), 'utf8')) as {
    x: Numbers;
    outputs: Readonly<Record<string, { data: number[] }>>;
  };

  it.each([
    ['lstm.keras', 3],
    ['lstm.h5', 3],
    ['gru.weights.h5', 6],
    ['lstm.pt', 3],
    ['norm-lstm.pt', 3],
  ])('%s gives the outputs that the framework computed', async (name, width) => {
    save(name, readFileSync(new URL(name, fixtures)));
    await recurve(['import', name, '--out', 'real.safetensors'], { cwd });
    save('x.json', { inputs: { x } });
    const ran = await recurve(['run', '--data', 'x.json', '--weights', 'real.safetensors', '--reference'], { cwd });
    const { h } = (documentOf(ran) as Answer).outputs;
    // Of both directions the file of outputs has the backward one.
    const found = h?.data.filter((_, k) => k % width >= width - 3) ?? [];
    expect([h?.shape[2], found.length]).toEqual([width, outputs[name]?.data.length]);
    found.forEach((value, k) => {
      expect(value).toBeCloseTo(outputs[name]?.data[k] ?? Number.NaN, 5);
    });
  });
});

it('layers of Keras may be listed in another order than they read each other', async () => {
  const kase: Case = { format: 'keras', cell: 'rnn', layers: 4, direction: 'forward', options: {}, state: '', biases: true };
  const { config } = functional(kerasConfig(kase)) as {
    config: { layers: { class_name: string; name: string; inbound_nodes: object[] }[] };
  };
  const [x, ...rest] = config.layers;
  const [a, b, c, d] = rest.filter(({ class_name: name }) => name === 'SimpleRNN');
  if (!x || !a || !b || !c || !d) throw new Error('no layers');
  // d reads b, c reads a; a and b read x; those that are read come last.
  const reads = (layer: typeof a, below: typeof a) => ({ ...layer, inbound_nodes: [[[below.name, 0, 0, {}]]] });
  const layers = [x, reads(d, b), reads(c, a), reads(b, x), reads(a, x)];
  const square = Object.fromEntries(
    Object.entries(drawn(kase, 45).weights).map(([name, { shape, data }]) => [
      name,
      name.endsWith('/kernel') ? { shape: [3, 3], data: [...data, ...data, ...data].slice(0, 9) } : { shape, data },
    ]),
  );
  const model = save('order.keras', await archive({ class_name: 'Functional', config: { layers } }, kerasPaths(kase, square)));
  const listed = documentOf(await recurve(['import', model, '--json'], { cwd }));
  expect(listed).toMatchObject({
    stacks: [
      { layers: ['layers/simple_rnn_2', 'layers/simple_rnn'], options: { layers: 2 } },
      { layers: ['layers/simple_rnn_3', 'layers/simple_rnn_1'], options: { layers: 2 } },
    ],
  });
});
