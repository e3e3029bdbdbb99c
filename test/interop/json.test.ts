import { describe, expect, test } from 'vitest';
import { parseJsonRequest, readRequest } from '../../runtime/interop/index.js';
import { code, mistake } from './errors.js';
import { count, goodDocument } from './signatures.js';

const parse = (document: unknown) => parseJsonRequest(JSON.stringify(document), 'data.json');
const withX = (x: unknown) => parse({ inputs: { x } });
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a JSON request', () => {
  test('is read whole', () => {
    const request = parse({ cell: 'rnn', ...goodDocument() });
    expect(request.cell).toBe('rnn');
    expect(request.options).toEqual({ activation: 'relu', clip: 0.5 });
    expect(request.inputs.x).toEqual({ shape: [2, 3, 2], data: Float32Array.from(count(12).data) });
    expect(request.state.h?.shape).toEqual([3, 4]);
    expect(Object.keys(request.params ?? {})).toEqual(['W', 'U', 'b']);
    expect(request.lengths).toEqual([2, 1, 2]);
    expect(request.reverse).toBe(true);
    expect(request.cotangents?.state.h?.shape).toEqual([3, 4]);
    expect(request).not.toHaveProperty('weights');
  });

  test('may leave out everything', () => {
    expect(parse({})).toEqual({ options: {}, inputs: {}, state: {} });
  });

  test('has its numbers rounded to float32, scalars included', () => {
    expect(withX({ shape: [], data: [0.1] }).inputs.x).toEqual({ shape: [], data: Float32Array.of(Math.fround(0.1)) });
  });

  test('may start with a byte order mark', () => {
    expect(readRequest(bytes('\uFEFF{}'), 'data').options).toEqual({});
  });

  test('may be UTF-16, as Windows programs write it', () => {
    const text = JSON.stringify({ seed: 7 });
    const units = Uint16Array.from(`\uFEFF${text}`, (unit) => unit.charCodeAt(0));
    expect(readRequest(new Uint8Array(units.buffer), 'data.json').seed).toBe(7);
    const swapped = new Uint8Array(units.buffer).map((_, k, all) => all[k ^ 1] ?? 0);
    expect(readRequest(swapped, 'data').seed).toBe(7);
  });

  test('in a line of a stream may start with a byte order mark too', () => {
    expect(parseJsonRequest('\uFEFF{"seed": 7}', 'line 1').seed).toBe(7);
  });

  test('keeps weights under their own names', () => {
    const { weights } = parse({ weights: { format: 'onnx', tensors: { W: count(1, 4, 2) } } });
    expect(weights?.format).toBe('onnx');
    expect(weights?.tensors.W?.shape).toEqual([1, 4, 2]);
  });

  test('may name a tensor like a member of every object', () => {
    const request = parseJsonRequest(
      '{"inputs": {"__proto__": {"shape": [1], "data": [1]}, "constructor": {"shape": [1], "data": [2]}}}',
      'd',
    );
    expect(Object.keys(request.inputs)).toEqual(['__proto__', 'constructor']);
  });
});

describe('a malformed JSON request is refused:', () => {
  test('an empty file', () => {
    expect(mistake(() => readRequest(new Uint8Array(), 'data.json'))).toBe(
      'DATA-EMPTY | data.json | data.json is empty | Look whether what writes it has come to its end, or give another file.',
    );
    expect(code(() => parseJsonRequest(' \n', 'data.json'))).toBe('DATA-EMPTY');
  });

  test('a truncated file', () => {
    expect(mistake(() => parseJsonRequest('{"inputs": {', 'data.json'))).toMatch(
      /^DATA-JSON \| data.json \| data.json is not JSON: /,
    );
  });

  test('the reason of a syntax error stays on one line', () => {
    expect(mistake(() => parseJsonRequest('{\n"a":\n\n x}', 'data.json'))).not.toContain('\n');
  });

  test('bytes that are not UTF-8', () => {
    expect(code(() => readRequest(Uint8Array.of(0x7b, 0xff, 0x7d), 'data.json'))).toBe('DATA-UTF8');
  });

  test('a key written twice', () => {
    expect(mistake(() => parseJsonRequest('{"inputs": {}, "inp\\u0075ts" : {}}', 'd'))).toContain(
      'DATA-DUPLICATE | d | d has the key "inputs" twice',
    );
  });

  test('but not two keys that only look alike, with quotes, brackets and colons in them', () => {
    const options = { 'a"': '":{', 'a\\': '\\', 'a\\"': 'a"', a: 'a\\"a":' };
    expect(parse({ options, inputs: {}, state: {} }).options).toEqual(options);
    expect(code(() => parseJsonRequest('{"options": {"a\\"": "{", "a\\"": 1}}', 'd'))).toBe('DATA-DUPLICATE');
  });

  test('an unknown key, with the nearest known one', () => {
    expect(mistake(() => parse({ wieghts: {} }))).toBe(
      'DATA-KEY | the request | the request has an unknown key "wieghts" | Did you mean "weights"?',
    );
    expect(mistake(() => parse({ cotangents: { inputs: {} } }))).toBe(
      'DATA-KEY | cotangents | cotangents has an unknown key "inputs" | It takes outputs and state.',
    );
  });

  test('a document of another type', () => {
    expect(mistake(() => parse([1]))).toMatch(/^DATA-TYPE \| data.json \| data.json must be an object, found an array/);
    for (const document of [
      { cell: 3 },
      { reverse: 'no' },
      { lengths: 5 },
      { inputs: [] },
      { options: null },
      { weights: 'torch' },
    ]) {
      expect(code(() => parse(document))).toBe('DATA-TYPE');
    }
  });

  test('a tensor that is a bare array', () => {
    expect(mistake(() => withX([[1]]))).toMatch(
      /^DATA-TYPE \| inputs.x \| inputs.x must be an object of "shape" and "data", found an array \| Write/,
    );
  });

  test('a tensor with a third key', () => {
    expect(mistake(() => withX({ shape: [1], date: [1] }))).toBe(
      'DATA-KEY | inputs.x | inputs.x has an unknown key "date" | Did you mean "data"?',
    );
  });

  test('a shape that is not one', () => {
    expect(code(() => withX({ data: [1] }))).toBe('DATA-TYPE');
    expect(code(() => withX({ shape: [1.5], data: [1] }))).toBe('DATA-TYPE');
    expect(code(() => withX({ shape: ['2'], data: [1] }))).toBe('DATA-TYPE');
    expect(mistake(() => withX({ shape: [2, 0], data: [] }))).toMatch(
      /^DATA-SIZE \| inputs.x \| inputs.x has size 0 along axis 1/,
    );
    expect(code(() => withX({ shape: [-1], data: [1] }))).toBe('DATA-SIZE');
    expect(code(() => withX({ shape: [2 ** 20, 2 ** 20], data: [1] }))).toBe('DATA-TOO-LARGE');
  });

  test('a count that the shape does not take', () => {
    expect(mistake(() => withX({ shape: [2, 3], data: [1, 2, 3, 4, 5] }))).toMatch(
      /^DATA-COUNT \| inputs.x \| inputs.x has 5 numbers, but shape \[2, 3\] takes 6/,
    );
  });

  test('nested data, with how to write it flat', () => {
    expect(mistake(() => withX({ shape: [1, 2], data: [[1, 2]] }))).toMatch(
      /^DATA-NESTED \| inputs.x \| inputs.x.data is nested; it is flat \| Write/,
    );
  });

  test('null, strings and booleans among numbers', () => {
    expect(mistake(() => withX({ shape: [2], data: [1, null] }))).toMatch(
      /^DATA-NUMBER \| inputs.x \| inputs.x.data\[1\] must be a number, found null \| JSON has no NaN/,
    );
    expect(mistake(() => withX({ shape: [1], data: ['1'] }))).toContain('must be a number, found the string "1"');
    expect(code(() => withX({ shape: [1], data: [true] }))).toBe('DATA-NUMBER');
  });

  test('numbers beyond float32, and beyond doubles', () => {
    expect(mistake(() => withX({ shape: [2], data: [0, 1e39] }))).toMatch(
      /^DATA-RANGE \| inputs.x \| inputs.x.data\[1\] is 1e\+39, beyond the range of float32/,
    );
    expect(code(() => parseJsonRequest('{"inputs": {"x": {"shape": [1], "data": [1e999]}}}', 'd'))).toBe('DATA-NONFINITE');
  });

  test('an option that is no plain value', () => {
    expect(mistake(() => parse({ options: { activation: ['relu'] } }))).toMatch(/^DATA-OPTION \| options.activation \|/);
    expect(code(() => parseJsonRequest('{"options": {"clip": 1e999}}', 'd'))).toBe('DATA-OPTION');
  });

  test('lengths that are not whole numbers of at least 0', () => {
    for (const length of [-1, 1.5, '2', null]) expect(code(() => parse({ lengths: [1, length] }))).toBe('DATA-LENGTHS');
  });

  test.each(['NaN', 'Infinity', '-Infinity'])('%s, which Python writes, by that name', (word) => {
    const text = `{"inputs": {"x \\" NaN": {"shape": [2], "data": [1, ${word}]}}}`;
    expect(mistake(() => parseJsonRequest(text, 'x.json'))).toMatch(
      new RegExp(
        `^DATA-JSON \\| x.json \\| x.json has ${word} at character ${text.lastIndexOf(word) + 1}: ${word} is what Python writes`,
      ),
    );
  });

  test('text behind the document, and a line of UTF-16', () => {
    expect(mistake(() => parseJsonRequest('{} {}', 'x.json'))).toContain('x.json goes on behind its JSON document');
    expect(mistake(() => parseJsonRequest('{\u0000}\u0000', 'line 1'))).toContain('it has zero bytes, as UTF-16 does');
  });

  test('a file of another kind, by what it is', () => {
    const starting = (start: string, name = 'x.json') =>
      mistake(() =>
        readRequest(
          Uint8Array.from(start, (mark) => mark.charCodeAt(0)),
          name,
        ),
      );
    expect(starting('\x1f\x8b\x08\0\0\0\0\0\0')).toBe(
      'DATA-FILE | x.json | x.json is compressed by gzip | Unpack it with gunzip first.',
    );
    expect(starting('<!DOCTYPE html><html>', 'x.safetensors')).toContain('is a web page');
    expect(starting('version https://git-lfs.github.com/spec/v1\n')).toContain('a Git LFS pointer');
  });

  test('an unknown weights format', () => {
    expect(mistake(() => parse({ weights: { format: 'tourch', tensors: {} } }))).toBe(
      'WEIGHTS-FORMAT | weights.format | weights.format is the string "tourch" | Did you mean "torch"?',
    );
    expect(mistake(() => parse({ weights: { tensors: {} } }))).toContain(
      'weights.format is missing | It is one of recurve, onnx, torch, keras, cudnn, flax, nnx, mlx, haste, tf1.',
    );
    expect(code(() => parse({ weights: { format: 'onnx' } }))).toBe('DATA-TYPE');
  });

  test('long and strange names are clipped and escaped', () => {
    const text = mistake(() => parse({ inputs: { [`a\n${'b'.repeat(500)}`]: 3 } }));
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(400);
  });

  test('nesting a million deep', () => {
    const deep = `{"inputs": ${'['.repeat(1e6)}${']'.repeat(1e6)}}`;
    expect(code(() => parseJsonRequest(deep, 'd'))).toBe('DATA-NESTED');
  });
});
