/** Mistakes on the command line, in what it names, and in the requests that it streams. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { Conversation } from '../../bench/peers/torch/conversation.js';
import { processIo } from '../../cli/io.js';
import { parseCellSource, resolveOptions } from '../../codegen/frontend/index.js';
import { sizeOf } from '../../runtime/data.js';
import { withLock } from '../../runtime/files/lock.js';
import { stackedOptions } from '../../runtime/interop/stack/uniform.js';
import { bytes, recurve } from '../cli/harness.js';
import { cellOf } from '../frontend/specs.js';
import { type Witness, witness } from './witness.js';

interface Surroundings {
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** In the working folder. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A command line, with `--json`, in a folder of its own; what it or the first answer of its stream says is wrong. */
const cli = (line: string, found: string, { stdin, files = {} }: Surroundings = {}): Witness =>
  witness(async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'recurve-codes-'));
    try {
      mkdirSync(join(cwd, 'folder'));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
      const { stdout } = await recurve([...line.split(' '), '--json'], { cwd, stdin });
      const { error }: { error?: unknown } = JSON.parse(stdout.split('\n')[0] ?? '');
      throw error ?? new Error(`\`recurve ${line}\` reports no error`);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  }, found);
const stream = (line: string, request: string, found: string) =>
  cli(`run ${line} --data - --reference`.replace('  ', ' '), found, { stdin: bytes(`${request}\n`) });

async function* failing(cause: Error): AsyncGenerator<Uint8Array> {
  yield* bytes('');
  throw cause;
}

const OPTIONS = "{ kind: choice('a', 'b'), fast: flag(false), slope: real(1, { min: 0, max: 2 }) }";
const option = (given: Readonly<Record<string, string>>, found: string) =>
  witness(() => resolveOptions(parseCellSource('mine.cell.ts', cellOf({ options: OPTIONS })), given), found);

/** A cell whose dim `N` is the sum of two others. */
const JOINED = cellOf({
  imports: "import { cell, concat, mat, matvec, tanh, vec } from 'recurve';",
  dims: "['I', 'H', 'N']",
  params: "{ W: mat('H', 'N') }",
  body: "return { h: tanh(matvec(p.W, concat('N', x, h))) };",
});

export const COMMAND = {
  'STRATEGY-UNKNOWN': cli('bench rnn --strategy fast', '"fast"'),
  'STRATEGY-REFUSED': cli('inspect lstm --strategy thread', 'no loop of lstm can run as thread'),
  'BENCH-REPORT': cli('bench rnn --compare old.json', 'old.json is no report', { files: { 'old.json': '{}' } }),
  'CELL-FILE': cli('check nowhere.cell.ts', 'nowhere.cell.ts'),
  'CELL-JAVASCRIPT': cli('check mine.js', 'mine.js is JavaScript', { files: { 'mine.js': '' } }),
  'CELL-OUTSIDE': stream('', '{"cell": "../other.cell.ts"}', '../other.cell.ts'),
  'CELL-UNKNOWN': cli('check lstn', '"lstn"'),
  'DIMS-MISSING': witness(() => sizeOf({ T: 3 }, 'H'), 'dim H'),
  'DIMS-RULE': cli('inspect mine.cell.ts --dims I=2,H=2,N=3', 'N', { files: { 'mine.cell.ts': JOINED } }),
  'DIMS-SIZE': cli('check rnn --dims T=0', 'the size 0'),
  'DIMS-SYNTAX': cli('check rnn --dims T', '"T"'),
  'DIMS-TWICE': cli('check rnn --dims T=1,T=2', 'T twice'),
  'DIMS-UNKNOWN': cli('inspect rnn --dims Q=3', 'no dim Q'),
  'OPTION-RANGE': option({ slope: '3' }, '`slope` cannot be 3'),
  'OPTION-TYPE': option({ fast: 'often' }, '`often`'),
  'OPTION-UNKNOWN': option({ slow: 'true' }, '`slow`'),
  'OPTION-VALUE': option({ kind: 'c' }, '`c`'),
  'SET-SYNTAX': cli('check rnn --set relu', '"relu"'),
  'SET-TWICE': cli('check rnn --set clip=1 --set clip=2', 'clip twice'),
  'TRACE-UNKNOWN': cli('gradients rnn --trace q --reference --dims T=2', 'q'),
  'GRADIENTS-MODEL': cli('gradients stack', 'stack is a model'),
  'GRADIENTS-STATE': cli('gradients rnn --state q --reference --dims T=2', 'no state q'),

  USAGE: cli('frobnicate', "'frobnicate'"),
  'CWD-MISSING': witness(() => {
    const gone = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    });
    try {
      return processIo().cwd;
    } finally {
      gone.mockRestore();
    }
  }, 'the working folder is gone'),
  'GENERATE-TWICE': cli('generate rnn rnn --out folder', 'named rnn'),
  'IMPORT-STACK': witness(() => {
    const layer = { cell: 'gru', options: {}, free: {}, directions: 1, reverse: false } as const;
    const [first, second] = [
      { I: 2, H: 3 },
      { I: 3, H: 4 },
    ].map((sizes, k) => ({ ...layer, label: `GRU_${k}`, sizes }));
    return stackedOptions(first && second ? [first, second] : [], 'gru');
  }, 'GRU_1 has H = 4'),
  'IMPORT-USAGE': cli('import model.onnx --node LSTM_0', '--node'),
  'MEMORY-SIZE': cli('inspect rnn --memory 1e6', '"1e6"'),
  'MAX-LINE': cli('run --data - --max-line long', '"long"'),
  'NEW-KIND': cli('new mine --model --from gru', 'gru is a cell'),
  'NEW-HELPER': cli('new mine --from rnn', 'activation.ts', { files: { 'activation.ts': 'another' } }),
  'NEW-NAME': cli('new a/b', '"a/b"'),
  'OUT-BUSY': witness(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'recurve-busy-'));
    const lock = join(folder, '.recurve.lock');
    writeFileSync(lock, String(process.pid));
    // Held for ever: its time stays ahead of the clock, which goes fast.
    const start = Date.now();
    utimesSync(lock, start / 1000 + 3600, start / 1000 + 3600);
    let looks = 0;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => start + 20_000 * looks++);
    try {
      return await withLock(folder, () => {});
    } finally {
      clock.mockRestore();
      rmSync(folder, { recursive: true });
    }
  }, 'recurve-busy-'),
  'OUT-EXISTS': cli('new mine', 'mine.cell.ts', { files: { 'mine.cell.ts': '' } }),
  'OUT-FILE': cli('generate rnn --out taken', '--out taken', { files: { taken: '' } }),
  'OUT-FORMAT': cli('run rnn --data data.json --out results.csv', 'results.csv'),
  'OUT-INPUT': cli('run rnn --data data.json --out ./data.json', 'data.json', { files: { 'data.json': '{}' } }),
  'OUT-WRITE': cli('generate rnn --out taken/inner', 'taken', { files: { taken: '' } }),
  'PEER-FAILED': witness(async () => {
    await new Conversation('a peer', [process.execPath, '-e', 'process.exit(3)'], process.env).ask(20);
  }, 'ended with code 3'),
  'RUN-CELL': stream('', '{}', 'names no cell'),
  'RUN-DIMS': stream('rnn --dims I=3', '{"inputs": {"x": {"shape": [1, 1, 1], "data": [1]}}, "init": {}}', '--dims makes I = 3'),
  'RUN-LINE': stream('rnn --max-line 8', '{"inputs": {}}', 'line 1 is longer than 8 bytes'),
  'RUN-OPTION': stream('rnn --set activation=relu', '{"options": {"activation": "tanh"}}', 'activation=relu'),
  'RUN-RANDOM': cli('run rnn --random --data data.json', '--random draws the data'),
  'RUN-STREAM': cli('run rnn --data - --out results.json', '--out'),
  'RUN-WEIGHTS': cli('run rnn --data data.json --prefix encoder', '--prefix'),
  CLIP: cli('gradients rnn --clip 0', '--clip is "0"'),
  SCALE: cli('check rnn --scale 0', '"0"'),
  SEED: cli('gradients rnn --seed one', '"one"'),
  STDIN: cli('run rnn --data - --reference', 'EISDIR', {
    stdin: failing(Object.assign(new Error('EISDIR'), { code: 'EISDIR', syscall: 'read', errno: -21 })),
  }),
  INTERNAL: cli('run rnn --data - --reference', 'a bug', { stdin: failing(new Error('a bug')) }),
} as const satisfies Readonly<Record<string, Witness>>;
