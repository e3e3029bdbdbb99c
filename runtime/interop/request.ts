import { RecurveError } from '../../codegen/errors.js';
import { readUserFile } from '../../codegen/read-file.js';
import { parseJsonRequest } from './json.js';
import { parseSafetensorsRequest } from './safetensors.js';
import type { RunRequest } from './types.js';

/**
 * Reads a request from a file.
 *
 * @throws RecurveError `DATA-FILE` where it cannot be read, else as `readRequest`
 */
export async function readRequestFile(path: string): Promise<RunRequest> {
  return readRequest(readBytes(path, '--data'), path);
}

/**
 * @param flag the command line's option that names the file
 * @throws RecurveError `DATA-FILE`
 */
export function readBytes(path: string, flag: '--data' | '--weights'): Uint8Array {
  return readUserFile(path, { code: 'DATA-FILE', fix: `Give ${flag} an existing file.` });
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
    throw new RecurveError({ code: 'DATA-EMPTY', message: `${fileName} is empty`, where: fileName });
  }
  return isSafetensors(bytes, fileName)
    ? parseSafetensorsRequest(bytes, fileName)
    : parseJsonRequest(decode(bytes, fileName), fileName);
}

function isSafetensors(bytes: Uint8Array, fileName: string): boolean {
  const extension = /\.(safetensors|json|jsonl|ndjson)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension !== undefined) return extension === 'safetensors';
  // The header's length never fills its eight bytes, and JSON text never holds a zero byte.
  return bytes.subarray(0, 8).includes(0);
}

function decode(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const tooLong = bytes.length >= 2 ** 29 - 24;
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
