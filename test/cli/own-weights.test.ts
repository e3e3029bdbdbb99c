/** Parameters that a program saved go back: into `run`, `gradients` and requests, bit by bit the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensors } from '../../runtime/data.js';
import { readSafetensors, writeSafetensors } from '../../runtime/interop/index.js';
import { type Gpu, open } from '../../runtime/node/index.js';
import { documentOf, recurve, scratchFolder } from './harness.js';

const cwd = scratchFolder();
const save = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(cwd, name), content);
  return name;
};

/** Parameters of every rank, under names that frameworks use too; one is not trained. */
const MINE = `
import { cell, mat, matvec, scalar, tanh, vec } from 'recurve';
export default cell({
  name: 'mine',
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: {
    kernel: mat('H', 'I'), recurrent_kernel: mat('H', 'H'), bias: vec('H'),
    scale: scalar({ init: 1 }), rate: scalar({ trainable: false, init: 0.25 }),
  },
  step({ x }, { h }, p) {
    return { h: (1 - p.rate) * h + p.rate * tanh(p.scale * matvec(p.kernel, x) + matvec(p.recurrent_kernel, h) + p.bias) };
  },
});`;

/** One layer is called as what lies beside weights is: its parameters are \`state.W_r\` and so on. */
const NET = `
import { layer, mat, matvec, model, over, vec } from 'recurve';
import mine from './mine.cell.js';
export default model({
  name: 'net',
  dims: ['I', 'H', 'K'],
  inputs: { x: over('T', vec('I')) },
  layers: { state: layer('gru'), top: layer(mine, { I: 'H' }) },
  params: { V: mat('K', 'H') },
  run({ x }, { state, top }, p) {
    return { y: matvec(p.V, top({ x: state({ x }).h }).h) };
  },
});`;

const [T, B, I, H, K] = [3, 2, 3, 5, 2];
const wave = (shape: readonly number[], phase: number) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, k) => Math.sin(phase + 1.7 * k)),
});
const x = wave([T, B, I], 0.3);
/** By cell, its sizes, its output and the shape of that. */
const SAVED = {
  'mine.cell.ts': { dims: { T, B, I, H }, output: 'h', shape: [T, B, H] },
  'net.model.ts': { dims: { T, B, I, H, K }, output: 'y', shape: [T, B, K] },
  gru: { dims: { T, B, I, H }, output: 'h', shape: [T, B, H] },
} as const;
type Name = keyof typeof SAVED;
const names = Object.keys(SAVED) as Name[];

const bits = (tensors: Tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape: [...shape], bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex') },
    ]),
  );
const bitsIn = (file: string) =>
  Object.fromEntries(
    Object.entries(readSafetensors(readFileSync(join(cwd, file)), file).tensors).map(([name, { shape, bytes }]) => [
      name,
      { shape, bytes: Buffer.from(bytes).toString('hex') },
    ]),
  );
const below = (group: string, tensors: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${group}.${name}`, tensor]));

let gpu: Gpu;
/** As the library has them. */
const params = new Map<Name, Tensors>();
const results = new Map<Name, Readonly<Record<string, unknown>>>();

beforeAll(async () => {
  save('mine.cell.ts', MINE);
  save('net.model.ts', NET);
  gpu = await open({ adapter: 'swiftshader' });
  for (const name of names) {
    const { dims, output, shape } = SAVED[name];
    const path = name.endsWith('.ts') ? join(cwd, name) : name;
    const layer = await gpu.compile(path, { dims, gradients: true });
    layer.init({ seed: 3 });
    const own = (await layer.params()) as Tensors;
    // A zero keeps its sign.
    for (const { data } of Object.values(own)) if (data.length > 1) data[0] = -0;
    layer.setParams(own);
    const cotangents = { outputs: { [output]: wave(shape, 0.9) } };
    const { outputs, state, gradients } = await layer.run({ inputs: { x }, cotangents });
    params.set(name, own);
    results.set(name, {
      ...below('outputs', bits(outputs as Tensors)),
      ...below('state', bits(state as Tensors)),
      ...below('gradients.inputs', bits(gradients?.inputs as Tensors)),
      ...below('gradients.state', bits(gradients?.state as Tensors)),
      ...below('gradients.weights', bits(gradients?.params as Tensors)),
    });
    const id = /^\w+/.exec(name)?.[0] ?? '';
    save(`${id}.safetensors`, writeSafetensors(own, { cell: id }));
    const batch = { inputs: { x }, cotangents };
    save(
      `${id}.json`,
      JSON.stringify(batch, (_, value) => (value instanceof Float32Array ? [...value] : value)),
    );
    layer.destroy();
  }
}, 60_000);
afterAll(() => gpu.close());

const fileOf = (name: Name) => `${/^\w+/.exec(name)?.[0]}.safetensors`;
const dataOf = (name: Name) => `${/^\w+/.exec(name)?.[0]}.json`;
const refusal = async (...argv: readonly string[]) => {
  const { code, stdout } = await recurve([...argv, '--reference', '--json'], { cwd });
  expect(code).toBe(2);
  return JSON.parse(stdout).error;
};
/** The file of mine with other tensors. */
const changed = (change: (own: Record<string, Tensors[string]>) => void, metadata = {}) => {
  const own = { ...params.get('mine.cell.ts') };
  change(own);
  return save('changed.safetensors', writeSafetensors(own as never, metadata));
};

describe('parameters that a program saved', () => {
  it.each(names)('of %s give run the results that the program had, with every bit, gradients among them', async (name) => {
    const argv = ['run', name, '--data', dataOf(name), '--weights', fileOf(name), '--adapter', 'swiftshader'];
    const ran = await recurve([...argv, '--out', 'result.safetensors'], { cwd });
    const count = Object.keys(params.get(name) ?? {}).length;
    expect(ran.stderr).toBe(`${fileOf(name)}: read as recurve's own parameters, ${count} tensors\n`);
    expect(ran.code).toBe(0);
    expect(bitsIn('result.safetensors')).toEqual(results.get(name));
  });

  it('serve without a cell on the command line, where the file names one that is built in', async () => {
    const ran = await recurve(['run', '--data', 'gru.json', '--weights', 'gru.safetensors', '--reference'], { cwd });
    expect(documentOf(ran)).toMatchObject({
      readAs: expect.stringContaining('own parameters'),
      outputs: { h: { shape: [T, B, H] } },
    });
  });

  it('serve with the names that a data file has, and in a request as the format recurve', async () => {
    const own = params.get('gru') ?? {};
    save('prefixed.safetensors', writeSafetensors(below('params', own) as never));
    const prefixed = await recurve(['run', 'gru', '--data', 'gru.json', '--weights', 'prefixed.safetensors', '--reference'], {
      cwd,
    });
    const { readAs, ...result } = documentOf(prefixed) as Record<string, unknown>;
    expect(readAs).toContain('10 tensors');
    const request = { ...JSON.parse(readFileSync(join(cwd, 'gru.json'), 'utf8')), weights: { format: 'recurve', tensors: own } };
    save(
      'request.json',
      JSON.stringify(request, (_, value) => (value instanceof Float32Array ? [...value] : value)),
    );
    expect(documentOf(await recurve(['run', 'gru', '--data', 'request.json', '--reference'], { cwd }))).toEqual(result);
  });

  it('of a layer of a model serve its cell, below their prefix', async () => {
    const argv = ['run', 'gru', '--random', '--weights', 'net.safetensors', '--prefix', 'state', '--reference'];
    const ran = await recurve(argv, { cwd });
    expect(ran.stderr).toContain("net.safetensors: read as recurve's own parameters, 10 tensors");
  });

  it('tell gradients their sizes', async () => {
    const argv = ['gradients', 'mine.cell.ts', '--weights', 'mine.safetensors', '--reference', '--json'];
    const { stdout, stderr } = await recurve(argv, { cwd });
    expect(stderr).toContain("read as recurve's own parameters, 5 tensors");
    expect(JSON.parse(stdout).cells[0]).toMatchObject({ dims: { I, H } });
  });

  it('take what is not trained from its init where it is missing', async () => {
    const ran = (file: string) =>
      recurve(['run', 'mine.cell.ts', '--data', 'mine.json', '--weights', file, '--reference'], { cwd });
    const whole = documentOf(await ran('mine.safetensors')) as { outputs: unknown };
    const least = documentOf(await ran(changed((own) => delete own.rate))) as { outputs: unknown };
    expect(least.outputs).toEqual(whole.outputs);
  });

  it.each([
    ['missing', (own: Record<string, unknown>) => delete own.bias, 'WEIGHTS-MISSING', 'weights.bias'],
    ['strange', (own: Record<string, unknown>) => Object.assign(own, { biased: wave([H], 1) }), 'WEIGHTS-NAME', 'weights.biased'],
    [
      'of another size',
      (own: Record<string, unknown>) => Object.assign(own, { bias: wave([H + 1], 1) }),
      'WEIGHTS-SHAPE',
      'weights.bias',
    ],
    [
      'of another rank',
      (own: Record<string, unknown>) => Object.assign(own, { scale: wave([1], 1) }),
      'WEIGHTS-SHAPE',
      'weights.scale',
    ],
  ])('are refused by name where one is %s', async (_, change, code, where) => {
    const file = changed(change, { cell: 'mine' });
    const found = await refusal('run', 'mine.cell.ts', '--data', 'mine.json', '--weights', file);
    expect(found).toMatchObject({ code, where });
    expect(found.message).toContain(where);
  });

  it('of other options are told from a slip of the pen', async () => {
    const gru = ['run', 'stack', '--set', 'cell=gru', '--set', 'layers=1', '--random', '--weights'];
    save('stack.safetensors', writeSafetensors(below('first', params.get('gru') ?? {}) as never, { cell: 'stack' }));
    expect((await recurve([...gru, 'stack.safetensors', '--reference'], { cwd })).code).toBe(0);
    const found = await refusal('run', 'stack', '--random', '--weights', 'stack.safetensors');
    expect(found.message).toBe('weights.first.W_r is not a parameter of stack with these options, nor are 9 more');
    expect(found.fix).toContain('--set chooses options');
    const slip = await refusal('run', 'gru', '--random', '--weights', 'stack.safetensors', '--prefix', 'frst');
    expect(slip).toMatchObject({ code: 'WEIGHTS-PREFIX', fix: 'Did you mean "first."?' });
  });

  it('have no layers to choose by --layer, and are not another cell’s', async () => {
    const mine = ['run', 'mine.cell.ts', '--data', 'mine.json', '--weights', 'mine.safetensors'];
    expect(await refusal(...mine, '--layer', 'l0')).toMatchObject({ code: 'WEIGHTS-LAYER', where: '--layer' });
    expect(await refusal('run', 'rnn', '--data', 'mine.json', '--weights', 'mine.safetensors')).toMatchObject({
      code: 'RUN-CELL',
    });
  });
});
