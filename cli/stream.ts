/** `recurve run --data - --out -`: a request a line in, an answer a line out, in order. */
import { RecurveError } from '../codegen/errors.js';
import { parseJsonRequest, toDocument, toJson } from '../runtime/interop/index.js';
import type { Context } from './context.js';
import type { Engine } from './engine.js';
import { splitLines } from './lines.js';
import type { Flags } from './program.js';
import { type CliExit, errorDocument } from './report.js';
import { answer, CellShelf } from './requests.js';
import type { Prepare } from './weights.js';

/**
 * Serves until stdin ends. One request at a time: the next line is read when this one's answer has been taken,
 * so that a fast writer or a slow reader costs no memory. Blank lines are skipped.
 *
 * @returns 0, however many requests were refused; 3 if the adapter was missing or the device was lost on the way
 */
export async function serveStream(
  context: Context,
  cell: string | undefined,
  flags: Pick<Flags, 'dims' | 'set'>,
  engine: Engine,
  prepare: Prepare,
): Promise<CliExit> {
  const { stdin, stdout } = context.io;
  const shelf = new CellShelf(context.io.cwd);
  let exitCode: CliExit = 0;
  let number = 0;
  for await (const line of splitLines(stdin)) {
    number++;
    if (line.trim() === '') continue;
    let reply: string;
    try {
      const { response } = await answer(prepare(parseJsonRequest(line, `line ${number}`)), cell, flags, shelf, engine);
      reply = toJson({ ok: true, ...toDocument(response) });
    } catch (error) {
      if (error instanceof RecurveError && error.exitCode === 3) {
        exitCode = 3;
        // A lost device takes its plans with it; the next request gets a new one.
        engine.close();
      }
      reply = JSON.stringify({ ok: false, ...errorDocument(error) });
    }
    await stdout.write(`${reply}\n`);
  }
  return exitCode;
}
