/** The safetensors form of a run's data: the JSON form's names flattened, what is not a tensor in `__metadata__`. */
import { RecurveError } from '../../../codegen/errors.js';
import { didYouMean } from '../../../codegen/suggest.js';
import type { Tensor, Tensors } from '../../data.js';
import type { Lengths } from '../../lengths.js';
import { pathOf, quote, shapeText } from '../describe.js';
import { lengthsAt, weightFormatAt } from '../fields.js';
import { GROUPS, type Group } from '../form.js';
import { pastLengths } from '../tensor.js';
import type { RunRequest } from '../types.js';
import { dtypeNamed } from './dtypes.js';
import { readMetadata } from './metadata.js';
import { readSafetensors } from './read.js';
import { dtypeError, numbersOf, type StoredTensor, storedTensor } from './stored.js';

/** @throws RecurveError `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-FORMAT` */
export function parseSafetensorsRequest(bytes: Uint8Array, source: string): RunRequest {
  const file = readSafetensors(bytes, source);
  const groups = new Map<Group, [string, Tensor][]>();
  const lengths = lengthsIn(file.tensors);
  const others = Object.entries(file.tensors).filter(([path]) => !isLengths(path));
  for (const [path, stored] of others) {
    const { group, name } = splitPath(path, source);
    const members = groups.get(group) ?? [];
    const alongTime = group === 'inputs' || group === 'cotangents.outputs';
    const unreadIn = (shape: readonly number[]) => pastLengths(shape, alongTime ? lengths : undefined);
    members.push([name, storedTensor(stored, pathOf(group, name), unreadIn)]);
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
    ...(metadata.reverse === undefined ? {} : { reverse: metadata.reverse }),
    ...(metadata.init === undefined ? {} : { init: metadata.init }),
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
    fix: didYouMean(
      path.split('.')[0] ?? '',
      [...GROUPS, 'cotangents', 'lengths'],
      'Names are inputs.x, state.h, params.W, weights.W, lengths, cotangents.outputs.h and cotangents.state.h.',
      '"',
    ),
    where: quote(path),
  });
}

const isLengths = (path: string): boolean => path === 'lengths' || path.startsWith('lengths.');

/** `lengths`, or one tensor for each time axis: `lengths.S`. */
function lengthsIn(tensors: Readonly<Record<string, StoredTensor>>): Lengths | undefined {
  const found = Object.entries(tensors).filter(([path]) => isLengths(path));
  const [first, second] = found;
  if (first === undefined) return undefined;
  if (first[0] === 'lengths' && second === undefined) return storedLengths(first[1], 'lengths');
  const along = found.map(([path, stored]) => [path.slice('lengths.'.length), storedLengths(stored, path)]);
  return Object.fromEntries(along);
}

function storedLengths(stored: StoredTensor, where: string): readonly number[] {
  const { shape } = stored;
  if (shape.length !== 1) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `${where} has shape ${shapeText(shape)}; it has one axis, over the sequences`,
      fix: 'Save it with the shape [B], one whole number for each sequence.',
      where,
    });
  }
  if (dtypeNamed(stored.dtype)?.read === undefined) throw dtypeError(stored, where, 'I32 or I64');
  return lengthsAt([...numbersOf(stored)], where);
}
