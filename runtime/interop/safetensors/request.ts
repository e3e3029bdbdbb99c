/** The safetensors form of a run's data: the JSON form's names flattened, what is not a tensor in `__metadata__`. */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import type { Tensor, Tensors } from '../../data.js';
import { pathOf, quote, shapeText } from '../describe.js';
import { lengthsAt, optionsAt, seedAt, weightFormatAt } from '../fields.js';
import { didYouMean } from '../suggest.js';
import { checkShape, tensorOf } from '../tensor.js';
import type { RunRequest } from '../types.js';
import { dtype } from './dtypes.js';
import { readSafetensors, type StoredTensor } from './read.js';

const GROUPS = ['inputs', 'state', 'params', 'weights', 'cotangents.outputs', 'cotangents.state'] as const;
type Group = (typeof GROUPS)[number];

const METADATA_KEYS = ['cell', 'options', 'reverse', 'seed', 'weights.format'] as const;

/** @throws RecurveError `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-FORMAT` */
export function parseSafetensorsRequest(bytes: Uint8Array, source: string): RunRequest {
  const file = readSafetensors(bytes, source);
  const groups = new Map<Group, [string, Tensor][]>();
  let lengths: readonly number[] | undefined;
  for (const [path, stored] of Object.entries(file.tensors)) {
    if (path === 'lengths') {
      lengths = storedLengths(stored);
      continue;
    }
    const { group, name } = splitPath(path, source);
    const members = groups.get(group) ?? [];
    members.push([name, storedTensor(stored, pathOf(group, name))]);
    groups.set(group, members);
  }
  const tensors = (group: Group): Tensors => Object.fromEntries(groups.get(group) ?? []);
  const metadata = readMetadata(file.metadata, source);
  const format = groups.has('weights') || metadata.format !== undefined;
  const cotangents = groups.has('cotangents.outputs') || groups.has('cotangents.state');
  return {
    ...(metadata.cell === undefined ? {} : { cell: metadata.cell }),
    options: metadata.options,
    inputs: tensors('inputs'),
    state: tensors('state'),
    ...(groups.has('params') ? { params: tensors('params') } : {}),
    ...(format ? { weights: { format: weightFormatAt(metadata.format, 'weights.format'), tensors: tensors('weights') } } : {}),
    ...(lengths === undefined ? {} : { lengths }),
    reverse: metadata.reverse,
    ...(metadata.seed === undefined ? {} : { seed: metadata.seed }),
    ...(cotangents ? { cotangents: { outputs: tensors('cotangents.outputs'), state: tensors('cotangents.state') } } : {}),
  };
}

function splitPath(path: string, source: string): { group: Group; name: string } {
  const group = GROUPS.find((known) => path.startsWith(`${known}.`));
  if (group) return { group, name: path.slice(group.length + 1) };
  throw new RecurveError({
    code: 'SAFETENSORS-NAME',
    message: `${source} has a tensor ${quote(path)}, which is not part of a request`,
    fix:
      didYouMean(path.split('.')[0] ?? '', [...GROUPS, 'cotangents', 'lengths']) ??
      'Names are inputs.x, state.h, params.W, weights.W, lengths, cotangents.outputs.h and cotangents.state.h.',
    where: quote(path),
  });
}

function storedTensor(stored: StoredTensor, where: string): Tensor {
  const shape = checkShape(stored.shape, where);
  if (dtype(stored.dtype).kind !== 'float') throw dtypeError(stored, where, 'F32, F64, F16 or BF16');
  return tensorOf(where, shape, numbersOf(stored));
}

function storedLengths(stored: StoredTensor): readonly number[] {
  const { shape } = stored;
  if (shape.length !== 1) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `lengths has shape ${shapeText(shape)}; it has one axis, over the sequences`,
      where: 'lengths',
    });
  }
  if (dtype(stored.dtype).read === undefined) throw dtypeError(stored, 'lengths', 'I32 or I64');
  return lengthsAt([...numbersOf(stored)], 'lengths');
}

function dtypeError(stored: StoredTensor, where: string, expected: string): RecurveError {
  return new RecurveError({
    code: 'SAFETENSORS-DTYPE',
    message: `${where} is ${stored.dtype}; it must be ${expected}`,
    fix: 'Cast it before saving.',
    where,
  });
}

/** Integers beyond 2⁵³ lose digits here; they are out of range wherever integers are taken. */
function numbersOf({ dtype: name, bytes }: StoredTensor): Float64Array {
  const { read, bytes: width } = dtype(name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(read ? bytes.length / width : 0);
  if (read) for (let k = 0; k < numbers.length; k++) numbers[k] = Number(read(view, k * width));
  return numbers;
}

interface Metadata {
  readonly cell: string | undefined;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly reverse: boolean;
  readonly seed: number | undefined;
  readonly format: string | undefined;
}

function readMetadata(metadata: Readonly<Record<string, string>>, source: string): Metadata {
  for (const key of Object.keys(metadata)) checkMetadataKey(key, source);
  const entries = new Map(Object.entries(metadata));
  const reverse = entries.get('reverse') ?? 'false';
  if (reverse !== 'true' && reverse !== 'false') {
    throw new RecurveError({
      code: 'SAFETENSORS-METADATA',
      message: `reverse in the metadata of ${source} must be "true" or "false", found ${quote(reverse)}`,
      where: 'reverse',
    });
  }
  const seed = entries.get('seed');
  return {
    cell: entries.get('cell'),
    options: optionsAt(parseOptions(entries.get('options') ?? '{}', source), 'options'),
    reverse: reverse === 'true',
    seed: seed === undefined ? undefined : seedAt(/^\d+$/.test(seed) ? Number(seed) : seed),
    format: entries.get('weights.format'),
  };
}

/** Other writers leave their own keys (`format: "pt"`), so only a near miss of ours is refused. */
function checkMetadataKey(key: string, source: string): void {
  const known: readonly string[] = METADATA_KEYS;
  const suggestion = known.includes(key) ? undefined : didYouMean(key, known);
  if (suggestion === undefined) return;
  throw new RecurveError({
    code: 'SAFETENSORS-METADATA',
    message: `the metadata of ${source} has an unknown key ${quote(key)}`,
    fix: suggestion,
    where: quote(key),
  });
}

function parseOptions(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'SAFETENSORS-METADATA',
        message: `options in the metadata of ${source} is not JSON: ${quote(text)}`,
        fix: 'Write it as JSON text, such as {"activation": "relu"}.',
        where: 'options',
      },
      { cause },
    );
  }
}
