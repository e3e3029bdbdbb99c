/** The built-in model `stack` through `run --data -`, against its frameworks' own equations in their own layouts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../runtime/interop/index.js';
import { recurve, scratchFolder } from './harness.js';
import { type Answer, answers, distance, expectFramework, flat, requestOf, titleOf } from './stack-answers.js';
import { type Case, drawn, type Named, type Numbers } from './stack-frameworks.js';

const FORMATS = ['torch', 'onnx', 'keras'] as const;
const CELLS = ['lstm', 'gru', 'rnn'] as const;
const DIRECTIONS = ['forward', 'both', 'reverse'] as const;

/** Every two of format, cell, layers and direction meet; the other options change from case to case. */
const CASES: Case[] = FORMATS.flatMap((format, f) =>
  CELLS.flatMap((cell, c) =>
    [1, 2, 3].map((layers, l): Case => {
      const direction = DIRECTIONS[(f + c + l) % 3] ?? 'forward';
      const own: Record<string, Record<string, string | number | boolean>> = {
        'torch lstm': [{ projection: true }, {}, { cellClip: 0.25 }][l] ?? {},
        'torch gru': {},
        'torch rnn': { activation: l === 0 ? 'relu' : l === 1 ? 'tanh' : 'linear' },
        'onnx lstm': [{ peepholes: true }, { peepholes: true, coupled: true }, { coupled: true, clip: 0.625 }][l] ?? {},
        'onnx gru': { reset: l === 1 ? 'after' : 'before', ...(l === 2 ? { clip: 0.5 } : {}) },
        'onnx rnn': l === 1 ? { clip: 0.375 } : {},
        'keras gru': { reset: l === 2 ? 'before' : 'after' },
      };
      const merge: Record<string, string> =
        format === 'keras' && direction === 'both' ? { merge: ['sum', 'mul', 'ave'][c] ?? 'sum' } : {};
      const state = cell === 'lstm' ? (['hc', 'h', 'c'][l] ?? '') : l === 1 ? '' : 'h';
      return {
        format,
        cell,
        layers,
        direction,
        options: { ...own[`${format} ${cell}`], ...merge },
        state,
        biases: (f + l) % 3 !== 1,
      };
    }),
  ),
);

describe('stack', () => {
  it('gives what PyTorch, ONNX and Keras do, and the gradient of everything, under their names', {
    timeout: 60_000,
  }, async () => {
    const datas = CASES.map((kase, seed) => drawn(kase, seed));
    const found = await answers(
      CASES.map((kase, k) => requestOf(kase, datas[k] ?? drawn(kase, k))),
      '--reference',
    );
    expect(found).toHaveLength(27);
    CASES.forEach((kase, k) => {
      const answer = found[k] as Answer & { ok: boolean; error?: unknown };
      expect([titleOf(kase), answer.ok, answer.error]).toEqual([titleOf(kase), true, undefined]);
      expect(answer.gradients.weights.layers !== undefined).toBe(kase.format === 'onnx' && kase.layers > 1);
      expectFramework(kase, datas[k] ?? drawn(kase, k), answer);
    });
  });

  it('computes the same with kernels', { timeout: 120_000 }, async () => {
    const some = CASES.filter(({ layers }, k) => layers === 2 && k % 4 === 1);
    const requests = some.map((kase, seed) => requestOf(kase, drawn(kase, seed)));
    const [exact, quick] = [
      await answers(requests, '--reference'),
      await answers(requests, '--adapter', 'swiftshader'),
    ] as Answer[][];
    some.forEach((kase, k) => {
      const [a, b] = [exact?.[k], quick?.[k]];
      for (const group of ['outputs', 'state'] as const) {
        for (const [name, tensor] of Object.entries(a?.[group] ?? {}))
          expect(distance(b?.[group][name], tensor)).toBeLessThan(1e-5);
      }
      const [left, right] = [a?.gradients, b?.gradients];
      if (left === undefined || right === undefined) throw new Error(`${titleOf(kase)} has no gradients`);
      for (const [name, tensor] of Object.entries({ ...left.inputs, ...left.state, ...flat(left) })) {
        expect(
          distance({ ...right.inputs, ...right.state, ...flat(right) }[name], tensor),
          `${titleOf(kase)}: ${name}`,
        ).toBeLessThan(1e-5);
      }
    });
  });
});

const ones = (...shape: number[]): Numbers => ({ shape, data: new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0.1) });
const torchLayer = (k: number, reads: number, units = 3, end = ''): Named => ({
  [`weight_ih_l${k}${end}`]: ones(4 * units, reads),
  [`weight_hh_l${k}${end}`]: ones(4 * units, units),
  [`bias_ih_l${k}${end}`]: ones(4 * units),
  [`bias_hh_l${k}${end}`]: ones(4 * units),
});
const TWO = { ...torchLayer(0, 2), ...torchLayer(1, 3) };
const BOTH = { ...torchLayer(0, 2), ...torchLayer(0, 2, 3, '_reverse'), ...torchLayer(1, 6), ...torchLayer(1, 6, 3, '_reverse') };
const NODE = { W: ones(1, 12, 2), R: ones(1, 12, 3) };
const without = (tensors: Named, name: string): Named =>
  Object.fromEntries(Object.entries(tensors).filter(([key]) => key !== name));
const bad = (more: object, options: object = {}, tensors: Named = TWO, format = 'torch'): object => ({
  cell: 'stack',
  options: { cell: 'lstm', ...options },
  inputs: { x: ones(2, 1, 2) },
  weights: { format, tensors },
  ...more,
});

const MISTAKES: readonly (readonly [what: string, request: object, code: string, message: string, fix: string])[] = [
  [
    'a merge that PyTorch has not',
    bad({}, { bidirectional: true, merge: 'ave' }, BOTH),
    'WEIGHTS-OPTION',
    'merge = ave cannot be said in torch weights: PyTorch joins the two directions, merge = concat',
    'Leave the option out, or give "params", or the weights in the layout of Keras.',
  ],
  [
    'peepholes in the layout of Keras',
    bad({}, { peepholes: true }, { 'layer_0/forward/kernel': ones(2, 12) }, 'keras'),
    'WEIGHTS-OPTION',
    'peepholes = true cannot be said in keras weights: its LSTM has no peepholes',
    'Give "params" instead of "weights", or leave the option out.',
  ],
  [
    'both directions in reverse',
    bad({ reverse: true }, { bidirectional: true }, BOTH),
    'DATA-KEY',
    'reverse is true, and so is bidirectional: both directions are there already',
    'Leave one of them out.',
  ],
  [
    'weights of a direction that is not there',
    bad({}, {}, BOTH),
    'WEIGHTS-NAME',
    'weights.weight_ih_l0_reverse is of the reverse direction, and bidirectional = false',
    'Set "bidirectional": true, or leave it out.',
  ],
  [
    'a layer too many',
    bad({}, { layers: 1 }),
    'WEIGHTS-NAME',
    'weights.weight_ih_l1 is of layer 1, counted from 0, and layers = 1',
    'Set "layers": 2, or leave it out.',
  ],
  [
    'a layer too few',
    bad({}, { layers: 3 }),
    'WEIGHTS-MISSING',
    'weights.bias_ih_l2 is missing; weights.bias_ih_l0 is there, and torch writes all of them or none',
    'Give it too, zeros if that is what it is, or leave the others out.',
  ],
  [
    'a lost matrix',
    bad({}, {}, without(TWO, 'weight_hh_l1')),
    'WEIGHTS-MISSING',
    'weights.weight_hh_l1 is missing; torch weights of lstm need it',
    'Give it, too: such a layer has weight_ih_l1, weight_hh_l1, bias_ih_l1 and bias_hh_l1.',
  ],
  [
    'layers of different sizes',
    bad({}, {}, { ...torchLayer(0, 2), ...torchLayer(1, 3, 5) }),
    'WEIGHTS-SHAPE',
    'layer 1 has H = 5, and layer 0 has H = 3: the layers of stack are of one size',
    'Layers of different sizes are a model of your own: a *.model.ts with a layer for each.',
  ],
  [
    'a layer that reads something else than there is below it',
    bad({}, {}, { ...torchLayer(0, 2), ...torchLayer(1, 6) }),
    'WEIGHTS-SHAPE',
    'layer 1 reads 6 values, and layer 0 gives N = 3',
    'Give its weight_ih 3 inputs.',
  ],
  [
    'one node for two layers',
    bad({}, {}, NODE, 'onnx'),
    'WEIGHTS-MISSING',
    'weights.tensors is one ONNX node, and layers = 2',
    'Write "layers": [{ "W": …, "R": … }, …], a node for each layer, in place of "tensors"; or set "layers": 1.',
  ],
  [
    'one direction for two',
    bad({}, { layers: 1, bidirectional: true }, NODE, 'onnx'),
    'WEIGHTS-DIRECTIONS',
    'weights.W has shape [1, 12, 2]; its first axis is the direction and must be 2',
    'Give both directions, or set "bidirectional": false.',
  ],
  [
    'a framework whose stacks are not read',
    bad({}, {}, TWO, 'flax'),
    'WEIGHTS-FORMAT',
    'weights.format is flax, and stack takes torch, onnx and keras',
    'Give "params" instead, one tensor for each parameter of the model.',
  ],
  [
    'an activation for each direction',
    bad({}, { gateActivation: ['sigmoid', 'relu'] }),
    'DATA-OPTION',
    'options.gateActivation must be a string, a finite number, true or false, found an array',
    'Write one value: it holds for every layer and direction. A network whose layers differ is a *.model.ts of your own.',
  ],
  [
    'the state of one layer',
    bad({ state: { h: ones(1, 1, 3) } }),
    'DATA-SHAPE',
    'state.h has 1 along axis 0; it must be 2',
    'Give it 2 there: look whether two of its axes are swapped.',
  ],
  [
    'no weights at all',
    { cell: 'stack', options: { cell: 'rnn', layers: 1 }, inputs: { x: ones(2, 1, 2) } },
    'DATA-PARAMS',
    'neither params nor weights are given; cell stack has first.W, first.U and first.b',
    'Give the cell its "params", or "weights" in a framework\'s layout, not both; "init": {"seed": 1} draws what neither gives.',
  ],
  [
    'an option of another cell',
    bad({}, { cell: 'rnn', reset: 'before' }),
    'OPTION-UNKNOWN',
    'reset = before is no option of the cell rnn',
    'Leave it out; rnn has activation, alpha, beta, clip, layerNorm, zoneout, variationalDropout, recurrentDropout and 2 more.',
  ],
];

it('refuses by name what it cannot take, and says what to write instead', async () => {
  const found = await answers(
    MISTAKES.map(([, request]) => request),
    '--reference',
  );
  const told = found.map((answer) => (answer as { error?: Record<string, string> }).error);
  expect(MISTAKES.map(([what], k) => [what, told[k]?.code, told[k]?.message, told[k]?.fix])).toEqual(
    MISTAKES.map(([what, , ...said]) => [what, ...said]),
  );
});

it('draws a first batch, and takes its own parameters by the names of the model', async () => {
  const [answer] = (await answers(
    [{ cell: 'stack', options: { cell: 'gru' }, inputs: { x: ones(2, 1, 2) }, state: { h: ones(2, 1, 3) }, init: { seed: 3 } }],
    '--reference',
  )) as Answer[];
  expect(answer?.outputs.h?.shape).toEqual([2, 1, 3]);
  const { code, stdout } = await recurve([
    'run',
    'stack',
    '--random',
    '--reference',
    '--set',
    'bidirectional=true',
    '--dims',
    'T=2,B=2,I=3,H=2',
  ]);
  const drawn = JSON.parse(stdout) as Answer;
  expect([code, drawn.outputs.h?.shape, drawn.state.h?.shape, drawn.state.c?.shape]).toEqual([
    0,
    [2, 2, 4],
    [4, 2, 2],
    [4, 2, 2],
  ]);
});

it('reads all layers and directions of a checkpoint of PyTorch as they are', async () => {
  const folder = scratchFolder();
  const kase: Case = { format: 'torch', cell: 'lstm', layers: 2, direction: 'both', options: {}, state: 'hc', biases: true };
  const data = drawn(kase, 5);
  const { weights, options, cell, ...rest } = requestOf(kase, data) as Record<string, object>;
  const named = Object.entries(data.weights).map(([name, { shape, data: values }]) => [
    `encoder.rnn.${name}`,
    { shape, data: Float32Array.from(values) },
  ]);
  writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(Object.fromEntries(named)));
  writeFileSync(join(folder, 'batch.json'), JSON.stringify(rest));
  const { stdout, stderr } = await recurve(
    ['run', 'stack', '--data', 'batch.json', '--weights', 'model.safetensors', '--reference'],
    { cwd: folder },
  );
  const [direct] = (await answers([{ cell, options, weights, ...rest }], '--reference')) as Answer[];
  expect(stderr).toContain('read as PyTorch LSTM, gates i f g o, 2 layers, both directions');
  const { outputs, state, gradients } = JSON.parse(stdout) as Answer;
  const refused = await recurve(
    ['run', 'stack', '--data', 'batch.json', '--weights', 'model.safetensors', '--reference', '--layer', 'l0'],
    { cwd: folder },
  );
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('--layer l0 chooses one layer, and stack takes all of model.safetensors'),
  ]);
  expect({ outputs, state, gradients }).toEqual({ outputs: direct?.outputs, state: direct?.state, gradients: direct?.gradients });
});

it('reads a file of weights that says itself that they are those of a chain of ONNX nodes', async () => {
  const folder = scratchFolder();
  const kase: Case = {
    format: 'onnx',
    cell: 'gru',
    layers: 2,
    direction: 'forward',
    options: { reset: 'before' },
    state: 'h',
    biases: true,
  };
  const data = drawn(kase, 6);
  const { weights, options, cell, ...rest } = requestOf(kase, data) as Record<string, object>;
  const named = Object.entries(data.weights).map(([name, { shape, data: values }]) => [
    `weights.${name}`,
    { shape, data: Float32Array.from(values) },
  ]);
  const metadata = { cell: 'stack', options: JSON.stringify(options), 'weights.format': 'onnx' };
  writeFileSync(join(folder, 'chain.safetensors'), writeSafetensors(Object.fromEntries(named), metadata));
  writeFileSync(join(folder, 'batch.json'), JSON.stringify(rest));
  const { stdout } = await recurve(['run', 'stack', '--data', 'batch.json', '--weights', 'chain.safetensors', '--reference'], {
    cwd: folder,
  });
  const [direct] = (await answers([{ cell, options, weights, ...rest }], '--reference')) as Answer[];
  const { outputs, state, gradients } = JSON.parse(stdout) as Answer;
  expect(gradients.weights.layers).toHaveLength(2);
  expect({ outputs, state, gradients }).toEqual({ outputs: direct?.outputs, state: direct?.state, gradients: direct?.gradients });
});
