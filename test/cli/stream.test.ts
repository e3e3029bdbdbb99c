import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Io, Output } from '../../cli/io.js';
import { newCellSource } from '../../cli/new-cell.js';
import { runCli } from '../../cli/program.js';
import { bytes, type Ran, recurve, scratchFolder } from './harness.js';
import { goodRequest } from './requests.js';

const cwd = scratchFolder();
const good = JSON.stringify({ cell: 'rnn', ...goodRequest('rnn') });
const STREAM = ['run', '--data', '-', '--reference'];

interface Answer {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

function answersOf({ stdout }: Pick<Ran, 'stdout'>): Answer[] {
  const lines = stdout.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as Answer);
}

const codes = (ran: Pick<Ran, 'stdout'>) => answersOf(ran).map(({ ok, error }) => (ok ? 'ok' : error?.code));

async function serve(stdin: AsyncIterable<Uint8Array>, argv: readonly string[] = [], where = cwd): Promise<Ran> {
  const ran = await recurve([...STREAM, ...argv], { cwd: where, stdin });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return ran;
}

describe('a stream of requests', () => {
  it('answers a line that is too long, keeps none of it and goes on', async () => {
    const piece = Buffer.alloc(1_000_000, 'y');
    let largest = 0;
    async function* stdin(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"x":"');
      for (let count = 0; count < 300; count++) {
        yield piece;
        largest = Math.max(largest, process.memoryUsage().arrayBuffers);
      }
      yield Buffer.from(`"}\n${good}\n`);
    }
    const before = process.memoryUsage().arrayBuffers;
    const ran = await serve(stdin(), ['--max-line', '8MB']);
    expect(codes(ran)).toEqual(['RUN-LINE', 'ok']);
    expect(answersOf(ran)[0]?.error?.message).toBe('line 1 is longer than 8000000 bytes');
    expect(largest - before).toBeLessThan(100_000_000);
  });

  it('takes lines up to exactly the bytes that --max-line allows', async () => {
    const length = Buffer.byteLength(good);
    expect(codes(await serve(bytes(`${good}\n${good}\n`), ['--max-line', String(length)]))).toEqual(['ok', 'ok']);
    expect(codes(await serve(bytes(`${good}\n${good}`), ['--max-line', String(length - 1)]))).toEqual(['RUN-LINE', 'RUN-LINE']);
  });

  it.each(['0', '-1', '1e6', '64 XB', '2GB', ''])('refuses --max-line %j', async (size) => {
    const ran = await recurve([...STREAM, `--max-line=${size}`], { cwd, stdin: bytes('') });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('error MAX-LINE') });
  });

  it('takes line breaks of Windows, blank lines, a byte-order mark and a last line without its break', async () => {
    expect(codes(await serve(bytes(`\ufeff${good}\r\n\r\n \t\r\n\n${good}`)))).toEqual(['ok', 'ok']);
    expect(codes(await serve(bytes('')))).toEqual([]);
    expect(codes(await serve(bytes('\n\n')))).toEqual([]);
  });

  it('answers bytes that are no text, and text that is no JSON, one line each', async () => {
    async function* stdin(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(0x22, 0xff, 0xfe, 0x22, 10);
      yield Uint8Array.of(0xed, 0xa0, 0x80, 10);
      yield Buffer.from('{"a\0": 1}\n\0\n');
      yield Buffer.from('[1]\n"cell"\n1e999\n{"inputs": 1}\n{"cell": {}}\n');
      yield Buffer.from(`${good}\n`);
    }
    expect(codes(await serve(stdin()))).toEqual([
      'DATA-UTF8',
      'DATA-UTF8',
      'DATA-JSON',
      'DATA-JSON',
      'DATA-TYPE',
      'DATA-TYPE',
      'DATA-TYPE',
      'DATA-TYPE',
      'DATA-TYPE',
      'ok',
    ]);
  });

  it('refuses what is nested for ever, or made of a million parts, before it is parsed', async () => {
    const deep = '['.repeat(5_000_000);
    const stdin = bytes(
      `${deep}\n`,
      `{"inputs": ${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}\n`,
      `{"inputs": {"x": {"shape": [1], "data": [${'[],'.repeat(1_000_001)}1]}}}\n`,
      `{"inputs": {"x": "${'['.repeat(200)}\\""}}\n`,
      `${good}\n`,
    );
    expect(codes(await serve(stdin))).toEqual(['DATA-NESTED', 'DATA-NESTED', 'DATA-TOO-LARGE', 'DATA-TYPE', 'ok']);
  });

  it('says so where results do not fit the memory, and goes on', async () => {
    const tensor = (shape: number[]) => ({ shape, data: Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) });
    const huge = { cell: 'rnn', inputs: { x: tensor([1, 200_000, 1]) }, params: {} };
    // A cell whose results are far larger than its data: every unit repeats the input.
    const wide = newWide();
    writeFileSync(join(cwd, 'wide.cell.ts'), wide);
    const request = { ...huge, cell: './wide.cell.ts', params: { b: tensor([90_000]) } };
    expect(codes(await serve(bytes(`${JSON.stringify(request)}\n${good}\n`)))).toEqual(['DATA-TOO-LARGE', 'ok']);
  });

  it('refuses results that are far larger than their data before anything of their size is made', async () => {
    const tensor = (...shape: number[]) => ({ shape, data: Array(shape.reduce((a, b) => a * b, 1)).fill(0.5) });
    writeFileSync(join(cwd, 'wide.cell.ts'), newWide());
    const request = (T: number, B: number, H: number, more: object = {}) =>
      JSON.stringify({ cell: 'wide.cell.ts', inputs: { x: tensor(T, B, 1) }, params: { b: tensor(H) }, ...more });
    const stdin = [
      request(100_000, 1, 10_000),
      request(1, 100_000, 10_000),
      // The results fit, but not what the reference keeps for gradients.
      request(20_000, 1, 10_000, { cotangents: { outputs: {}, state: {} } }),
      good,
    ];
    const before = process.memoryUsage().arrayBuffers;
    const ran = await serve(bytes(...stdin.map((line) => `${line}\n`)));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
    expect(answersOf(ran).map(({ ok, error }) => (ok ? 'ok' : `${error?.code}: ${error?.message}`))).toEqual([
      'DATA-TOO-LARGE: the results would have 1000010000 elements, more than 536870912: outputs.h alone has the shape [100000, 1, 10000]',
      'DATA-TOO-LARGE: the results would have 2000000000 elements, more than 536870912: outputs.h alone has the shape [1, 100000, 10000]',
      expect.stringMatching(/^DATA-TOO-LARGE: the reference would keep \d+ numbers of all steps, more than 536870912$/),
      'ok',
    ]);
  });

  it('ends with a reason where stdin cannot be read, after the answers so far', async () => {
    async function* stdin(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${good}\n`);
      throw Object.assign(new Error('EISDIR: illegal operation on a directory, read'), {
        code: 'EISDIR',
        errno: -21,
        syscall: 'read',
      });
    }
    const ran = await recurve(STREAM, { cwd, stdin: stdin() });
    expect(ran.code).toBe(2);
    expect(codes(ran)).toEqual(['ok']);
    expect(ran.stderr).toBe(
      'error STDIN: stdin cannot be read: illegal operation on a directory\nfix: Pipe the requests in, one a line.\n',
    );
  });

  it('reads no further when nobody takes the answers', async () => {
    let asked = 0;
    async function* stdin(): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked++;
        yield Buffer.from(`${good}\n`);
      }
    }
    const stdout = new Failing('EPIPE', 2);
    const io: Io = { stdin: stdin(), stdout, stderr: new Failing('none', 1e9), cwd, env: {} };
    expect(await runCli(STREAM, io)).toBe(0);
    expect(asked).toBe(3);
  });

  it('makes what a request names visible, and its answer stays one line of JSON', async () => {
    const cell = 'a\u001b]0;owned\u0007\u009b\u2028\n';
    const ran = await serve(bytes(`${JSON.stringify({ cell, inputs: { [cell]: 1 } })}\n${JSON.stringify({ cell })}\n`));
    expect(answersOf(ran)).toHaveLength(2);
    expect(ran.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  });

  it('takes names that every object has for names', async () => {
    const tensor = '{"shape":[1],"data":[1]}';
    const lines = ['inputs', 'state', 'params', 'options'].flatMap((group) =>
      ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) =>
        good.replace(`"${group}":{`, `"${group}":{"${name}":${group === 'options' ? 1 : tensor},`).replace(':1,}', ':1}'),
      ),
    );
    const answers = codes(await serve(bytes(lines.map((line) => `${line}\n`).join(''), `{"__proto__":{"cell":"rnn"}}\n`)));
    expect(answers).toHaveLength(17);
    for (const code of answers) expect(code).toMatch(/^(DATA|OPTION|BIND)-[A-Z]+$/);
  });
});

describe('a cell that a request names', () => {
  const folder = join(cwd, 'served');
  const text = newCellSource('mine');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  mkdirSync(join(folder, 'dir.cell.ts'));
  mkdirSync(join(cwd, 'private'));
  writeFileSync(join(cwd, 'private', 'mine.cell.ts'), text);
  writeFileSync(join(cwd, 'private', 'secret.ts'), 'export const password = 1234;\n');
  writeFileSync(join(folder, 'mine.cell.ts'), text);
  writeFileSync(join(folder, 'sub', 'mine.cell.ts'), text);
  writeFileSync(join(folder, 'notes.ts'), 'const password = 1234;\n');
  symlinkSync('../private/mine.cell.ts', join(folder, 'out.cell.ts'));
  symlinkSync('../private', join(folder, 'away'));
  symlinkSync('sub/mine.cell.ts', join(folder, 'in.cell.ts'));
  symlinkSync('notes.ts', join(folder, 'dressed.cell.ts'));

  const tried: readonly [string, string][] = [
    ['mine.cell.ts', 'found'],
    ['./mine.cell.ts', 'found'],
    ['sub/../sub/mine.cell.ts', 'found'],
    [join(folder, 'mine.cell.ts'), 'found'],
    ['in.cell.ts', 'found'],
    ['rnn', 'found'],
    ['../private/mine.cell.ts', 'CELL-OUTSIDE'],
    ['../served/../private/mine.cell.ts', 'CELL-OUTSIDE'],
    [join(cwd, 'private', 'mine.cell.ts'), 'CELL-OUTSIDE'],
    ['out.cell.ts', 'CELL-OUTSIDE'],
    ['away/mine.cell.ts', 'CELL-OUTSIDE'],
    ['away/secret.ts', 'CELL-OUTSIDE'],
    ['/etc/passwd', 'CELL-OUTSIDE'],
    ['/nowhere/at.all.cell.ts', 'CELL-OUTSIDE'],
    ['/dev/zero', 'CELL-OUTSIDE'],
    ['notes.ts', 'CELL-FILE'],
    ['dressed.cell.ts', 'CELL-FILE'],
    ['dir.cell.ts', 'CELL-FILE'],
    ['gone.cell.ts', 'CELL-FILE'],
    ['mine.cell.ts/x.cell.ts', 'CELL-FILE'],
    ['z\0.cell.ts', 'CELL-FILE'],
    [`${'n'.repeat(300)}.cell.ts`, 'CELL-FILE'],
    ['.', 'CELL-UNKNOWN'],
    ['./', 'CELL-OUTSIDE'],
    ['', 'CELL-UNKNOWN'],
    ['constructor', 'CELL-UNKNOWN'],
    ['__proto__', 'CELL-UNKNOWN'],
  ];

  it('is built in, or a spec below --cells, or below the working folder', async () => {
    const lines = tried.map(([cell]) => `${JSON.stringify({ cell })}\n`);
    for (const [argv, where] of [
      [['--cells', 'served'], cwd],
      [['--cells', folder], '/'],
      [[], folder],
    ] as const) {
      const ran = await serve(bytes(...lines), argv, where);
      // A cell that was found has no inputs in these requests.
      expect(codes(ran).map((code) => (code?.startsWith('DATA') ? 'found' : code))).toEqual(tried.map(([, code]) => code));
      expect(ran.stdout).not.toMatch(/password|1234/);
    }
  });

  it('may be any path where the command line itself gives it', async () => {
    const { params } = goodRequest('rnn');
    const given = '../private/mine.cell.ts';
    const stdin = bytes('{}\n', `${JSON.stringify({ cell: given, params })}\n`, '{"cell": "../private/other.cell.ts"}\n');
    const ran = await recurve(['run', given, '--data', '-', '--reference'], { cwd: folder, stdin });
    expect(codes(ran).map((code) => code?.split('-')[0])).toEqual(['DATA', 'DATA', 'CELL']);
  });

  it('needs a folder, and a stream', async () => {
    for (const argv of [
      ['--cells', 'gone'],
      ['--cells', 'served/mine.cell.ts'],
      ['--cells', 'z\0'],
    ]) {
      expect(await recurve([...STREAM, ...argv], { cwd, stdin: bytes('') })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('error RUN-STREAM: --cells'),
      });
    }
    writeFileSync(join(cwd, 'd.json'), good);
    expect(await recurve(['run', '--data', 'd.json', '--cells', '.'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('error RUN-STREAM: --cells is for a stream'),
    });
  });
});

function newWide(): string {
  return `import { cell, scalar, vec } from 'recurve';
export default cell({
  name: 'wide', dims: ['I', 'H'], inputs: { x: vec('I') }, state: { h: vec('H') }, params: { b: vec('H') },
  step({ x }, { h }, p) { return { h: h * 0.5 + p.b + sum(x) }; },
});
`.replace('scalar', 'sum');
}

/** Takes so many writes and then fails. */
class Failing implements Output {
  readonly isTTY = false;
  failure: NodeJS.ErrnoException | undefined;
  #left: number;

  constructor(
    readonly code: string,
    left: number,
  ) {
    this.#left = left;
  }

  async write(): Promise<void> {
    if (this.#left-- <= 0) this.failure = Object.assign(new Error(`${this.code}: no more, write`), { code: this.code });
  }
}
