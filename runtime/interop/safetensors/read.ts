/**
 * Reads the safetensors container: eight bytes with the header's length, a JSON header, the data.
 * Everything the format demands is checked, holes and overlaps included: a file that is off by one byte
 * would otherwise give wrong numbers instead of an error.
 */
import type { ErrorCode } from '../../../codegen/error-codes.js';
import { RecurveError } from '../../../codegen/errors.js';
import { elements } from '../../data.js';
import { describe, quote, shapeText } from '../describe.js';
import { duplicateKey } from '../duplicates.js';
import { isObject, type JsonObject } from '../fields.js';
import { dtypeNamed } from './dtypes.js';
import type { StoredTensor } from './stored.js';

/** The format's own bound. */
const LARGEST_HEADER = 100_000_000;

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

interface Extent {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly start: number;
  readonly end: number;
}

/** Whether a header's length, which never fills its eight bytes, and a header's brace stand first. */
export function startsAsSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b && bytes.subarray(5, 8).every((byte) => byte === 0);
}

/** @throws RecurveError `SAFETENSORS-*` */
export function readSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  const dataStart = headerEnd(bytes, source);
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, dataStart), source);
  const data = bytes.subarray(dataStart);
  const extents = Object.entries(entries).map(([name, entry]) => extentOf(name, entry, source));
  checkCoverage(extents, data.length, source);
  return {
    metadata: checkMetadata(metadata, source),
    tensors: Object.fromEntries(
      extents.map(({ name, dtype, shape, start, end }) => [name, { dtype, shape, bytes: data.subarray(start, end) }]),
    ),
  };
}

const SAVE_AGAIN = 'The file is damaged, or what wrote it is at fault: copy it again, or save it with the library safetensors.';

function fail(code: Extract<ErrorCode, `SAFETENSORS-${string}`>, message: string, where: string, fix = SAVE_AGAIN): RecurveError {
  return new RecurveError({ code, message, where, fix });
}

/** Where the data starts. */
function headerEnd(bytes: Uint8Array, source: string): number {
  if (bytes.length < 8) {
    throw fail(
      'SAFETENSORS-TRUNCATED',
      `${source} has ${bytes.length} bytes; a safetensors file starts with 8 of header length`,
      source,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > LARGEST_HEADER) {
    throw fail(
      'SAFETENSORS-HEADER-SIZE',
      `${source} states a header of ${length} bytes; at most ${LARGEST_HEADER} are allowed`,
      source,
      'This is probably not a safetensors file. JSON data goes in a file named *.json.',
    );
  }
  const end = 8 + Number(length);
  if (end > bytes.length) {
    throw fail('SAFETENSORS-TRUNCATED', `${source} ends at byte ${bytes.length}, within its header of ${length} bytes`, source);
  }
  return end;
}

function parseHeader(bytes: Uint8Array, source: string): JsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RecurveError(
      { code: 'SAFETENSORS-UTF8', message: `the header of ${source} is not UTF-8`, fix: SAVE_AGAIN, where: source },
      { cause },
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new RecurveError(
      { code: 'SAFETENSORS-JSON', message: `the header of ${source} is not JSON`, fix: SAVE_AGAIN, where: source },
      { cause },
    );
  }
  if (!isObject(header) || !text.startsWith('{')) {
    throw fail('SAFETENSORS-HEADER', `the header of ${source} must be an object, found ${describe(header)}`, source);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw fail('SAFETENSORS-DUPLICATE', `the header of ${source} has ${quote(twice)} twice`, source);
  return header;
}

function checkMetadata(metadata: unknown, source: string): Readonly<Record<string, string>> {
  if (!isObject(metadata)) {
    throw fail('SAFETENSORS-METADATA', `__metadata__ of ${source} must be an object, found ${describe(metadata)}`, source);
  }
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => {
      if (typeof value === 'string') return [key, value];
      throw fail(
        'SAFETENSORS-METADATA',
        `__metadata__ ${quote(key)} of ${source} must be a string, found ${describe(value)}`,
        source,
      );
    }),
  );
}

function extentOf(name: string, entry: unknown, source: string): Extent {
  const where = quote(name);
  if (!isObject(entry)) {
    throw fail('SAFETENSORS-HEADER', `${where} of ${source} must be an object, found ${describe(entry)}`, where);
  }
  const { dtype: type, shape, data_offsets: offsets } = entry;
  if (typeof type !== 'string')
    throw fail('SAFETENSORS-DTYPE', `${where} of ${source} has dtype ${describe(type)}`, where, 'Save it as F32.');
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw fail('SAFETENSORS-HEADER', `the shape of ${where} in ${source} must be an array of whole numbers`, where);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw fail('SAFETENSORS-HEADER', `data_offsets of ${where} in ${source} must be two whole numbers`, where);
  }
  const [start = 0, end = 0] = offsets;
  // Only a tensor that is needed must be of a type that we know: a checkpoint may hold masks and quantized layers too.
  const width = dtypeNamed(type)?.bytes;
  const expected = elements(shape) * (width ?? 0);
  if (width === undefined ? end < start : end - start !== expected) {
    throw fail(
      'SAFETENSORS-BYTES',
      `${where} of ${source} spans ${end - start} bytes, but ${type} of shape ${shapeText(shape)} takes ${expected}`,
      where,
    );
  }
  return { name, dtype: type, shape, start, end };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The tensors must tile the data: in order, without overlap or hole, to its last byte. */
function checkCoverage(extents: readonly Extent[], length: number, source: string): void {
  let reached = 0;
  for (const { name, start, end } of [...extents].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const where = quote(name);
    if (end > length) {
      throw fail(
        'SAFETENSORS-TRUNCATED',
        `${where} of ${source} ends at byte ${end} of the data, which has ${length}`,
        where,
        'The file was cut short; copy it again.',
      );
    }
    if (start !== reached) {
      const fault = start < reached ? 'overlaps the tensor before it' : `leaves ${start - reached} bytes before it unused`;
      throw fail('SAFETENSORS-OFFSETS', `${where} of ${source} ${fault}`, where);
    }
    reached = end;
  }
  if (reached !== length) {
    throw fail('SAFETENSORS-TRAILING', `${source} has ${length - reached} bytes behind its last tensor`, source);
  }
}
