import { describe, expect, test } from 'vitest';
import { bindRequest, type CellInterface, parseJsonRequest } from '../../runtime/interop/index.js';
import { code, mistake } from './errors.js';
import { count, goodDocument, lstm, rnn } from './signatures.js';

const bind = (document: unknown, cell: CellInterface = rnn()) =>
  bindRequest(parseJsonRequest(JSON.stringify(document), 'd'), cell);
const changed = (change: Record<string, unknown>) => bind({ ...goodDocument(), ...change });

describe('a request bound to a cell', () => {
  test('has all sizes from its shapes', () => {
    const { sizes, data } = bind(goodDocument());
    expect(sizes).toEqual({ T: 2, B: 3, I: 2, H: 4 });
    expect(data.lengths).toEqual([2, 1, 2]);
    expect(data.reverse).toBe(true);
    expect(data.params.U?.shape).toEqual([4, 4]);
    expect(data.cotangents?.outputs.h?.shape).toEqual([2, 3, 4]);
  });

  test('starts from zeros where the state is missing', () => {
    const { data } = changed({ state: undefined });
    expect(data.state.h).toEqual({ shape: [3, 4], data: new Float32Array(12) });
  });

  test('keeps cotangents absent where none are given, and partial where some are', () => {
    expect(changed({ cotangents: undefined }).data).not.toHaveProperty('cotangents');
    expect(changed({ cotangents: {} }).data.cotangents).toEqual({ outputs: {}, state: {} });
  });

  test('learns a projection from its own weights', () => {
    const cell = lstm({ projection: true });
    const params = Object.fromEntries(
      cell.signature.params.map(({ name, shape }) => [name, count(...shape.map((dim) => ({ I: 2, H: 3, P: 4 })[dim] ?? 0))]),
    );
    const { sizes, data } = bind({ inputs: { x: count(1, 1, 2) }, params }, cell);
    expect(sizes).toEqual({ T: 1, B: 1, I: 2, H: 3, P: 4 });
    expect(data.state.h?.shape).toEqual([1, 4]);
  });

  test('takes a cell without params', () => {
    const { signature, outputs } = rnn();
    const bare = { signature: { ...signature, params: [] }, outputs };
    expect(bind({ inputs: { x: count(1, 1, 2) }, state: { h: count(1, 3) } }, bare).sizes).toEqual({ T: 1, B: 1, I: 2, H: 3 });
    expect(mistake(() => bind({ inputs: { x: count(1, 1, 2) } }, bare))).toMatch(
      /^DATA-SIZE-UNKNOWN \| H \| no tensor of the request tells the size of H/,
    );
  });
});

describe('what a cell says of its tensors beyond names and dims', () => {
  const { signature, outputs } = rnn();
  const span = { file: 'd.cell.ts', line: 1, column: 1, length: 1 };
  const with_ = (change: Partial<CellInterface['signature']>): CellInterface => ({
    signature: { ...signature, ...change },
    outputs,
  });

  test('an axis of fixed size is held to it', () => {
    const cell = with_({
      dims: ['H'],
      inputs: [{ name: 'x', shape: ['2'], init: undefined, trainable: true, span }],
      params: [],
    });
    const request = (size: number) => ({ inputs: { x: count(1, 1, size) }, state: { h: count(1, 4) } });
    expect(bind(request(2), cell).sizes).toEqual({ T: 1, B: 1, H: 4 });
    expect(mistake(() => bind(request(3), cell))).toBe(
      'DATA-SHAPE | inputs.x | inputs.x has 3 along axis 2; it must be 2 | Give it 2 there: look whether two of its axes are swapped.',
    );
  });

  test('a size that no tensor tells follows from the others', () => {
    const rule = { dim: 'N', relation: 'equal', divisor: 1, by: 'concat', span } as const;
    const value = {
      constant: 0,
      terms: [
        { dim: 'I', factor: 1 },
        { dim: 'H', factor: 1 },
      ],
    };
    expect(bind(goodDocument(), with_({ dims: ['I', 'H', 'N'], rules: [{ ...rule, value }] })).sizes).toEqual({
      T: 2,
      B: 3,
      I: 2,
      H: 4,
      N: 6,
    });
    const wrong = { ...rule, dim: 'H', value: { constant: 5, terms: [] } };
    expect(mistake(() => bind(goodDocument(), with_({ rules: [wrong] })))).toContain('DIMS-RULE | H | `concat` at d.cell.ts:1');
  });

  test('a parameter that is not trained holds its init where it is missing', () => {
    const more = (init: number | 'ones' | undefined, trainable: boolean) =>
      with_({ params: [...signature.params, { name: 'g', shape: ['H'], init, trainable, span }] });
    expect(bind(goodDocument(), more(0.5, false)).data.params.g).toEqual({ shape: [4], data: new Float32Array(4).fill(0.5) });
    expect(bind(goodDocument(), more('ones', false)).data.params.g?.data).toEqual(new Float32Array(4).fill(1));
    const params = { ...(goodDocument().params as object), g: count(4) };
    expect(bind({ ...goodDocument(), params }, more(0.5, false)).data.params.g?.data).not.toEqual(new Float32Array(4).fill(0.5));
    expect(mistake(() => bind(goodDocument(), more(0.5, true)))).toContain('params.g is missing');
    expect(mistake(() => bind(goodDocument(), more(undefined, false)))).toContain('params.g is missing');
    const only = with_({ params: [{ name: 'g', shape: ['H'], init: 2, trainable: false, span }] });
    const bare = bind({ inputs: { x: count(1, 1, 2) }, state: { h: count(1, 3) } }, only);
    expect(bare.data.params.g?.data).toEqual(new Float32Array(3).fill(2));
  });

  test('a misspelt parameter is told apart from a missing one', () => {
    const cell = with_({ params: [{ name: 'gain', shape: ['H'], init: 2, trainable: false, span }] });
    expect(mistake(() => bind({ ...goodDocument(), params: { gian: count(4) } }, cell))).toContain('Did you mean "gain"?');
  });

  test('the seed of the masks goes along', () => {
    expect(changed({ seed: 42 }).data.seed).toBe(42);
    expect(bind(goodDocument()).data).not.toHaveProperty('seed');
    for (const seed of [-1, 1.5, 2 ** 32, '7'])
      expect(mistake(() => changed({ seed }))).toContain('DATA-SEED | seed | seed must be a whole number from 0 to 4294967295');
  });
});

describe('a request that does not fit is refused:', () => {
  test('a missing input or parameter', () => {
    expect(mistake(() => changed({ inputs: {} }))).toBe(
      'DATA-MISSING | inputs.x | inputs.x is missing; cell rnn needs it | Give it as {"shape": [...], "data": [...]}; `recurve inspect rnn --stage signature` shows the shapes.',
    );
    expect(mistake(() => changed({ params: { W: count(4, 2) } }))).toContain(
      'params.U and params.b are missing; cell rnn needs them',
    );
  });

  test('an unknown tensor in any group, with the nearest name', () => {
    expect(mistake(() => changed({ inputs: { X: count(2, 3, 2) } }))).toBe(
      'DATA-NAME | inputs.X | inputs.X is not in cell rnn with these options | Did you mean "x"?',
    );
    const extra = { ...(goodDocument().params as object), W_i: count(4, 2) };
    expect(mistake(() => changed({ params: extra }))).toContain('DATA-NAME | params.W_i');
    expect(code(() => changed({ state: { c: count(3, 4) } }))).toBe('DATA-NAME');
    expect(code(() => changed({ state: { constructor: count(3, 4) } }))).toBe('DATA-NAME');
    expect(code(() => changed({ cotangents: { outputs: { y: count(1) } } }))).toBe('DATA-NAME');
    expect(code(() => changed({ cotangents: { state: { y: count(1) } } }))).toBe('DATA-NAME');
  });

  test('an object member is no parameter', () => {
    const { signature, outputs } = rnn();
    const params = [
      {
        ...signature.params[0],
        name: 'toString',
        shape: ['H', 'I'],
        init: undefined,
        trainable: true,
        span: { file: '', line: 1, column: 1, length: 1 },
      },
    ];
    expect(
      mistake(() => bind({ inputs: { x: count(1, 1, 2) }, params: {} }, { signature: { ...signature, params }, outputs })),
    ).toContain('params.toString is missing');
  });

  test('a wrong number of axes', () => {
    expect(mistake(() => changed({ inputs: { x: count(2, 3) } }))).toBe(
      'DATA-SHAPE | inputs.x | inputs.x has shape [2, 3]; it takes [T, B, I] | Give it 3 axes.',
    );
  });

  test('sizes that disagree, with both sources', () => {
    expect(mistake(() => changed({ params: { W: count(4, 5), U: count(4, 4), b: count(4) } }))).toBe(
      'DATA-SHAPE | params.W | params.W (axis 1, I = 5) makes I = 5, but inputs.x (axis 2, I = 2) makes it 2 | Give every tensor the same size along I.',
    );
    expect(code(() => changed({ state: { h: count(2, 4) } }))).toBe('DATA-SHAPE');
    expect(mistake(() => changed({ cotangents: { outputs: { h: count(3, 3, 4) } } }))).toContain(
      'makes T = 3, but inputs.x (axis 0, T = 2) makes it 2',
    );
    expect(code(() => changed({ cotangents: { state: { h: count(3, 5) } } }))).toBe('DATA-SHAPE');
  });

  test('params and weights together, or neither', () => {
    const weights = { format: 'torch', tensors: {} };
    expect(mistake(() => changed({ weights }))).toMatch(/^DATA-PARAMS \| params \| both params and weights are given/);
    expect(mistake(() => changed({ params: undefined }))).toContain(
      'neither params nor weights are given; cell rnn has W, U and b',
    );
  });

  test('lengths of another count, or beyond T', () => {
    expect(mistake(() => changed({ lengths: [2, 1] }))).toContain(
      'DATA-LENGTHS | lengths | lengths (2 sequences) makes B = 2, but inputs.x (axis 1, B = 3) makes it 3',
    );
    expect(mistake(() => changed({ lengths: [2, 3, 1] }))).toBe(
      'DATA-LENGTHS | lengths | lengths[1] is 3; it must be a whole number from 0 to T = 2 | Give each sequence its number of steps; T is the first axis of the inputs.',
    );
    expect(code(() => changed({ lengths: [] }))).toBe('DATA-LENGTHS');
  });

  test('weights for a cell that has no layout', () => {
    const { signature, outputs } = rnn();
    const mine = { signature: { ...signature, name: 'mine' }, outputs };
    const weights = { format: 'torch', tensors: {} };
    expect(mistake(() => bind({ inputs: { x: count(1, 1, 2) }, weights }, mine))).toContain(
      'WEIGHTS-CELL | weights | cell mine cannot take torch weights: layouts are known for rnn, lstm and gru',
    );
  });
});

describe('a model with two time axes', () => {
  const { signature, outputs } = rnn();
  const [x] = signature.inputs;
  if (x === undefined) throw new Error('an rnn has an input');
  const cell: CellInterface = {
    signature: { ...signature, times: ['T', 'S'], inputs: [x, { ...x, name: 'source', leading: ['S', 'B'] }] },
    outputs,
  };
  const request = (lengths: unknown) =>
    bind({ ...goodDocument(), inputs: { ...(goodDocument().inputs as object), source: count(5, 3, 2) }, lengths }, cell);

  test('has a size of each, and lengths of each or of some', () => {
    expect(request({ T: [2, 1, 2], S: [0, 5, 3] })).toMatchObject({
      sizes: { T: 2, S: 5, B: 3 },
      data: { lengths: { T: [2, 1, 2], S: [0, 5, 3] } },
    });
    expect(request({ S: [0, 5, 3] }).data.lengths).toEqual({ S: [0, 5, 3] });
    expect(request(undefined).data).not.toHaveProperty('lengths');
  });

  test('may have anything past the lengths of the axis that a tensor has, and numbers wherever it is read', () => {
    const whole = {
      signature: { ...cell.signature, inputs: [...cell.signature.inputs, { ...x, name: 'code', leading: ['B'] }] },
    };
    const holed = (name: string, at: number, lengths: unknown) => {
      const inputs = { x: count(2, 3, 2), source: count(5, 3, 2), code: count(3, 2) };
      const given = inputs[name as keyof typeof inputs];
      const data = given.data.map((value, index) => (index === at ? null : value));
      const document = { ...goodDocument(), inputs: { ...inputs, [name]: { ...given, data } }, lengths };
      return mistake(() => bind(document, { ...whole, outputs }));
    };
    const both = { T: [2, 1, 2], S: [1, 5, 3] };
    // Step 1 of sequence 0 is past its length along S, though not along T; step 1 of sequence 1 the other way about.
    expect(holed('source', 6, both)).toBe('no mistake');
    expect(holed('x', 6, both)).toBe(
      'DATA-NONFINITE | inputs.x | inputs.x.data[6] is no finite number, and it is read: it is over T, and within its length | Only what lies past the length of its own sequence may be anything. Look where it comes from.',
    );
    expect(holed('x', 8, both)).toBe('no mistake');
    expect(holed('source', 8, both)).toContain(
      'inputs.source.data[8] is no finite number, and it is read: it is over S, and within',
    );
    expect(holed('source', 8, { T: [2, 1, 2] })).toContain('it is read: it is over S, which has no lengths');
    expect(holed('code', 5, { T: [2, 1, 0], S: [0, 0, 0] })).toContain('it is read: it has no time axis');
  });

  test('may have anything past the lengths of the axis that an output has, where its cotangent is given', () => {
    const face = {
      signature: { ...cell.signature, outputAxes: { h: ['S', 'B'], last: ['B'] } },
      outputs: { ...outputs, last: ['H'] },
    };
    const holed = (h: number, last: number, lengths: unknown) => {
      const hole = ({ data, ...rest }: { data: number[] }, at: number) => ({
        ...rest,
        data: data.map((value, index) => (index === at ? null : value)),
      });
      const inputs = { x: count(2, 3, 2), source: count(5, 3, 2) };
      const cotangents = { outputs: { h: hole(count(5, 3, 4), h), last: hole(count(3, 4), last) } };
      return mistake(() => bind({ ...goodDocument(), inputs, cotangents, lengths }, face));
    };
    expect(holed(59, -1, { T: [2, 2, 2], S: [5, 5, 4] })).toBe('no mistake');
    expect(holed(59, -1, { T: [2, 2, 2], S: [5, 5, 5] })).toContain('it is read: it is over S, and within its length');
    expect(holed(59, -1, { T: [2, 2, 2] })).toContain('cotangents.outputs.h.data[59] is no finite number');
    expect(holed(-1, 8, { T: [0, 0, 0], S: [0, 0, 0] })).toContain('cotangents.outputs.last.data[8] is no finite number');
  });

  test('is told that one array is not of both, which axes there are, and whose number is wrong', () => {
    expect(mistake(() => request([2, 1, 2]))).toBe(
      'DATA-LENGTHS | lengths | lengths is one array, and there are 2 time axes | Write { "T": […], "S": […] }; an axis that is left out has all its steps.',
    );
    expect(mistake(() => request({ U: [1, 1, 1] }))).toMatch(
      /^DATA-LENGTHS \| lengths.U \| lengths.U is of no time axis among T, S/,
    );
    expect(mistake(() => request({ S: [1, 6, 1] }))).toContain('lengths.S[1] is 6; it must be a whole number from 0 to S = 5');
    expect(mistake(() => request({ S: [1, 1] }))).toContain('lengths.S (2 sequences) makes B = 2');
    expect(mistake(() => request({}))).toMatch(/^DATA-LENGTHS \| lengths \| lengths is empty/);
    expect(mistake(() => changed({ lengths: {} }))).toMatch(/^DATA-LENGTHS \| lengths \| lengths is empty/);
    expect(changed({ lengths: { T: [2, 1, 2] } }).data.lengths).toEqual({ T: [2, 1, 2] });
    expect(code(() => request({ S: [1.5, 1, 1] }))).toBe('DATA-LENGTHS');
    expect(code(() => request({ S: 'all' }))).toBe('DATA-TYPE');
  });
});
