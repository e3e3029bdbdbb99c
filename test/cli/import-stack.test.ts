/** `recurve import` of a chain of ONNX nodes, and `run stack` of what it writes, against the operators' own equations. */
import { describe, expect, it } from 'vitest';
import { attributes, modelBytes, node, tensor } from '../interop/onnx-models.js';
import { documentOf, recurve } from './harness.js';
import { batchOf, cwd, importedRun, save, storedIn, weightBits } from './imported.js';
import { expectFramework } from './stack-answers.js';
import { type Case, drawn } from './stack-frameworks.js';
import { AS_FIXED, AS_PYTORCH, AS_TF2ONNX, type Between, chainGraph, ints, shapeOf, whole } from './stack-onnx.js';

const ONNX: readonly (readonly [exporter: string, kase: Case, between: Between])[] = [
  [
    'PyTorch, both directions',
    { format: 'onnx', cell: 'lstm', layers: 3, direction: 'both', options: {}, state: 'hc', biases: true },
    AS_PYTORCH,
  ],
  [
    'PyTorch, one direction',
    { format: 'onnx', cell: 'gru', layers: 3, direction: 'forward', options: { reset: 'after' }, state: 'h', biases: true },
    AS_PYTORCH,
  ],
  [
    'tf2onnx, both directions',
    {
      format: 'onnx',
      cell: 'gru',
      layers: 3,
      direction: 'both',
      options: { reset: 'before', clip: 0.5 },
      state: 'h',
      biases: true,
    },
    AS_TF2ONNX,
  ],
  [
    'tf2onnx, in reverse',
    {
      format: 'onnx',
      cell: 'lstm',
      layers: 3,
      direction: 'reverse',
      options: { peepholes: true, coupled: true },
      state: 'c',
      biases: true,
    },
    AS_TF2ONNX,
  ],
  [
    'an exporter that knew all sizes, both directions',
    {
      format: 'onnx',
      cell: 'rnn',
      layers: 3,
      direction: 'both',
      options: { activation: 'relu', clip: 0.375 },
      state: 'h',
      biases: false,
    },
    AS_FIXED,
  ],
];

describe('import of a chain of ONNX nodes', () => {
  it.each(ONNX)('of %s gives what the nodes compute, and every gradient', async (_, kase, between) => {
    const data = drawn(kase, 11);
    const model = save('chain.onnx', modelBytes(chainGraph(kase, data, between)));
    const { answer, told } = await importedRun(model, batchOf(kase, data));
    expectFramework(kase, data, answer);
    expect(told).toContain(`run takes over: --set cell=${kase.cell} --set layers=3`);
  });

  it('of one node takes both of its directions with --stack, as the weights of one layer', async () => {
    const kase: Case = { format: 'onnx', cell: 'lstm', layers: 1, direction: 'both', options: {}, state: 'h', biases: true };
    const data = drawn(kase, 12);
    const model = save('one.onnx', modelBytes(chainGraph(kase, data, AS_PYTORCH)));
    const { answer } = await importedRun(model, batchOf(kase, data), '--stack');
    expectFramework(kase, data, answer);
  });

  it('keeps every bit of the weights', async () => {
    const [, kase, between] = ONNX[0] ?? [];
    if (kase === undefined || between === undefined) throw new Error('no case');
    const data = drawn(kase, 13);
    await importedRun(save('bits.onnx', modelBytes(chainGraph(kase, data, between))), batchOf(kase, data));
    expect(storedIn('stack.safetensors')).toMatchObject(weightBits(data.weights));
  });
});

/** Two nodes that read one another, each with what is wrong about it. */
const pair = (
  first: Parameters<typeof layer>[1],
  second: Parameters<typeof layer>[1],
  between = [node('Squeeze', ['Y0', 'one'], ['X1'])],
): Uint8Array => {
  const layers = [layer(0, first), layer(1, second)];
  return modelBytes({
    node: [...layers.map(({ made }) => made), ...between],
    initializer: [ONE, ...layers.flatMap(({ initializer }) => initializer)],
  });
};

interface Made {
  readonly op?: 'LSTM' | 'GRU' | 'RNN';
  readonly values?: Parameters<typeof attributes>[0];
  readonly units?: number;
  readonly reads?: number;
  readonly directions?: number;
  readonly X?: string;
}

function layer(k: number, { op = 'GRU', values = {}, units = 2, reads = 2, directions = 1, X = `X${k}` }: Made) {
  const rows = { LSTM: 4, GRU: 3, RNN: 1 }[op] * units;
  const filled = (name: string, ...shape: number[]) =>
    tensor(
      name,
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5),
    );
  return {
    made: node(op, [X, `W${k}`, `R${k}`], [`Y${k}`, `Yh${k}`], { attribute: attributes({ hidden_size: units, ...values }) }),
    initializer: [filled(`W${k}`, directions, rows, reads), filled(`R${k}`, directions, rows, units)],
  };
}
const ONE = whole('one', [1]);

describe('a chain that is no stack', () => {
  it.each<[string, Made, Made, string]>([
    ['cells', {}, { op: 'LSTM' }, 'LSTM_0 has cell = lstm, and GRU_0 has cell = gru'],
    [
      'clips',
      { values: { clip: { float: 2 } } },
      { values: { clip: { float: 0.5 } } },
      'GRU_1 has clip = 0.5, and GRU_0 has clip = 2',
    ],
    ['a clip in one', {}, { values: { clip: { float: 0.5 } } }, 'GRU_1 has clip = 0.5, and GRU_0 has no clip'],
    ['sizes', {}, { units: 3 }, 'GRU_1 has H = 3, and GRU_0 has H = 2'],
    ['widths', {}, { reads: 5 }, 'GRU_1 reads 5 values, and GRU_0 gives 2'],
    ['directions', {}, { values: { direction: 'reverse' } }, 'GRU_1 has direction = reverse, and GRU_0 has direction = forward'],
    [
      'numbers of directions',
      {},
      { values: { direction: 'bidirectional' }, directions: 2 },
      'GRU_1, forward, has directions = 2, and GRU_0 has directions = 1',
    ],
    [
      'activations of its two directions',
      { values: { direction: 'bidirectional', activations: ['Sigmoid', 'Tanh', 'Sigmoid', 'Relu'] }, directions: 2 },
      { values: { direction: 'bidirectional' }, directions: 2 },
      'GRU_0, reverse, has candidateActivation = relu, and GRU_0, forward, has no candidateActivation',
    ],
  ])('by its %s is refused by the names of its nodes', async (_, first, second, message) => {
    const turned = [
      node('Transpose', ['Y0'], ['t'], { attribute: ints('perm', 0, 2, 1, 3) }),
      node('Reshape', ['t', 'rest'], ['X1']),
    ];
    const both = first.directions === 2;
    const bytes = both ? pair(first, { ...second, reads: 4 }, [...turned, shapeOf('rest', [0, 0, -1])]) : pair(first, second);
    const model = save('no-stack.onnx', bytes);
    const ran = await recurve(['import', model, '--out', 'none.safetensors'], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`error IMPORT-STACK: ${message}`);
    expect(ran.stderr.includes('what a stack has holds for all its layers and directions')).toBe(/ has /.test(message));
    const listed = await recurve(['import', model, '--list'], { cwd });
    expect(listed.stdout).toContain(`cannot be imported as a stack: ${message}`);
  });

  it.each<[string, ReturnType<typeof node>[], string]>([
    ['something is added', [node('Add', ['Y0', 'Y0'], ['a']), node('Squeeze', ['a', 'one'], ['X1'])], 'through Add_0 (Add)'],
    ['only the last step is read', [node('Identity', ['Yh0'], ['X1'])], 'through its output Y_h, the last step alone'],
    [
      'the axes come in another order',
      [node('Squeeze', ['Y0', 'one'], ['s']), node('Transpose', ['s'], ['X1'], { attribute: ints('perm', 1, 0, 2) })],
      'with its axes in another order',
    ],
    [
      'a run decides on the shape',
      [node('Shape', ['X0'], ['n']), node('Reshape', ['Y0', 'n'], ['X1'])],
      'through Reshape_0 (Reshape)',
    ],
  ])('because %s is two stacks, of which one is chosen', async (_, between, how) => {
    const model = save('two-stacks.onnx', pair({}, {}, between));
    const ran = await recurve(['import', model, '--stack', '--out', 'none.safetensors'], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toBe(
      `error ONNX-NODE: two-stacks.onnx has 2 stacks, which end in GRU_0 and GRU_1: GRU_1 reads GRU_0 ${how}\n` +
        'fix: Choose one by its last node: --stack --node GRU_0.\n',
    );
    const one = await recurve(['import', model, '--stack', '--node', 'GRU_1', '--out', 'last.safetensors', '--json'], { cwd });
    expect(documentOf(one)).toMatchObject({ options: { cell: 'gru', layers: 1 }, tensors: ['weights.W', 'weights.R'] });
    expect((await recurve(['import', model, '--list'], { cwd })).stdout).not.toContain('stack');
  });

  it.each<[string, number, string, string]>([
    ['the backward direction comes first', 4, 'back,ahead', 'through Concat_0 (Concat)'],
    ['one direction is read twice', 4, 'ahead,ahead', 'through Concat_0 (Concat)'],
    ['one direction is left', 2, 'back', 'in one direction alone'],
  ])('because %s is two stacks', async (_, reads, sides, how) => {
    const both = { values: { direction: 'bidirectional' }, directions: 2 };
    const model = save(
      'sides.onnx',
      pair(both, { ...both, reads }, [
        node('Split', ['Y0'], ['f', 'b'], { attribute: attributes({ axis: 1 }) }),
        node('Squeeze', ['f', 'one'], ['ahead']),
        node('Squeeze', ['b', 'one'], [sides === 'back' ? 'X1' : 'back']),
        ...(sides === 'back' ? [] : [node('Concat', sides.split(','), ['X1'], { attribute: attributes({ axis: 2 }) })]),
      ]),
    );
    const ran = await recurve(['import', model, '--stack', '--out', 'none.safetensors'], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(`GRU_1 reads GRU_0 ${how}\n`) });
  });

  it('because two nodes read one is listed with both, and chosen by its last node', async () => {
    const { made, initializer } = layer(2, { X: 'X1' });
    const [a, b] = [layer(0, {}), layer(1, {})];
    const model = save(
      'branch.onnx',
      modelBytes({
        node: [a.made, node('Squeeze', ['Y0', 'one'], ['X1']), b.made, made],
        initializer: [ONE, ...a.initializer, ...b.initializer, ...initializer],
      }),
    );
    const listed = documentOf(await recurve(['import', model, '--json'], { cwd }));
    const options = { cell: 'gru', layers: 2, bidirectional: false, reset: 'before' };
    expect(listed).toMatchObject({
      stacks: [
        { name: 'GRU_1', layers: ['GRU_0', 'GRU_1'], options },
        { name: 'GRU_2', layers: ['GRU_0', 'GRU_2'], options },
      ],
    });
    const one = await recurve(['import', model, '--stack', '--node', 'GRU_2', '--out', 'branch.safetensors', '--json'], { cwd });
    expect(documentOf(one)).toMatchObject({ ok: true, options });
    expect(await recurve(['import', model, '--out', 'none.safetensors'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error ONNX-NODE: branch.onnx has 3 recurrent nodes'),
    });
  });

  it('is not made of one direction', async () => {
    const ran = await recurve(['import', 'chain.onnx', '--stack', '--direction', 'reverse', '--out', 'x.safetensors'], { cwd });
    expect(ran.stderr).toContain('error IMPORT-USAGE: --direction chooses one direction, and --stack takes all');
  });
});
