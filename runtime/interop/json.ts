/** The JSON form of a run's data. */

import { RecurveError } from '../../codegen/errors.js';
import type { Tensor, Tensors } from '../data.js';
import type { Lengths } from '../lengths.js';
import { emptyFile } from './containers/identify.js';
import { describe, pathOf, quote } from './describe.js';
import { duplicateKey } from './duplicates.js';
import {
  checkKeys,
  initAt,
  isObject,
  type JsonObject,
  lengthsAt,
  objectAt,
  optionsAt,
  seedAt,
  typeError,
  weightFormatAt,
} from './fields.js';
import { COTANGENTS_KEYS, REQUEST_KEYS, TENSOR_KEYS, WEIGHTS_KEYS } from './form.js';
import { checkOutline } from './outline.js';
import { allRead, checkCount, checkShape, pastLengths, tensorOf, type Unread } from './tensor.js';
import type { RunRequest } from './types.js';

const TENSOR_FIX = 'Write {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}, the numbers flat in row-major order.';

/**
 * Reads one request.
 *
 * @param source what to call the document in messages: a path, `stdin line 3`
 * @throws RecurveError `DATA-*` and `WEIGHTS-FORMAT`
 */
export function parseJsonRequest(text: string, source: string): RunRequest {
  return requestFrom(parseJson(text, source));
}

function parseJson(marked: string, source: string): JsonObject {
  // Windows puts a byte order mark in front; a file is decoded without it, a line of a stream is not.
  const text = marked.startsWith('\ufeff') ? marked.slice(1) : marked;
  if (text.trim() === '') {
    throw emptyFile(source);
  }
  checkOutline(text, source);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new RecurveError({ code: 'DATA-JSON', ...mistakeIn(text, source, cause), where: source }, { cause });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) {
    throw new RecurveError({
      code: 'DATA-DUPLICATE',
      message: `${source} has the key ${quote(twice)} twice in one object`,
      fix: 'Remove one of the two: only the last would be read.',
      where: source,
    });
  }
  return objectAt(document, source, 'A request is {"inputs": {…}, "params": {…}, …}.');
}

/** What is wrong with text that is no JSON, in words for those who did not write it by hand. */
function mistakeIn(text: string, source: string, cause: unknown): { readonly message: string; readonly fix: string } {
  const literal = pythonLiteral(text);
  if (literal !== undefined) {
    return {
      message: `${source} has ${literal.word} at character ${literal.at + 1}: ${literal.word} is what Python writes; JSON has no such number`,
      fix: 'Data must be finite: look where it comes from, or mask it before it is saved. json.dumps(…, allow_nan=False) finds it in Python.',
    };
  }
  if (text.includes('\u0000')) {
    return { message: `${source} is not UTF-8 text: it has zero bytes, as UTF-16 does`, fix: 'Save it as UTF-8.' };
  }
  const reason = oneLine(cause);
  if (/after JSON/.test(reason)) {
    return {
      message: `${source} goes on behind its JSON document: ${reason}`,
      fix: 'A file is one request; a stream of requests, one on a line, goes to --data -.',
    };
  }
  return {
    message: `${source} is not JSON: ${reason}`,
    fix: 'Look for a missing bracket, a trailing comma, or a file that was cut short.',
  };
}

/** The first NaN or Infinity that stands where a value does, outside of strings. */
function pythonLiteral(text: string): { readonly word: string; readonly at: number } | undefined {
  for (const { 0: match, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g)) {
    if (!match.startsWith('"')) return { word: match, at: index };
  }
  return undefined;
}

/** The parser quotes the text around a mistake, line breaks included. */
function oneLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')].slice(0, 120).join('');
}

function requestFrom(document: JsonObject): RunRequest {
  checkKeys(document, REQUEST_KEYS, 'the request');
  const { cell, options = {}, inputs = {}, state = {}, params, init, weights, lengths, reverse, seed, cotangents } = document;
  if (cell !== undefined && typeof cell !== 'string') throw typeError('cell', 'the name of a cell', cell);
  if (reverse !== undefined && typeof reverse !== 'boolean') throw typeError('reverse', 'true or false', reverse);
  const steps = lengths === undefined ? undefined : lengthsFrom(lengths);
  const alongTime: UnreadIn = (shape) => pastLengths(shape, steps);
  return {
    ...(cell === undefined ? {} : { cell }),
    options: optionsAt(options, 'options'),
    inputs: tensorsAt(inputs, 'inputs', { unreadIn: alongTime }),
    state: tensorsAt(state, 'state'),
    ...(params === undefined ? {} : { params: tensorsAt(params, 'params') }),
    ...(init === undefined ? {} : { init: initAt(init) }),
    ...(weights === undefined ? {} : { weights: weightsAt(weights) }),
    ...(steps === undefined ? {} : { lengths: steps }),
    ...(reverse === undefined ? {} : { reverse }),
    ...(seed === undefined ? {} : { seed: seedAt(seed) }),
    ...(cotangents === undefined ? {} : { cotangents: cotangentsAt(cotangents, alongTime) }),
  };
}

/** One array, or one for each time axis of a model that has several. */
function lengthsFrom(value: unknown): Lengths {
  const along = (given: unknown, where: string): readonly number[] => {
    if (Array.isArray(given)) return lengthsAt(given, where);
    throw typeError(where, 'an array of whole numbers', given, 'Write one number for each sequence: [5, 3].');
  };
  if (!isObject(value)) return along(value, 'lengths');
  return Object.fromEntries(Object.entries(value).map(([axis, given]) => [axis, along(given, `lengths.${axis}`)]));
}

function weightsAt(value: unknown): NonNullable<RunRequest['weights']> {
  const weights = objectAt(value, 'weights', 'Write {"format": "torch", "tensors": {…}}.');
  checkKeys(weights, WEIGHTS_KEYS, 'weights');
  return { format: weightFormatAt(weights.format, 'weights.format'), tensors: weightTensorsAt(weights) };
}

/** A chain of ONNX nodes is a list; its tensors are called as safetensors calls them, `layers.0.W`. */
function weightTensorsAt({ tensors, layers }: JsonObject): Tensors {
  if (layers === undefined) return tensorsAt(tensors, 'weights.tensors', { group: 'weights' });
  if (tensors !== undefined) {
    const fix = 'Give "tensors" of one, or "layers" with those of each.';
    throw new RecurveError({ code: 'DATA-KEY', message: 'weights has tensors and layers', fix, where: 'weights' });
  }
  if (!Array.isArray(layers))
    throw typeError('weights.layers', 'an array of objects', layers, 'Write [{"W": {…}, "R": {…}}, …].');
  const all = layers.flatMap((layer: unknown, index) => {
    const group = `weights.layers.${index}`;
    return Object.entries(tensorsAt(layer, `weights.layers[${index}]`, { group })).map(([name, tensor]) => [
      `layers.${index}.${name}`,
      tensor,
    ]);
  });
  return Object.fromEntries(all);
}

function cotangentsAt(value: unknown, alongTime: UnreadIn): NonNullable<RunRequest['cotangents']> {
  const cotangents = objectAt(value, 'cotangents');
  checkKeys(cotangents, COTANGENTS_KEYS, 'cotangents');
  const { outputs = {}, state = {} } = cotangents;
  return {
    outputs: tensorsAt(outputs, 'cotangents.outputs', { unreadIn: alongTime }),
    state: tensorsAt(state, 'cotangents.state'),
  };
}

/** Which elements of a tensor of this shape nothing reads. */
type UnreadIn = (shape: readonly number[]) => Unread;

/** @param group what the tensors are called in messages; a weight is `weights.W`, as in safetensors */
function tensorsAt(
  value: unknown,
  where: string,
  { group = where, unreadIn = () => allRead }: { readonly group?: string; readonly unreadIn?: UnreadIn } = {},
): Tensors {
  const object = objectAt(value, where, `Write {"name": {"shape": [...], "data": [...]}}.`);
  return Object.fromEntries(
    Object.entries(object).map(([name, given]) => [name, tensorAt(given, pathOf(group, name), unreadIn)]),
  );
}

function tensorAt(value: unknown, where: string, unreadIn: UnreadIn): Tensor {
  if (!isObject(value)) throw typeError(where, 'an object of "shape" and "data"', value, TENSOR_FIX);
  checkKeys(value, TENSOR_KEYS, where);
  const shape = checkShape(value.shape, where);
  const data = value.data;
  if (!Array.isArray(data)) throw typeError(`${where}.data`, 'an array of numbers', data, TENSOR_FIX);
  const unread = unreadIn(shape);
  data.forEach((element: unknown, index) => {
    // JSON has no NaN, and writers put null for it.
    if (typeof element === 'number' || (element === null && unread(index))) return;
    throw elementError(element, index, where);
  });
  checkCount(where, shape, data.length);
  return tensorOf(where, shape, data, unread);
}

function elementError(element: unknown, index: number, where: string): RecurveError {
  if (Array.isArray(element)) {
    return new RecurveError({ code: 'DATA-NESTED', message: `${where}.data is nested; it is flat`, fix: TENSOR_FIX, where });
  }
  return new RecurveError({
    code: 'DATA-NUMBER',
    message: `${where}.data[${index}] must be a number, found ${describe(element)}`,
    fix: element === null ? 'JSON has no NaN: writers put null for it. Look where it comes from.' : TENSOR_FIX,
    where,
  });
}
