/** Reads the container: a file's bytes to the `ModelProto` of the ONNX schema (https://onnx.ai/onnx/repo-docs/IR.html). */
import { type DescField, type DescMessage, fromBinary, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { RecurveError } from '../../../codegen/errors.js';
import { onnxError } from './errors.js';

/** Messages within messages; a graph within a graph takes three. The library's own 100 is 33 graphs. */
const MOST_NESTED = 600;
/** Messages of a file: each takes some hundred bytes of memory, whatever its own size. */
const MOST_MESSAGES = 5_000_000;
/** Bytes of listed integers, which become as many objects, that count as a message. */
const LISTED = 16;
/** From this version of the format on, a model states its operator sets. */
const IR_WITH_OPSETS = 3n;

/**
 * @param source what to call the file in messages
 * @throws RecurveError `ONNX-NOT-A-MODEL`, `ONNX-TRUNCATED`, `ONNX-CORRUPT`
 */
export function decodeModel(bytes: Uint8Array, source: string): ModelProto {
  checkOutline(bytes, source);
  checkSize(bytes, source);
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false, recursionLimit: MOST_NESTED + 1 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw onnxError('ONNX-CORRUPT', `${source} is damaged: ${reason}`, source, { fix: COPY_AGAIN, cause });
  }
  if (model.irVersion < 1n) throw notAModel(source, 'it states no ir_version');
  if (!model.graph) throw truncated(source, bytes, 'before its graph');
  if (model.irVersion >= IR_WITH_OPSETS && model.opsetImport.length === 0) {
    throw truncated(source, bytes, 'before its opset_import, which every model has behind its graph');
  }
  return model;
}

/**
 * Walks the outermost records alone. A protobuf has no signature and no checksum: a length that reaches beyond the
 * file is what tells a model that was cut short, and field types are what tell another kind of file.
 */
function checkOutline(bytes: Uint8Array, source: string): void {
  if (bytes.length === 0) throw notAModel(source, 'it is empty');
  const reader = new BinaryReader(bytes);
  let known = 0;
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    let name = 'a record';
    try {
      const [number, wireType] = reader.tag();
      const field = ModelProtoSchema.fields.find((candidate) => candidate.number === number);
      const isNumber = field?.fieldKind === 'scalar' && field.scalar === ScalarType.INT64;
      const expected = isNumber ? WireType.Varint : WireType.LengthDelimited;
      if (field && wireType !== expected) throw new Error(`${field.name} has another type`);
      if (!field && wireType !== WireType.Varint && wireType !== WireType.LengthDelimited) throw new Error('a type of no record');
      name = field?.name ?? name;
      if (wireType === WireType.LengthDelimited) skipBytes(reader, bytes.length);
      else reader.skip(wireType);
      if (field) known++;
    } catch (cause) {
      const cut = cause instanceof RangeError;
      if (cut && (known > 0 || name === 'graph')) throw truncated(source, bytes, `within ${name}, which starts at byte ${start}`);
      throw notAModel(source, `byte ${start} starts no record of a model`, bytes, cause);
    }
  }
}

/**
 * Counts messages and their depth before any is made: a small file must not become a large heap, nor a deep one a deep
 * stack. What is malformed ends the walk; decoding tells.
 */
function checkSize(bytes: Uint8Array, source: string): void {
  const reader = new BinaryReader(bytes);
  const open: { readonly fields: ReadonlyMap<number, DescField>; readonly end: number }[] = [
    { fields: fieldsOf(ModelProtoSchema), end: bytes.length },
  ];
  let messages = 0;
  try {
    for (let top = open.at(-1); top; top = open.at(-1)) {
      if (reader.pos >= top.end) {
        open.pop();
        continue;
      }
      const [number, wireType] = reader.tag();
      const field = top.fields.get(number);
      if (wireType !== WireType.LengthDelimited) {
        reader.skip(wireType);
        continue;
      }
      const length = reader.uint32();
      const message = field?.fieldKind === 'message' || field?.fieldKind === 'list' ? field.message : undefined;
      const big = field?.fieldKind === 'list' && field.listKind === 'scalar' && LISTS_OF_OBJECTS.has(field.scalar);
      messages += message ? 1 : big ? length / LISTED : 0;
      if (messages > MOST_MESSAGES) throw onnxError('ONNX-SIZE', `${source} has more than ${MOST_MESSAGES} parts`, source);
      if (!message) reader.pos += length;
      else open.push({ fields: fieldsOf(message), end: Math.min(reader.pos + length, top.end) });
      if (open.length > MOST_NESTED) {
        throw onnxError(
          'ONNX-NESTING',
          `${source} has parts within parts, such as graphs, more than ${MOST_NESTED} deep`,
          source,
        );
      }
    }
  } catch (error) {
    if (error instanceof RecurveError) throw error;
  }
}

const LISTS_OF_OBJECTS = new Set([ScalarType.INT64, ScalarType.UINT64, ScalarType.STRING, ScalarType.BYTES]);
const known = new Map<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(message: DescMessage): ReadonlyMap<number, DescField> {
  const found = known.get(message) ?? new Map(message.fields.map((field) => [field.number, field]));
  known.set(message, found);
  return found;
}

/** @throws RangeError where the record reaches beyond the file */
function skipBytes(reader: BinaryReader, end: number): void {
  const length = reader.uint32();
  if (reader.pos + length > end) throw new RangeError('beyond the end');
  reader.pos += length;
}

const COPY_AGAIN = 'Copy or export the file again.';

function truncated(source: string, bytes: Uint8Array, place: string): RecurveError {
  return onnxError('ONNX-TRUNCATED', `${source} ends at byte ${bytes.length}, ${place}`, source, {
    fix: `It was cut short or damaged. ${COPY_AGAIN}`,
  });
}

function notAModel(source: string, reason: string, bytes: Uint8Array = new Uint8Array(), cause?: unknown): RecurveError {
  const pointer = new TextDecoder('latin1').decode(bytes.subarray(0, 40)).startsWith('version https://git-lfs');
  return onnxError('ONNX-NOT-A-MODEL', `${source} is not an ONNX model: ${reason}`, source, {
    fix: pointer
      ? 'It is a Git LFS pointer: fetch the file itself with `git lfs pull`.'
      : 'Give a .onnx file, as torch.onnx.export writes it.',
    cause,
  });
}
