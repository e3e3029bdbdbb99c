import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import {
  firstNonFinite,
  readRequestFile,
  readSafetensors,
  toDocument,
  toJson,
  toResponse,
  toSafetensors,
  writeBeside,
} from '../../runtime/interop/index.js';
import { mistake } from './errors.js';
import { f32, request, rnn } from './signatures.js';

const { signature } = rnn();
const sizes = { T: 1, B: 1, I: 1, H: 2 };
const gradients = {
  inputs: { x: f32([1, 1, 1], 3) },
  state: { h: f32([1, 2], 4, 5) },
  params: { W: f32([2, 1], 6, 7), U: f32([2, 2], 8, 9, 10, 11), b: f32([2], 12, 13) },
};
const result = { outputs: { h: f32([1, 1, 2], 1, 2) }, state: { h: f32([1, 2], 1, 2) } };

describe('a response', () => {
  test('has outputs and final state, and gradients only where there are some', () => {
    expect(toDocument(toResponse(result, request({}), signature, sizes))).toEqual({
      outputs: { h: { shape: [1, 1, 2], data: [1, 2] } },
      state: { h: { shape: [1, 2], data: [1, 2] } },
    });
  });

  test('has gradients of params under params', () => {
    const document = toDocument(toResponse({ ...result, gradients }, request({ params: {} }), signature, sizes));
    expect(Object.keys(document.gradients ?? {})).toEqual(['inputs', 'state', 'params']);
    expect(document.gradients?.params?.b).toEqual({ shape: [2], data: [12, 13] });
  });

  test('has gradients of weights in their layout, instead of params', () => {
    const tensors = { kernel: f32([1, 2], 0, 0), recurrent_kernel: f32([2, 2], 0, 0, 0, 0) };
    const asked = request({ weights: { format: 'keras', tensors } });
    expect(toDocument(toResponse({ ...result, gradients }, asked, signature, sizes)).gradients).toEqual({
      inputs: { x: { shape: [1, 1, 1], data: [3] } },
      state: { h: { shape: [1, 2], data: [4, 5] } },
      weights: { kernel: { shape: [1, 2], data: [6, 7] }, recurrent_kernel: { shape: [2, 2], data: [8, 10, 9, 11] } },
    });
  });

  test('in safetensors has the same names flattened, and doubles from the reference', () => {
    const double = { ...result, state: { h: { shape: [1, 2], data: Float64Array.of(0.1, 0.2) } }, gradients };
    const { tensors } = readSafetensors(toSafetensors(toResponse(double, request({}), signature, sizes)), 'out');
    expect(Object.keys(tensors).sort()).toEqual(
      [
        'outputs.h',
        'state.h',
        'gradients.inputs.x',
        'gradients.state.h',
        'gradients.params.W',
        'gradients.params.U',
        'gradients.params.b',
      ].sort(),
    );
    expect(tensors['state.h']?.dtype).toBe('F64');
    expect(tensors['outputs.h']?.dtype).toBe('F32');
  });

  test('never holds a silent NaN', () => {
    const bad = {
      ...result,
      gradients: { ...gradients, params: { ...gradients.params, U: f32([2, 2], 1, 2, Number.NaN, Number.POSITIVE_INFINITY) } },
    };
    expect(firstNonFinite(bad)).toEqual({ tensor: 'gradients.params.U', index: [1, 0], value: Number.NaN });
    expect(firstNonFinite(result)).toBeUndefined();
    const response = toResponse(bad, request({}), signature, sizes);
    for (const write of [toDocument, toSafetensors]) {
      expect(mistake(() => write(response))).toMatch(
        /^RESULT-NONFINITE \| gradients.params.U \| gradients.params.U\[1, 0\] came out as NaN/,
      );
    }
  });

  test('that no string can hold is refused', () => {
    const endless = {
      toJSON: () => {
        throw new RangeError('Invalid string length');
      },
    };
    expect(mistake(() => toJson(endless))).toContain('DATA-TOO-LARGE');
  });
});

describe('a written file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recurve-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('appears whole, replaces an older one, and leaves nothing beside it', async () => {
    const path = join(folder, 'out.json');
    await writeBeside(path, 'old');
    await writeBeside(path, new TextEncoder().encode('new'));
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['out.json']);
  });

  test('goes where a link points', async () => {
    await writeFile(join(folder, 'target'), 'old');
    await symlink(join(folder, 'target'), join(folder, 'link'));
    await writeBeside(join(folder, 'link'), 'new');
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('new');
  });

  // A pipe of our own, never a device of the system: where the code is wrong, it replaces what the path names.
  test.skipIf(process.platform === 'win32')('may be a pipe, which stays one', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Without blocking, so that a writer that never comes fails the test instead of hanging it.
    const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await writeBeside(pipe, 'through');
      expect((await stat(pipe)).isFIFO()).toBe(true);
      const { bytesRead, buffer } = await reader.read(Buffer.alloc(16), 0, 16);
      expect(buffer.toString('utf8', 0, bytesRead)).toBe('through');
    } finally {
      await reader.close();
    }
  });

  test('that cannot be written is an error that names it, and nothing is left behind', async () => {
    await mkdir(join(folder, 'taken'));
    for (const path of [join(folder, 'none', 'out'), join(folder, 'taken')]) {
      const error = await writeBeside(path, 'x').catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(RecurveError);
      expect(error).toMatchObject({ code: 'DATA-WRITE', where: path, exitCode: 2 });
    }
    expect(await readdir(folder)).toEqual(['taken']);
  });

  test('that cannot be read is an error that names it', async () => {
    for (const path of [join(folder, 'none'), folder]) {
      await expect(readRequestFile(path)).rejects.toMatchObject({ code: 'DATA-FILE', where: path, exitCode: 2 });
    }
    await writeFile(join(folder, 'a.json'), '{}');
    expect(await readRequestFile(join(folder, 'a.json'))).toMatchObject({ options: {} });
  });
});
