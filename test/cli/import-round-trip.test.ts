/** A stack into a file, out of it in its own layout or another's, and in again: bit by bit the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../runtime/interop/index.js';
import { modelBytes } from '../interop/onnx-models.js';
import { documentOf, recurve } from './harness.js';
import { batchOf, cwd, save, stored, storedIn, weightBits } from './imported.js';
import type { Answer } from './stack-answers.js';
import { type Case, type Data, drawn } from './stack-frameworks.js';
import { archive, kerasConfig, kerasPaths } from './stack-keras.js';
import { AS_PYTORCH, chainGraph } from './stack-onnx.js';

const ROUND: readonly Case[] = [
  { format: 'torch', cell: 'lstm', layers: 3, direction: 'both', options: {}, state: 'hc', biases: true },
  { format: 'keras', cell: 'gru', layers: 3, direction: 'both', options: { reset: 'after' }, state: 'h', biases: true },
  { format: 'onnx', cell: 'gru', layers: 3, direction: 'both', options: { reset: 'before' }, state: 'h', biases: true },
];

/** A file of the framework itself. */
async function checkpointOf(kase: Case, data: Data): Promise<string> {
  if (kase.format === 'torch') return save('round.safetensors', stored(data.weights, 'rnn.'));
  if (kase.format === 'onnx') return save('round.onnx', modelBytes(chainGraph(kase, data, AS_PYTORCH)));
  return save('round.keras', await archive(kerasConfig(kase), kerasPaths(kase, data.weights)));
}

describe('a round trip', () => {
  const importTo = async (model: string, out: string, ...flags: string[]) => {
    const wrote = await recurve(['import', model, '--out', out, ...flags], { cwd });
    expect(wrote).toMatchObject({ code: 0, stderr: '' });
  };
  /** −0 among them, and numbers that no sum of two keeps. */
  const fine = (data: Data): Data => ({
    ...data,
    weights: Object.fromEntries(
      Object.entries(data.weights).map(([name, { shape, data: values }], k) => [
        name,
        { shape, data: values.map((value, at) => (at % 5 === 0 ? -0 : Math.fround(value * (1 + 2 ** -20 * (k + 1))))) },
      ]),
    ),
  });

  it.each(ROUND)('from $format into its own layout and back keeps every bit', async (kase) => {
    const data = fine(drawn(kase, 41));
    await importTo(await checkpointOf(kase, data), 'first.safetensors');
    await importTo('first.safetensors', 'export.safetensors', '--as', kase.format);
    await importTo('export.safetensors', 'again.safetensors');
    expect(storedIn('again.safetensors')).toEqual(storedIn('first.safetensors'));
    expect(storedIn('export.safetensors')).toMatchObject(
      Object.fromEntries(Object.entries(weightBits(data.weights)).map(([name, bits]) => [name.slice('weights.'.length), bits])),
    );
    expect(readFileSync(join(cwd, 'again.safetensors'))).toEqual(readFileSync(join(cwd, 'first.safetensors')));
  });

  it.each(ROUND)('from $format through the layouts of the others keeps every bit that the cells compute with', async (kase) => {
    const data = fine(drawn(kase, 42));
    const [second = '', third = ''] = ['torch', 'onnx', 'keras'].filter((format) => format !== kase.format);
    await importTo(await checkpointOf(kase, data), 'a.safetensors');
    await importTo('a.safetensors', 'b.safetensors', '--as', second);
    await importTo('b.safetensors', 'c.safetensors', '--as', third);
    await importTo('c.safetensors', 'd.safetensors', '--as', kase.format);
    const batch = batchOf(kase, data);
    const [first, ...others] = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const ran = await recurve(['run', '--data', batch, '--weights', `${name}.safetensors`, '--reference'], { cwd });
        const { outputs, state, gradients } = documentOf(ran) as Answer;
        return { outputs, state, inputs: gradients.inputs, initial: gradients.state };
      }),
    );
    for (const other of others) expect(other).toEqual(first);
    const matrices = (name: string) => Object.entries(storedIn(name)).filter(([key]) => !/bias|B$/.test(key));
    const named = matrices('a.safetensors').map(([key, bits]): [string, string] => [key.replace('weights.', ''), bits]);
    expect(Object.fromEntries(matrices('d.safetensors'))).toEqual(Object.fromEntries(named));
  });

  it.each(ROUND)('of gradients: run writes them in the layout of $format, name by name', async (kase) => {
    const data = drawn(kase, 43);
    await importTo(await checkpointOf(kase, data), 'weights.safetensors');
    const out = ['--out', 'result.safetensors', '--reference'];
    await recurve(['run', '--data', batchOf(kase, data), '--weights', 'weights.safetensors', ...out], { cwd });
    const shapes = (name: string, start: string) =>
      Object.fromEntries(
        Object.entries(readSafetensors(readFileSync(join(cwd, name)), name).tensors).flatMap(([key, { shape }]) =>
          key.startsWith(start) ? [[key.slice(start.length), shape]] : [],
        ),
      );
    const found = shapes('result.safetensors', 'gradients.weights.');
    expect(found).toEqual(shapes('weights.safetensors', 'weights.'));
    expect(Object.keys(found)).toHaveLength(Object.keys(data.weights).length);
  });

  it('is refused where a framework does not have what the stack has', async () => {
    const kase: Case = {
      format: 'onnx',
      cell: 'lstm',
      layers: 3,
      direction: 'forward',
      options: { peepholes: true },
      state: 'h',
      biases: true,
    };
    const model = save('peep.onnx', modelBytes(chainGraph(kase, drawn(kase, 44), AS_PYTORCH)));
    const ran = await recurve(['import', model, '--as', 'torch', '--out', 'none.safetensors'], { cwd });
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'error WEIGHTS-OPTION: peepholes = true cannot be said in torch weights: its LSTM has no peepholes',
      ),
    });
  });
});
