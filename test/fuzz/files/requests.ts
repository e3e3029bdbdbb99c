/** Damaged requests of the cell `rnn`, as JSON and as safetensors. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../../runtime/interop/index.js';
import { malformedJson, malformedSafetensors } from '../../cli/malformations.js';
import { goodRequest, type RequestJson } from '../../cli/requests.js';
import { damageBytes, damageTree } from '../../interop/mutations.js';
import type { Random } from '../random.js';
import { type Answer, agree, type Judgement, type Mutant } from './mutant.js';
import { runPlainRnn, Unacceptable, Unjudged } from './plain-rnn.js';

/** Every so many mutants run on the device, the others in the reference: reading is what is tried here. */
const ON_DEVICE = 12;

export function requestMutant(random: Random, index: number): Mutant {
  const good = goodRequest('rnn', {}, { seed: 1 + (index % 5) });
  const next = () => random.next();
  const text = random.weighted<[number, () => string]>(
    [
      [1, () => Buffer.from(damageBytes(Buffer.from(JSON.stringify(good)), next)).toString('latin1')],
      [3, () => JSON.stringify(damageTree(damageTree(good, next), next))],
      [3, () => malformedJson(good, next)],
      [2, () => respelt(good, random)],
      [2, () => redigited(JSON.stringify(good), random)],
    ],
    ([weight]) => weight,
  )[1]();
  return {
    files: { 'data.json': text },
    argv: run('data.json', index),
    judge: (answer) => judge(answer, () => JSON.parse(text)),
  };
}

export function safetensorsMutant(random: Random, index: number): Mutant {
  const good = goodRequest('rnn', {}, { seed: 1 + (index % 5) });
  const next = () => random.next();
  const whole = stored(good);
  const bytes = random.pick([
    () => malformedSafetensors(whole, next),
    () => damageBytes(whole, next),
    () => damagedData(whole, random),
    () => damagedData(whole, random),
  ])();
  return {
    files: { 'data.safetensors': bytes },
    argv: run('data.safetensors', index),
    judge: (answer) => judge(answer, () => unstored(bytes)),
  };
}

function run(data: string, index: number): string[] {
  const where = index % ON_DEVICE === 0 ? ['--adapter', 'swiftshader'] : ['--reference'];
  return ['run', 'rnn', '--data', data, '--out', 'out.json', ...where];
}

function judge({ folder }: Answer, read: () => unknown): Judgement {
  let expected: ReadonlyMap<string, readonly number[]>;
  try {
    expected = runPlainRnn(read());
  } catch (error) {
    if (error instanceof Unjudged || error instanceof SyntaxError) return 'unjudged';
    if (error instanceof Unacceptable) return { complaint: `accepted, but it should have been refused: ${error.message}` };
    throw error;
  }
  const out = join(folder, 'out.json');
  if (!existsSync(out)) return { complaint: 'exit code 0 and no result' };
  const document = JSON.parse(readFileSync(out, 'utf8'));
  for (const [path, values] of expected) {
    const found = path.split('.').reduce((node, key) => node?.[key], document);
    if (!found || !agree(found.data, values))
      return { complaint: `${path} is wrong: ${JSON.stringify(found?.data)?.slice(0, 200)}, not ${values.slice(0, 8)}` };
  }
  return 'right';
}

/** The same request, written by another hand: it has to be accepted. */
function respelt(good: RequestJson, random: Random): string {
  const shuffled = (node: unknown): unknown => {
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return node;
    return Object.fromEntries(
      Object.entries(node)
        .sort(() => random.next() - 0.5)
        .map(([key, value]) => [key, shuffled(value)]),
    );
  };
  return JSON.stringify(shuffled(good), null, random.pick([0, 1, 2, '\t', ' \n']));
}

/** One digit of a number is another: a value, a shape or a length is changed. */
function redigited(text: string, random: Random): string {
  const places = [...text.matchAll(/\d/g)].map(({ index }) => index);
  const at = random.pick(places);
  return `${text.slice(0, at)}${random.whole(0, 9)}${text.slice(at + 1)}`;
}

function stored({ inputs, state, params, cotangents, lengths }: RequestJson): Uint8Array {
  const groups = {
    inputs,
    state,
    params,
    'cotangents.outputs': cotangents?.outputs ?? {},
    'cotangents.state': cotangents?.state ?? {},
  };
  const tensors = Object.entries(groups).flatMap(([group, members]) =>
    Object.entries(members).map(
      ([name, { shape, data }]) => [`${group}.${name}`, { shape, data: Float32Array.from(data) }] as const,
    ),
  );
  return writeSafetensors({
    ...Object.fromEntries(tensors),
    lengths: { shape: [lengths.length], data: Int32Array.from(lengths) },
  });
}

/** The header stays as it is: bits of numbers and of lengths are others. */
function damagedData(bytes: Uint8Array, random: Random): Uint8Array {
  const damaged = Uint8Array.from(bytes);
  const start = 8 + Number(new DataView(damaged.buffer).getBigUint64(0, true));
  for (let count = random.whole(1, 3); count > 0; count--) {
    const at = random.whole(start, damaged.length - 1);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << random.whole(0, 7));
  }
  return damaged;
}

/** A reader of its own, of what `stored` writes; another dtype is not judged. */
function unstored(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString('utf8'));
  const request: Record<string, Record<string, unknown>> = {};
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(header)) {
    if (name === '__metadata__' || (name === 'lengths' ? dtype !== 'I32' : dtype !== 'F32'))
      throw new Unjudged(`${name} of ${dtype}`);
    const data = Array.from({ length: (to - from) / 4 }, (_, index) => {
      const at = 8 + length + from + 4 * index;
      return dtype === 'I32' ? view.getInt32(at, true) : view.getFloat32(at, true);
    });
    if (name === 'lengths') Object.assign(request, { lengths: data });
    else {
      const path = name.split('.');
      const last = path.pop() ?? '';
      const group = path.reduce<Record<string, unknown>>((node, key) => {
        node[key] ??= {};
        return node[key] as Record<string, unknown>;
      }, request);
      group[last] = { shape, data };
    }
  }
  return request;
}
