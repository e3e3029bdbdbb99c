/** `recurve run`: one data file, or a stream of requests. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { reasonOf } from '../codegen/read-file.js';
import { visible, visibleJson } from '../codegen/visible.js';
import { readRequestFile, toDocument, toJson, toSafetensors, writeBeside } from '../runtime/interop/index.js';
import type { Context, Outcome } from './context.js';
import { deviceEngine, type Engine, referenceEngine } from './engine.js';
import { refuseInput } from './files.js';
import { displayPath } from './paths.js';
import { drawRequest, startRandom } from './random-request.js';
import { type Answered, answer, readyFor } from './requests.js';
import { CellShelf } from './shelf.js';
import { type StreamFlags, serveStream } from './stream.js';
import { loadWeights, type Prepare, type WeightsFlags } from './weights.js';

export interface RunFlags extends WeightsFlags, StreamFlags {
  /** Absent with `random`. */
  readonly data?: string;
  readonly random?: true;
  readonly seed?: number;
  readonly out?: string;
  readonly reference?: true;
}

/**
 * Nothing is written before the whole result is there.
 * @throws RecurveError `RUN-*`, `OUT-FORMAT`, `OUT-INPUT`, `DATA-*`, `WEIGHTS-*`, `RESULT-NONFINITE`; SpecError
 */
export async function run(context: Context, cell: string | undefined, flags: RunFlags): Promise<Outcome> {
  const out = flags.out === '-' ? undefined : flags.out;
  if (flags.data === '-' && out !== undefined) {
    throw new RecurveError({
      code: 'RUN-STREAM',
      message: '--data - answers on stdout, line by line; it takes no --out file',
      fix: 'Write --out - and redirect stdout.',
      where: '--out',
    });
  }
  checkSource(flags);
  await checkStreamFlags(context.io.cwd, flags);
  const encode = out === undefined ? undefined : encoder(out);
  if (out !== undefined) refuseInput(context.io.cwd, out, [flags.data, flags.weights]);
  const shelf = new CellShelf(context.io.cwd);
  const { prepare, readAs, notice } = await loadWeights(context.io.cwd, cell, flags, (name, options) =>
    shelf.get(name, options).face.signature.params.map((param) => param.name),
  );
  for (const line of [readAs, notice]) if (line !== undefined) await context.note(line);
  const assumed = readAs === undefined ? {} : { readAs };
  const engine = flags.reference ? referenceEngine() : deviceEngine(context, flags);
  try {
    if (flags.data === '-') return { text: '', exitCode: await serveStream(context, cell, flags, engine, prepare) };
    const answered =
      flags.data === undefined
        ? await answerRandom(context, cell, flags, engine, prepare, shelf)
        : await answerFile(context, cell, { ...flags, data: flags.data }, engine, prepare, shelf);
    if (out === undefined || encode === undefined)
      return { text: visibleJson(toJson({ ...assumed, ...toDocument(answered.response) })) };
    const path = resolve(context.io.cwd, out);
    await writeBeside(path, encode(answered));
    const { cell: name, sizes } = answered;
    return {
      document: { ok: true, cell: name, dims: sizes, ...assumed, out: path },
      text: `wrote ${displayPath(path, context.io.cwd)}`,
    };
  } finally {
    engine.close();
  }
}

/** Data come from one place. @throws RecurveError `RUN-RANDOM` */
function checkSource({ data, random, seed }: RunFlags): void {
  const fault = (message: string, fix: string, where: string) => new RecurveError({ code: 'RUN-RANDOM', message, fix, where });
  if (data === undefined && !random) {
    throw fault('neither --data nor --random is given', 'Give --data FILE, or --random for a first run.', '--data');
  }
  if (data !== undefined && random) {
    throw fault('--random draws the data that --data gives', 'Leave one of them out.', '--random');
  }
  if (seed !== undefined && !random) {
    const fix = 'Write "seed", of the random masks, or "init": {"seed": …}, of the parameters, into the data.';
    throw fault('--seed is for --random, and --data is given', fix, '--seed');
  }
}

async function checkStreamFlags(cwd: string, { data, maxLine, cells }: RunFlags): Promise<void> {
  if (data !== '-' && (maxLine !== undefined || cells !== undefined)) {
    const flag = cells === undefined ? '--max-line' : '--cells';
    const message = `${flag} is for a stream of requests, and --data is a file`;
    throw new RecurveError({ code: 'RUN-STREAM', message, fix: `Leave ${flag} out, or give --data -.`, where: flag });
  }
  if (cells === undefined) return;
  const found = await stat(resolve(cwd, cells)).catch(reasonOf);
  if (typeof found !== 'string' && found.isDirectory()) return;
  throw new RecurveError({
    code: 'RUN-STREAM',
    message: `--cells ${visible(cells)} is no folder${typeof found === 'string' ? `: ${found}` : ''}`,
    fix: 'Give the folder with the *.cell.ts files that requests may name.',
    where: '--cells',
  });
}

async function answerFile(
  context: Context,
  cell: string | undefined,
  flags: RunFlags & { readonly data: string },
  engine: Engine,
  prepare: Prepare,
  shelf: CellShelf,
): Promise<Answered> {
  const { cwd } = context.io;
  const request = prepare(await readRequestFile(resolve(cwd, flags.data)));
  if (cell !== undefined && request.cell !== undefined && request.cell !== cell) {
    throw new RecurveError({
      code: 'RUN-CELL',
      message: `the command line says ${cell}, but the data is for ${request.cell}`,
      fix: 'Leave one of them out.',
      where: 'cell',
    });
  }
  return answer(request, cell, flags, shelf, engine);
}

/** Says what was drawn: sizes that nobody gave are told. */
async function answerRandom(
  context: Context,
  cell: string | undefined,
  flags: RunFlags,
  engine: Engine,
  prepare: Prepare,
  shelf: CellShelf,
): Promise<Answered> {
  const { seed = 1 } = flags;
  const start = prepare(startRandom(seed));
  const { request, sizes } = drawRequest(start, readyFor(start, cell, flags, shelf), flags.dims, seed);
  const dims = Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`);
  await context.note(`Drawn with --seed ${seed}, for --dims ${dims.join(',')}.`);
  return answer(request, cell, { ...flags, dims: { ...sizes, ...flags.dims } }, shelf, engine);
}

/** By the ending of the file's name. */
function encoder(out: string): (answered: Answered) => string | Uint8Array {
  const ending = /\.[^./\\]+$/.exec(out)?.[0].toLowerCase();
  if (ending === '.json') return ({ response }) => `${toJson(toDocument(response))}\n`;
  if (ending === '.safetensors') return ({ response }) => toSafetensors(response);
  throw new RecurveError({
    code: 'OUT-FORMAT',
    message: `--out ${out} ends neither in .json nor in .safetensors`,
    fix: 'The ending chooses the format of the results.',
    where: '--out',
  });
}
