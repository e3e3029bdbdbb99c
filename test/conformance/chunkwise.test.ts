/** Matrix memories that take many steps at once: what they read is what single steps read, wherever chunks are cut. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { compile } from '../../codegen/index.js';
import type { Plan, Sizes, Target } from '../../codegen/plan.js';
import { differingBits } from '../../runtime/compare.js';
import { adopt } from '../../runtime/device/adopt.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { builtIn, fromText, prepare } from './compare-cell.js';
import { missed, scannedPlan, taken } from './scanned.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

const WORDS = [
  'blocks',
  'broadcast',
  'cell',
  'delay',
  'dot',
  'exp',
  'map',
  'mat',
  'matvec',
  'max',
  'mean',
  'outer',
  'dropout',
  'scalar',
  'select',
  'sigmoid',
  'sqrt',
  'sum',
  'tanh',

  'vec',
];

interface Written {
  readonly inputs?: string;
  readonly params?: string;
  readonly state?: string;
  readonly step: string;
}

const STATE = "S: mat('V', 'K')";
const cellOf = ({ inputs = "k: vec('K'), q: vec('K'), v: vec('V'), z: scalar()", params = '', state = STATE, step }: Written) => {
  const names = (text: string) => [...text.matchAll(/(\w+):/g)].map(([, name]) => name).join(', ');
  const used = WORDS.filter((word) => new RegExp(`\\b${word}\\(`).test(`${inputs} ${params} ${state} ${step}`));
  const dims = /'N'/.test(inputs) ? "'N', 'K', 'V'" : "'K', 'V'";
  // What is not named is no output: a memory that is one is kept for every step.
  const [, returned = ''] = /return \{(.*)\};/.exec(step) ?? [];
  const outputs = [...returned.matchAll(/(\w+):/g)].flatMap(([, name]) => (name === 'S' || name === 'n' ? [] : [`'${name}'`]));
  return fromText(`import { ${[...new Set([...used, 'cell'])].join(', ')} } from 'recurve';
    export default cell({ name: 'memory', dims: [${dims}], inputs: { ${inputs} }, params: { ${params} }, state: { ${state} },
      outputs: [${outputs.join(', ')}],
      step({ ${names(inputs)} }, { ${names(state)} }, { ${names(params)} }) { ${step} } });`);
};

const HEADS = "k: map('N', 'K'), q: map('N', 'K'), v: map('N', 'V'), z: vec('N')";

const MEMORIES: Readonly<Record<string, Written>> = {
  'linear attention': { step: 'const n = S + outer(v, k); return { S: n, y: matvec(n, q) };' },
  'a decay that is learned': {
    params: 'g: scalar()',
    step: 'const n = sigmoid(g + 2) * S + outer(v, k); return { S: n, y: matvec(n, q) };',
  },
  'a decay of the input, read before and behind': {
    step: 'const a = sigmoid(z); const n = a * S + (1 - a) * outer(v, k); return { S: n, y: matvec(n, q), before: matvec(S, k) };',
  },
  'a constant decay, and writes that are differences': {
    step: 'const n = 0.9 * S - outer(v, k) + 0.5 * outer(tanh(v), q); return { S: n, y: matvec(S, q) };',
  },
  'a quotient': { step: 'const n = S / (1.1 + sigmoid(z)) + outer(v, k); return { S: n, y: z * matvec(n, q) };' },
  'the delta rule': {
    step: 'const k1 = k / sqrt(dot(k, k) + 1); const n = S + outer(sigmoid(z) * (v - matvec(S, k1)), k1); return { S: n, y: matvec(n, q) };',
  },
  'an erasure with a decay, of what was read otherwise': {
    step:
      'const a = sigmoid(z); const k1 = k / sqrt(dot(k, k) + 1); const q1 = q / sqrt(dot(q, q) + 2);' +
      ' const n = a * S - outer(0.3 * matvec(a * S, q1), k1) + outer(v, k1); return { S: n, y: matvec(n, k), r: matvec(S, q1) };',
  },
  'a memory that lies the other way': {
    state: "S: mat('K', 'V')",
    step: "const n = sigmoid(z) * S + outer(k, v); return { S: n, y: sum(n * broadcast(q, 'K', 'V'), 'K') };",
  },
  'heads with a decay each': {
    inputs: HEADS,
    state: "S: map('N', 'V', 'K')",
    step: `const w = broadcast(v, 'N', 'V', 'K') * broadcast(k, 'N', 'V', 'K');
      const n = broadcast(sigmoid(z), 'N', 'V', 'K') * S + w; return { S: n, y: sum(n * broadcast(q, 'N', 'V', 'K'), 'K') };`,
  },
  'heads with an erasure each': {
    inputs: HEADS,
    state: "S: map('N', 'V', 'K')",
    step: `const ks = broadcast(k / broadcast(sqrt(sum(k * k, 'K') + 1), 'N', 'K'), 'N', 'V', 'K');
      const found = sum(S * ks, 'K'); const b = broadcast(sigmoid(z), 'N', 'V');
      const n = S + broadcast(b * (v - found), 'N', 'V', 'K') * ks; return { S: n, y: sum(n * broadcast(q, 'N', 'V', 'K'), 'K') };`,
  },
  'a divisor that is a memory of keys alone': {
    state: "S: mat('V', 'K'), n: vec('K')",
    step: 'const a = sigmoid(z); const s = a * S + outer(v, k); const m = a * n + k; return { S: s, n: m, y: matvec(s, q) / max(dot(m, q), 1) };',
  },
  'keys of a state before it, and a state of what is read behind it': {
    params: "U: mat('V', 'V'), P: mat('K', 'K')",
    state: "S: mat('V', 'K'), h: vec('V'), p: vec('K')",
    step: `const key = tanh(matvec(P, p) + k); const n = sigmoid(z) * S + outer(v, key);
      return { S: n, p: key, h: tanh(matvec(U, h) + matvec(n, q)) };`,
  },
  'a key of the step before, and draws': {
    step: 'const n = 0.8 * S + outer(dropout(v, 0.3), delay(k, 1)); return { S: n, y: matvec(n, q) };',
  },
};

const sizesFor = (written: Written, T: number): Sizes => ({
  T,
  B: 3,
  K: 6,
  V: 5,
  ...(/'N'/.test(written.inputs ?? '') ? { N: 2 } : {}),
});

describe('a memory taken chunk by chunk', () => {
  it.each(Object.keys(MEMORIES))(
    'agrees with the reference, ragged, both ways, at lengths around its chunks: %s',
    async (name) => {
      const written = MEMORIES[name] ?? { step: '' };
      const prepared = prepare(cellOf(written), sizesFor(written, 70));
      const plan = scannedPlan(device, prepared, {}, 'chunkwise');
      const loops = [...plan.forward, ...plan.backward].flatMap((item) =>
        item.kind === 'loop' && item.chunk ? [item.choice] : [],
      );
      expect(loops.map((choice) => [choice?.name, choice?.allowed[0]])).toEqual([
        ['forward_loop', 'chunkwise'],
        ['backward_loop', 'chunkwise'],
      ]);
      expect(await missed(device, prepared, plan, [70, 33, 1, 32, 64, 65])).toEqual([]);
    },
    120_000,
  );

  it.each(['mlstm', 'delta-rule'])(
    'serves the built-in %s, also without immediates',
    async (name) => {
      const prepared = prepare(builtIn(name), { T: 45, B: 2, I: 5, K: 5, V: 6, ...(name === 'mlstm' ? { N: 2 } : {}) });
      const plan = scannedPlan(device, prepared, {}, 'chunkwise');
      expect(await missed(adopt(device.device), prepared, plan, [45, 31])).toEqual([]);
    },
    120_000,
  );

  it('keeps the states of all steps nowhere: only those that chunks begin with', () => {
    const prepared = prepare(builtIn('delta-rule'), { T: 1024, B: 1, I: 16, K: 64, V: 64 });
    const bytes = (plan: Plan) => plan.buffers.reduce((sum, { bytes: own }) => sum + own, 0);
    const [chunks, steps] = (['chunkwise', 'stepwise'] as const).map((strategy) => scannedPlan(device, prepared, {}, strategy));
    expect(chunks && steps && bytes(steps) / bytes(chunks)).toBeGreaterThan(3);
  });

  it('is what runs where an adapter has no room for the states of all steps', () => {
    const prepared = prepare(builtIn('delta-rule'), { T: 1024, B: 1, I: 16, K: 64, V: 64 });
    const small = { maxBindingBytes: 2 ** 23, maxBufferBytes: 2 ** 23 };
    const plan = scannedPlan(device, prepared, small, 'chosen');
    expect(taken(plan)).toEqual([['chunkwise'], ['chunkwise']]);
    const [loop] = plan.forward.flatMap((item) => (item.kind === 'loop' ? [item.choice] : []));
    expect(loop?.refused.stepwise).toMatch(/more memory than the adapter has/);
    expect(() => scannedPlan(device, prepared, small, 'stepwise')).toThrow(/LIMIT|more than this adapter/);
  });

  it('is chosen on hardware where there are many steps, and on a processor where it saves a third of the work', () => {
    const at = (sizes: Sizes, target: Partial<Target>, cell = 'delta-rule') =>
      taken(scannedPlan(device, prepare(builtIn(cell), sizes), target, 'chosen'))[0];
    const hardware = { software: false, subgroup: 32 };
    expect(at({ T: 512, B: 1, I: 4, K: 8, V: 8 }, hardware)).toEqual(['chunkwise']);
    expect(at({ T: 16, B: 1, I: 4, K: 8, V: 8 }, hardware)).not.toEqual(['chunkwise']);
    expect(at({ T: 512, B: 1, I: 4, K: 8, V: 8 }, {})).not.toEqual(['chunkwise']);
    expect(at({ T: 512, B: 1, I: 64, N: 1, K: 128, V: 128 }, {}, 'mlstm')).toContain('chunkwise');
    // Once its stabilizer is known, the memory of an mLSTM runs in lanes of their own.
    expect(at({ T: 512, B: 1, I: 64, N: 1, K: 32, V: 32 }, {}, 'mlstm')).toEqual(['thread', 'thread']);
  });

  it.each([
    ['the delta rule', 'v', 4],
    ['a decay of the input, read before and behind', 'z', 1],
  ])('does not let what is no number reach steps before it: %s', async (name, input, units) => {
    const prepared = prepare(cellOf(MEMORIES[name] ?? { step: '' }), { T: 8, B: 1, K: 4, V: 4 });
    const { signature, outputs, sizes } = prepared;
    const layer = await load(
      device,
      compile(prepared.tree, { ...prepared, gradients: false, target: device.target, strategy: 'chunkwise' }),
    );
    const data = randomData(signature, sizes, outputs, { seed: 3 });
    const { outputs: clean } = await layer.run({ ...data, cotangents: undefined });
    const given = data.inputs[input];
    if (given === undefined) throw new Error(`no input ${input}`);
    const broken = { ...given, data: Float32Array.from(given.data, (value, at) => (at >= 5 * units ? Number.NaN : value)) };
    const { outputs: found } = await layer.run({ ...data, inputs: { ...data.inputs, [input]: broken }, cotangents: undefined });
    layer.destroy();
    expect([...(found.y?.data.subarray(0, 5 * 4) ?? [])]).toEqual([...(clean.y?.data.subarray(0, 5 * 4) ?? [1])]);
    expect([...(found.y?.data.subarray(5 * 4) ?? [])].every(Number.isNaN)).toBe(true);
  });

  it('gives the same bits whatever ran before', async () => {
    const prepared = prepare(builtIn('mlstm'), { T: 70, B: 2, I: 5, N: 2, K: 5, V: 6 });
    const { signature, outputs, sizes } = prepared;
    const layer = await load(device, scannedPlan(device, prepared, {}, 'chunkwise'));
    const short = randomData(signature, { ...sizes, T: 34 }, outputs, { seed: 1 });
    const first = await layer.run(short);
    await layer.run(randomData(signature, sizes, outputs, { seed: 2, scale: 50 }));
    expect(differingBits(await layer.run(short), first)).toEqual([]);
    layer.destroy();
  });
});

describe('what is no such memory, with the reason', () => {
  const refusalOf = (written: Written, request: Partial<Parameters<typeof compile>[1]> = {}): string => {
    const prepared = prepare(cellOf(written), sizesFor(written, 9));
    try {
      compile(prepared.tree, { ...prepared, gradients: true, target: device.target, strategy: 'chunkwise', ...request });
    } catch (error) {
      if (error instanceof RecurveError && error.code === 'STRATEGY-REFUSED') return error.message;
      throw error;
    }
    return 'none';
  };
  it.each<[string, Written, RegExp]>([
    ['a slope of its own', { step: 'const n = tanh(S) + outer(v, k); return { S: n, y: matvec(n, q) };' }, /`tanh`/],
    ['an output', { step: 'const n = S + outer(v, k); return { S: n, y: matvec(n, q), all: 2 * n };' }, /all of it is an output/],
    ['a delay', { step: 'const n = S + outer(v, k); return { S: n, y: matvec(delay(S, 2), q) };' }, /delay/],
    [
      'sums along both axes',
      { step: "const n = S + outer(v, k); return { S: n, y: matvec(n, q), r: sum(n * broadcast(v, 'V', 'K'), 'V') };" },
      /two axes/,
    ],
    [
      'keys that come through it',
      { step: 'const n = S + outer(v, k * mean(matvec(S, q))); return { S: n, y: matvec(n, q) };' },
      /keys that come through it/,
    ],
    [
      'what is written is no affine function',
      { step: 'const n = S + outer(tanh(matvec(S, q)), k); return { S: n, y: matvec(n, q) };' },
      /not affine in one read/,
    ],
    [
      'two erasures',
      { step: 'const n = S - outer(0.1 * matvec(S, k), k) - outer(0.1 * matvec(S, q), q); return { S: n, y: matvec(n, q) };' },
      /2 reads/,
    ],
    [
      'a decay for each key',
      { step: "const n = broadcast(sigmoid(k), 'V', 'K') * S + outer(v, k); return { S: n, y: matvec(n, q) };" },
      /decays by a number of its own/,
    ],
    [
      'an erasure of each value by itself',
      { step: 'const n = S + outer(sigmoid(v) * (v - matvec(S, k)), k); return { S: n, y: matvec(n, q) };' },
      /more than a number a head/,
    ],
    ['no matrix', { step: 'const n = tanh(matvec(S, q)); return { S: outer(n, k), y: n };' }, /next value is not made of it/],
  ])('%s', (_, written, why) => {
    expect(refusalOf(written)).toMatch(why);
  });

  it('a cotangent that is clipped, and values that are traced', () => {
    const written = MEMORIES['linear attention'] ?? { step: '' };
    expect(refusalOf(written)).toBe('none');
    expect(refusalOf(written, { clip: 1 })).toMatch(/clipped/);
    expect(refusalOf(written, { trace: ['n'] })).toMatch(/traced/);
  });
});
