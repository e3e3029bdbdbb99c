/** Parameters that a run draws: from data files, on a stream, beside weights, and within what their cell declares. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeSafetensors } from '../../runtime/interop/index.js';
import { bytes, documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const save = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(cwd, name), content);
  return name;
};
const run = async (...argv: readonly string[]) => documentOf(await recurve(['run', ...argv, '--reference'], { cwd })) as Results;

interface Results {
  readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
}

it('init in the metadata of a safetensors file and in a request of a stream draws what it draws in a JSON file', async () => {
  const x = { shape: [2, 1, 3], data: [1, -2, 3, -4, 5, -6] };
  const h = { shape: [1, 2], data: [0.5, -0.5] };
  const request = { inputs: { x }, state: { h }, init: { seed: 7 } };
  const json = await run('rnn', '--data', save('drawn.json', JSON.stringify(request)));
  const tensors = {
    'inputs.x': { ...x, data: Float32Array.from(x.data) },
    'state.h': { ...h, data: Float32Array.from(h.data) },
  };
  const file = (seed: number) => save('drawn.safetensors', writeSafetensors(tensors, { init: JSON.stringify({ seed }) }));
  expect(await run('rnn', '--data', file(7))).toEqual(json);
  expect(await run('rnn', '--data', file(8))).not.toEqual(json);
  const argv = ['run', 'rnn', '--data', '-', '--reference'];
  const answered = await recurve(argv, { cwd, stdin: bytes(`${JSON.stringify(request)}\n`) });
  expect(documentOf(answered)).toEqual({ ok: true, ...json });
});

it('init in metadata is refused where it is no JSON, or no seed', async () => {
  const x = { shape: [1, 1, 3], data: new Float32Array(3) };
  for (const [init, code] of [
    ['seven', 'SAFETENSORS-METADATA'],
    ['{"seed": 0.5}', 'DATA-SEED'],
  ] as const) {
    const data = save('wrong.safetensors', writeSafetensors({ 'inputs.x': x }, { init }));
    const ran = await recurve(['run', 'rnn', '--data', data, '--reference', '--json'], { cwd });
    expect(ran.code).toBe(2);
    expect(documentOf(ran)).toMatchObject({ error: { code } });
  }
});

it('--random beside --weights draws inputs and states of their sizes, and none of the parameters', async () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((all, size) => all * size, 1)) });
  const weights = save(
    'zeros.safetensors',
    writeSafetensors({ weight_ih_l0: zeros(2, 3), weight_hh_l0: zeros(2, 2), bias_ih_l0: zeros(2), bias_hh_l0: zeros(2) }),
  );
  const ran = await recurve(['run', 'rnn', '--random', '--weights', weights, '--dims', 'T=4,B=2', '--reference'], { cwd });
  expect(ran.stderr).toContain('Drawn with --seed 1, for --dims T=4,B=2,I=3,H=2.');
  const { outputs } = documentOf(ran) as Results;
  expect(outputs.h?.shape).toEqual([4, 2, 2]);
  expect(outputs.h?.data.every((value) => value === 0)).toBe(true);
});

it('a parameter with a range and no init is drawn inside it, and a rate is a probability', async () => {
  const cell = save(
    'ranged.cell.ts',
    `import { cell, dropout, scalar, vec } from 'recurve';
export default cell({ name: 'ranged', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') },
  params: { d: vec('H', { range: [3, 4] }), rate: scalar({ trainable: false }) },
  step({ x }, { h }, p) { return { h, d: p.d + 0 * x, y: dropout(x, p.rate) }; } });`,
  );
  for (const seed of ['1', '2', '3', '4', '5', '6', '7', '8']) {
    const { outputs } = await run(cell, '--random', '--seed', seed, '--set', 'training=true', '--dims', 'T=1,B=1,H=50');
    expect(Math.min(...(outputs.d?.data ?? []))).toBeGreaterThanOrEqual(3);
    expect(Math.max(...(outputs.d?.data ?? []))).toBeLessThanOrEqual(4);
    expect(new Set(outputs.d?.data).size).toBeGreaterThan(40);
  }
});
