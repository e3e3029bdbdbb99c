/** A request as a file or a line holds it, in either form; safetensors/request.ts reads the one of safetensors. */
import { RecurveError } from '../../codegen/errors.js';
import { readUserFile } from '../../codegen/read-file.js';
import { emptyFile, ofAnotherKind } from './containers/identify.js';
import { parseJsonRequest } from './json.js';
import { MOST_JSON_BYTES } from './limits.js';
import { parseSafetensorsRequest, startsAsSafetensors } from './safetensors.js';
import type { RunRequest } from './types.js';

/**
 * Reads a request from a file.
 *
 * @throws RecurveError `DATA-FILE` where it cannot be read, else as `readRequest`
 */
export async function readRequestFile(path: string): Promise<RunRequest> {
  const most = /\.json$/i.test(path) ? MOST_JSON_BYTES : undefined;
  return readRequest(readUserFile(path, { code: 'DATA-FILE', fix: 'Give --data an existing file.', most }), path);
}

/**
 * Reads a request from a file's bytes: safetensors or JSON, by the file's name or else by its first bytes.
 * The form is checked here; `bindRequest` holds it to a cell.
 *
 * @param fileName used in messages and to tell the formats apart; need not exist
 * @throws RecurveError `DATA-*`, `SAFETENSORS-*`, `WEIGHTS-FORMAT`; never anything else, whatever the bytes
 */
export function readRequest(bytes: Uint8Array, fileName: string): RunRequest {
  if (bytes.length === 0) {
    throw emptyFile(fileName);
  }
  const other = startsAsSafetensors(bytes) ? undefined : ofAnotherKind(bytes, fileName, 'DATA-FILE');
  if (other) throw other;
  return isSafetensors(bytes, fileName) ? parseSafetensorsRequest(bytes, fileName) : readJsonRequest(bytes, fileName);
}

/**
 * Reads a request from the bytes of a JSON text.
 *
 * @throws RecurveError `DATA-*` and `WEIGHTS-FORMAT`
 */
export function readJsonRequest(bytes: Uint8Array, source: string): RunRequest {
  return parseJsonRequest(decode(bytes, source), source);
}

function isSafetensors(bytes: Uint8Array, fileName: string): boolean {
  if (startsAsSafetensors(bytes)) return true;
  const extension = /\.(safetensors|json|jsonl|ndjson)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension !== undefined) return extension === 'safetensors';
  // The header's length never fills its eight bytes, and JSON text never holds a zero byte.
  return bytes.subarray(0, 8).includes(0) && markOf(bytes) === undefined;
}

/** UTF-16, which Windows programs write, by its byte order mark. */
function markOf([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

function decode(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder(markOf(bytes) ?? 'utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const tooLong = bytes.length > MOST_JSON_BYTES;
    throw new RecurveError(
      {
        code: tooLong ? 'DATA-TOO-LARGE' : 'DATA-UTF8',
        message: tooLong ? `${fileName} is too large for JSON (${bytes.length} bytes)` : `${fileName} is not UTF-8 text`,
        fix: tooLong ? 'Save it as safetensors.' : 'Save it as UTF-8 JSON, or as *.safetensors.',
        where: fileName,
      },
      { cause },
    );
  }
}
