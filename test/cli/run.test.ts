import { existsSync, linkSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../runtime/interop/index.js';
import { initialValues } from '../../runtime/layer/init.js';
import { bytes, documentOf, recurve, scratchFolder } from './harness.js';
import { goodRequest, type RequestJson } from './requests.js';

const cwd = scratchFolder();

function dataFile(name: string, request: object): string {
  writeFileSync(join(cwd, name), JSON.stringify(request));
  return name;
}

const data = dataFile('gru.json', goodRequest('gru'));

interface Results {
  outputs: Record<string, { shape: number[]; data: number[] }>;
  state: Record<string, { shape: number[]; data: number[] }>;
  gradients?: Record<string, Record<string, { shape: number[]; data: number[] }>>;
}

describe('an output file that is an input', () => {
  it('is refused by whatever path or link, and the input stays as it was', async () => {
    const own = dataFile('own.json', goodRequest('gru'));
    const before = readFileSync(join(cwd, own), 'utf8');
    symlinkSync(own, join(cwd, 'symbolic.json'));
    linkSync(join(cwd, own), join(cwd, 'hard.json'));
    for (const out of ['own.json', join(cwd, own), 'symbolic.json', 'hard.json']) {
      const ran = await recurve(['run', 'gru', '--data', own, '--out', out, '--reference', '--json'], { cwd });
      expect(ran.code).toBe(2);
      expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-INPUT' } });
      expect(readFileSync(join(cwd, own), 'utf8')).toBe(before);
    }
  });

  it('is refused where it is the weights, too', async () => {
    const weights = dataFile('weights.safetensors', {});
    for (const argv of [
      ['run', 'gru', '--data', data],
      ['gradients', 'gru'],
    ]) {
      const out = argv[0] === 'run' ? weights : 'weights.json';
      if (out !== weights) linkSync(join(cwd, weights), join(cwd, out));
      const ran = await recurve([...argv, '--weights', weights, '--out', out, '--reference', '--json'], { cwd });
      expect(documentOf(ran)).toMatchObject({ error: { code: 'OUT-INPUT' } });
    }
  });
});

describe('run on data that are drawn', () => {
  const result = async (argv: readonly string[]) => documentOf(await recurve(['run', ...argv], { cwd })) as Results;

  it('needs no file: sizes are told, a seed gives the same numbers, another gives others', async () => {
    const first = ['rnn', '--random', '--reference'];
    const ran = await recurve(['run', ...first], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: 'Drawn with --seed 1, for --dims T=16,B=8,I=16,H=32.\n' });
    expect((documentOf(ran) as Results).outputs.h?.shape).toEqual([16, 8, 32]);
    expect(await result([...first, '--seed', '1'])).toEqual(documentOf(ran));
    expect(await result([...first, '--seed', '2'])).not.toEqual(documentOf(ran));
    const small = await result([...first, '--dims', 'T=3,B=2,H=5']);
    expect(small.outputs.h?.shape).toEqual([3, 2, 5]);
  });

  it('draws with init what the data leave out, as the library does, on the device and in the reference', async () => {
    const { params, ...rest } = goodRequest('gru');
    const [path, shape] = ['params.U_r', params.U_r?.shape ?? []];
    const values = [...initialValues('orthogonal', shape, 7, path)];
    const drawn = dataFile('init.json', { ...rest, init: { seed: 7 } });
    const given = dataFile('init-given.json', { ...rest, params: { U_r: { shape, data: values } }, init: { seed: 7 } });
    const exact = await result(['gru', '--data', drawn, '--reference']);
    expect(await result(['gru', '--data', given, '--reference'])).toEqual(exact);
    const other = dataFile('init-other.json', { ...rest, params: { U_r: params.U_r }, init: { seed: 7 } });
    expect(await result(['gru', '--data', other, '--reference'])).not.toEqual(exact);
    const kernels = await result(['gru', '--data', drawn, '--adapter', 'swiftshader']);
    kernels.outputs.h?.data.forEach((value, at) => {
      expect(value).toBeCloseTo(exact.outputs.h?.data[at] ?? Number.NaN, 5);
    });
  });

  it('refuses data beside it, neither, a seed without it, and an init that is none', async () => {
    for (const argv of [['--random', '--data', data], [], ['--data', data, '--seed', '3']]) {
      const ran = await recurve(['run', 'gru', ...argv, '--reference', '--json'], { cwd });
      expect(ran.code).toBe(2);
      expect(documentOf(ran)).toMatchObject({ error: { code: 'RUN-RANDOM' } });
    }
    const wrong = dataFile('init-wrong.json', { ...goodRequest('gru'), init: { seed: -1 } });
    const ran = await recurve(['run', 'gru', '--data', wrong, '--reference', '--json'], { cwd });
    expect(documentOf(ran)).toMatchObject({ error: { code: 'DATA-SEED', where: 'init.seed' } });
  });
});

describe('run on a file', () => {
  it('prints outputs, final state and the gradient of everything', async () => {
    const ran = await recurve(['run', 'gru', '--data', data, '--reference'], { cwd });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const results = documentOf(ran) as Results;
    expect(results.outputs.h?.shape).toEqual([4, 2, 5]);
    expect(results.state.h?.shape).toEqual([2, 5]);
    expect(Object.keys(results.gradients ?? {})).toEqual(['inputs', 'state', 'params']);
    expect(Object.keys(results.gradients?.params ?? {})).toEqual(Object.keys(goodRequest('gru').params));
  });

  it('refuses a rate in the data that is no probability, on the device and without one', async () => {
    writeFileSync(
      join(cwd, 'rate.cell.ts'),
      `import { cell, dropout, scalar, vec } from 'recurve';
      export default cell({ name: 'rate', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') },
        params: { rate: scalar({ init: 0.1, trainable: false }) },
        step({ x }, { h }, p) { return { h: dropout(x + h, p.rate) }; } });`,
    );
    const rated = (rate: number) =>
      dataFile('rate.json', {
        inputs: { x: { shape: [1, 1, 1], data: [1] } },
        params: { rate: { shape: [], data: [rate] } },
        options: { training: true },
      });
    for (const [rate, code] of [
      [1.5, 2],
      [-0.25, 2],
      [1, 0],
    ] as const) {
      for (const where of [['--reference'], ['--adapter', 'swiftshader']]) {
        const ran = await recurve(['run', 'rate.cell.ts', '--data', rated(rate), ...where], { cwd });
        expect(ran).toMatchObject({ code, ...(code === 2 ? { stdout: '' } : {}) });
        if (code === 2)
          expect(ran.stderr).toContain(`error DATA-RATE: params.rate is ${rate}, and the rate of a random mask is from 0 to 1`);
      }
    }
  });

  it('prints the same document with --json, and alone', async () => {
    const plain = await recurve(['run', 'gru', '--data', data, '--reference'], { cwd });
    const json = await recurve(['run', 'gru', '--data', data, '--reference', '--json'], { cwd });
    expect(json).toEqual(plain);
  });

  it('gives no gradients where there are no cotangents', async () => {
    const { cotangents: _, ...forward } = goodRequest('gru');
    const ran = await recurve(['run', 'gru', '--data', dataFile('forward.json', forward), '--reference'], { cwd });
    expect(documentOf(ran)).not.toHaveProperty('gradients');
  });

  it('gives on the device what the reference gives', async () => {
    const device = documentOf(await recurve(['run', 'gru', '--data', data], { cwd })) as Results;
    const reference = documentOf(await recurve(['run', 'gru', '--data', data, '--reference'], { cwd })) as Results;
    const [actual, expected] = [device, reference].map(({ gradients }) => gradients?.params?.U_n?.data ?? []);
    expect(actual).toHaveLength(25);
    for (const [index, value] of (expected ?? []).entries()) expect(actual?.[index]).toBeCloseTo(value, 4);
  });

  it('takes the cell from the file where none is given, and refuses two that differ', async () => {
    const named = dataFile('named.json', { ...goodRequest('rnn'), cell: 'rnn' });
    expect((await recurve(['run', '--data', named, '--reference'], { cwd })).code).toBe(0);
    const two = await recurve(['run', 'gru', '--data', named, '--reference'], { cwd });
    expect(two.code).toBe(2);
    expect(two.stderr).toContain('error RUN-CELL: the command line says gru, but the data is for rnn');
    const none = await recurve(['run', '--data', data, '--reference'], { cwd });
    expect(none.stderr).toContain('error RUN-CELL: the request names no cell and no <cell> is given');
  });

  it('refuses --set and --dims that contradict the data', async () => {
    const before = dataFile('before.json', goodRequest('gru', { reset: 'before' }));
    const set = await recurve(['run', 'gru', '--data', before, '--reference', '--set', 'reset=after'], { cwd });
    expect(set).toMatchObject({ code: 2, stderr: expect.stringContaining('error RUN-OPTION') });
    const dims = await recurve(['run', 'gru', '--data', data, '--reference', '--dims', 'H=6'], { cwd });
    expect(dims).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error RUN-DIMS: --dims makes H = 6, but params\.\S+ \(axis 0, H = 5\) makes it 5\n/),
    });
    const unknown = await recurve(['run', 'gru', '--data', data, '--reference', '--dims', 'Q=6'], { cwd });
    expect(unknown.stderr).toContain('error DIMS-UNKNOWN: cell gru has no dim Q with these options; it has T, B, I, H');
  });

  /** A queue of the last N inputs, of which concat says N = 1 + M. */
  const QUEUE = `import { cell, concat, slice, vec } from 'recurve';
export default cell({
  name: 'queue', dims: ['N', 'M'], inputs: { x: vec(1) }, state: { s: vec('N') }, params: {},
  step({ x }, { s }) { return { s: concat('N', x, slice(s, 'M', 0)) }; },
});
`;
  it('finds the size of a dim that no tensor has from one that follows from it', async () => {
    writeFileSync(join(cwd, 'queue.cell.ts'), QUEUE);
    const x = { shape: [2, 1, 1], data: [1, 2] };
    const given = dataFile('queue.json', { inputs: { x }, state: { s: { shape: [1, 4], data: [5, 6, 7, 8] } } });
    for (const where of [['--reference'], ['--adapter', 'swiftshader']]) {
      const ran = await recurve(['run', 'queue.cell.ts', '--data', given, ...where], { cwd });
      expect((documentOf(ran) as Results).state.s?.data).toEqual([2, 1, 5, 6]);
    }
    const without = dataFile('no-state.json', { inputs: { x } });
    const refused = await recurve(['run', 'queue.cell.ts', '--data', without, '--reference'], { cwd });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('error DATA-SIZE-UNKNOWN') });
    for (const dims of ['N=4', 'M=3']) {
      const ran = await recurve(['run', 'queue.cell.ts', '--data', without, '--reference', '--dims', dims], { cwd });
      expect((documentOf(ran) as Results).state.s?.data).toEqual([2, 1, 0, 0]);
    }
    const against = await recurve(['run', 'queue.cell.ts', '--data', given, '--reference', '--dims', 'M=2'], { cwd });
    expect(against).toMatchObject({ code: 2, stderr: expect.stringContaining('error DIMS-RULE') });
  });

  it('writes JSON or safetensors by the ending of --out', async () => {
    const printed = await recurve(['run', 'gru', '--data', data, '--reference'], { cwd });
    const json = await recurve(['run', 'gru', '--data', data, '--reference', '--out', 'out.json'], { cwd });
    expect(json).toEqual({ code: 0, stdout: 'wrote out.json\n', stderr: '' });
    expect(readFileSync(join(cwd, 'out.json'), 'utf8')).toBe(printed.stdout);
    await recurve(['run', 'gru', '--data', data, '--reference', '--out', 'out.safetensors'], { cwd });
    const { tensors } = readSafetensors(readFileSync(join(cwd, 'out.safetensors')), 'out.safetensors');
    const results = documentOf(printed) as Results;
    expect(Object.keys(Object.fromEntries(Object.entries(tensors)))).toContain('gradients.params.U_n');
    expect(results.outputs.h?.data).toHaveLength(40);
  });

  it('refuses another ending before it runs anything', async () => {
    const ran = await recurve(['run', 'gru', '--data', 'nowhere.json', '--out', 'out.npz'], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('error OUT-FORMAT') });
  });

  it('keeps an older result and leaves nothing behind when the data is bad', async () => {
    writeFileSync(join(cwd, 'kept.json'), 'older');
    const good = goodRequest('gru');
    const bad = dataFile('bad.json', { ...good, lengths: good.lengths.map((length) => (length === 4 ? 9 : length)) });
    const before = readdirSync(cwd).sort();
    const ran = await recurve(['run', 'gru', '--data', bad, '--reference', '--out', 'kept.json'], { cwd });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/error DATA-LENGTHS: lengths\[\d\] is 9;/);
    expect(readFileSync(join(cwd, 'kept.json'), 'utf8')).toBe('older');
    expect(readdirSync(cwd).sort()).toEqual(before);
  });

  it('refuses results that are not finite, by tensor and place, with exit code 1 and no file', async () => {
    const huge = { ...goodRequest('rnn', { activation: 'relu' }), lengths: undefined, cotangents: undefined };
    for (const tensor of Object.values(huge.params)) tensor.data.fill(1e30);
    huge.inputs.x?.data.fill(1e30);
    const ran = await recurve(['run', 'rnn', '--data', dataFile('huge.json', huge), '--out', 'huge.out.json'], { cwd });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^error RESULT-NONFINITE: outputs\.h\[0, 0, 0\] came out as Infinity from finite data: .+/m);
    expect(existsSync(join(cwd, 'huge.out.json'))).toBe(false);
  });
});

describe('run on a stream', () => {
  const line = (request: Partial<RequestJson>) => `${JSON.stringify(request)}\n`;
  const small = (cell: string, seed: number): RequestJson => ({ cell, ...goodRequest(cell, {}, { seed }) });
  const answers = (stdout: string) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as { ok: boolean });

  it('answers line by line in order, a bad request in the middle included', async () => {
    const stdin = bytes(
      line(small('gru', 1)),
      line({ ...small('gru', 2), lengths: [1, 2, 3] }),
      '\n',
      'not json\n',
      line({ ...small('gru', 3), cell: 'grr' }),
      line(small('rnn', 4)),
    );
    const ran = await recurve(['run', '--data', '-', '--out', '-', '--reference'], { cwd, stdin });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(answers(ran.stdout)).toMatchObject([
      { ok: true, outputs: { h: { shape: [4, 2, 5] } } },
      { ok: false, error: { code: 'DATA-LENGTHS' } },
      { ok: false, error: { code: 'DATA-JSON', message: expect.stringContaining('line 4') } },
      { ok: false, error: { code: 'CELL-UNKNOWN' } },
      { ok: true, outputs: { h: { shape: [4, 2, 5] } } },
    ]);
  });

  it('puts lines together however the bytes arrive, the last one without its line break too', async () => {
    const text = `${line(small('rnn', 1))}\r\n${line(small('rnn', 2))}`.trimEnd();
    const pieces = text.match(/[\s\S]{1,977}/g) ?? [];
    const whole = await recurve(['run', '--data', '-', '--reference'], { cwd, stdin: bytes(text) });
    const cut = await recurve(['run', '--data', '-', '--reference'], { cwd, stdin: bytes(...pieces) });
    expect(answers(whole.stdout)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(cut.stdout).toBe(whole.stdout);
  });

  it('reads a line only when the answer before it is out', async () => {
    const log: string[] = [];
    async function* stdin() {
      for (let index = 0; index < 4; index++) {
        log.push(`asked ${index}`);
        yield Buffer.from(line(small('rnn', index)));
      }
    }
    const { runCli } = await import('../../cli/program.js');
    const stdout = { isTTY: false, write: async () => void log.push('answered') };
    await runCli(['run', '--data', '-', '--reference'], { stdin: stdin(), stdout, stderr: stdout, cwd, env: {} });
    expect(log).toEqual([0, 1, 2, 3].flatMap((index) => [`asked ${index}`, 'answered']));
  });

  it('uses <cell> where a line names none, and reuses compiled plans on the device', async () => {
    const requests = [1, 2, 3].map((seed) => line(goodRequest('rnn', {}, { seed })));
    const ran = await recurve(['run', 'rnn', '--data', '-', '--out', '-'], { cwd, stdin: bytes(...requests) });
    expect(answers(ran.stdout)).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
    const single = await recurve(['run', 'rnn', '--data', dataFile('third.json', goodRequest('rnn', {}, { seed: 3 }))], { cwd });
    expect(answers(ran.stdout)[2]).toEqual({ ok: true, ...(JSON.parse(single.stdout) as object) });
  });

  it('takes no --out file', async () => {
    const ran = await recurve(['run', 'rnn', '--data', '-', '--out', 'x.json'], { cwd });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('error RUN-STREAM') });
  });
});
