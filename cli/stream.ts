/** `recurve run --data - --out -`: a request a line in, an answer a line out, in order. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { isSystemError, reasonOf } from '../codegen/read-file.js';
import { visibleJson } from '../codegen/visible.js';
import { readJsonRequest, toDocument, toJson } from '../runtime/interop/index.js';
import type { Context } from './context.js';
import type { Engine } from './engine.js';
import type { Flags } from './flags.js';
import { splitLines, TOO_LONG } from './lines.js';
import { type CliExit, errorDocument } from './report.js';
import { answer } from './requests.js';
import { CellShelf } from './shelf.js';
import type { Prepare } from './weights.js';

/** Bytes of a request unless `--max-line` says otherwise. */
export const LONGEST_LINE = 64_000_000;

export interface StreamFlags extends Pick<Flags, 'dims' | 'set'> {
  /** Bytes. */
  readonly maxLine?: number;
  /** The folder below which a request may name a cell's file (default: the working folder). */
  readonly cells?: string;
}

/**
 * Serves until stdin ends, or nothing takes the answers. One request at a time: the next line is read when this one's
 * answer has been taken, so that a fast writer or a slow reader costs no memory. Blank lines are skipped.
 *
 * @returns 0, however many requests were refused; 3 if the adapter was missing or the device was lost on the way
 * @throws RecurveError `STDIN`
 */
export async function serveStream(
  context: Context,
  cell: string | undefined,
  flags: StreamFlags,
  engine: Engine,
  prepare: Prepare,
): Promise<CliExit> {
  const { cwd, stdin, stdout } = context.io;
  const longest = flags.maxLine ?? LONGEST_LINE;
  const shelf = new CellShelf(cwd, { given: cell, folder: resolve(cwd, flags.cells ?? '.') });
  let exitCode: CliExit = 0;
  let number = 0;
  for await (const line of splitLines(readable(stdin), longest)) {
    number++;
    if (line !== TOO_LONG && isBlank(line)) continue;
    const source = `line ${number}`;
    let reply: string;
    try {
      if (line === TOO_LONG) throw tooLong(source, longest);
      const { response } = await answer(prepare(readJsonRequest(line, source)), cell, flags, shelf, engine);
      reply = toJson({ ok: true, ...toDocument(response) });
    } catch (error) {
      if (error instanceof RecurveError && error.exitCode === 3) {
        exitCode = 3;
        // A lost device takes its plans with it; the next request gets a new one.
        engine.close();
      }
      reply = JSON.stringify({ ok: false, ...errorDocument(error) });
    }
    await stdout.write(`${visibleJson(reply)}\n`);
    if (stdout.failure !== undefined) break;
  }
  return exitCode;
}

/** Spaces, tabs and the half of a line break that Windows adds. */
function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function tooLong(source: string, longest: number): RecurveError {
  return new RecurveError({
    code: 'RUN-LINE',
    message: `${source} is longer than ${longest} bytes`,
    fix: 'Send smaller batches, or allow longer lines with --max-line, such as --max-line 256MB.',
    where: source,
  });
}

/** A folder as stdin, or a terminal that went away, is no defect of ours. */
async function* readable(stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stdin;
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new RecurveError(
      {
        code: 'STDIN',
        message: `stdin cannot be read: ${reasonOf(cause)}`,
        fix: 'Pipe the requests in, one a line.',
        where: 'stdin',
      },
      { cause },
    );
  }
}
