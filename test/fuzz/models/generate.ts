/** Random well-formed models: the same seed and index give the same one. */

import { readFileSync } from 'node:fs';
import { builtInCells } from '../../../codegen/shipped.js';
import { printModel } from '../print.js';
import { Random } from '../random.js';
import { NetworkBuilder } from './builder.js';
import { builtInLayer, callLayer, type Face, randomLayer } from './layers.js';
import type { Network } from './network.js';
import { isInput, reachedValues } from './print.js';

/** Cells that need what they were given before: not the same at every step. */
const DELAYING = new Set(
  builtInCells().flatMap(({ name, path }) => (readFileSync(path, 'utf8').includes('delay(') ? [name] : [])),
);

type Make = (b: NetworkBuilder, faces: Face[]) => void;

const PRODUCTIONS: readonly (readonly [weight: number, make: Make])[] = [
  [3, (b) => void perUnit(b)],
  [3, (b) => void twoOf(b)],
  [2, (b) => void chosen(b)],
  [3, (b) => void product(b)],
  [2, (b) => void joined(b)],
  [4, (b) => void shifted(b)],
  [5, (b) => void overTime(b)],
  [1, (b) => void softmaxOverTime(b)],
  [2, (b) => void remembered(b)],
  [1, (b) => void overUnits(b)],
  [1, (b) => void drawn(b)],
  [6, newLayer],
  [3, again],
  [2, repeated],
];

export function generateNetwork(seed: number, index: number): Network {
  const random = new Random(seed ^ 0x6d6f64, index);
  const b = new NetworkBuilder(random);
  const faces: Face[] = [];
  b.input(b.someVec(), true);
  if (random.chance(0.35)) b.fed(b.someVec());
  newLayer(b, faces);
  for (let count = random.whole(2, 8); count > 0; count--) random.weighted(PRODUCTIONS, ([weight]) => weight)[1](b, faces);
  const run = { seed: random.whole(1, 1_000_000), ragged: random.chance(0.65), training: random.chance(0.6) };
  const sizes = { T: random.chance(0.15) ? 1 : random.whole(2, 5), B: random.whole(1, 3) };
  return b.network({ ...someOutputs(b), ...nextValues(b) }, run, sizes);
}

/** Of each state a sequence that is made of this step of it and of those before, and that does not grow. */
function nextValues(b: NetworkBuilder): Record<string, number> {
  return Object.fromEntries(
    Object.entries(b.state).map(([name, shape]) => {
      const own = b.values.findIndex(({ text }) => text === `state.${name}`);
      const late = lateValues(b, own);
      const able = [...b.values.keys()].filter((at) => {
        const value = b.value(at);
        return value.type === 'number' && value.time && value.shape.join() === shape.join() && !late.has(at);
      });
      return [name, b.add('tanh(0.4 * $0 + 0.5 * $1)', [own, b.random.weighted(able, (at) => 1 + at)], shape)];
    }),
  );
}

/** Values that are made of whole sequences, or of other steps, of what is made of this one: they come too late to be fed back. */
function lateValues(b: NetworkBuilder, fed: number): ReadonlySet<number> {
  const made = new Set([fed]);
  const late = new Set<number>();
  for (const [at, { text, args, call }] of b.values.entries()) {
    if (args.some((arg) => late.has(arg))) late.add(at);
    if (!args.some((arg) => made.has(arg))) continue;
    made.add(at);
    const layer = call === undefined ? undefined : b.layers[call.layer.replace(/\[.*/, '')];
    // What a random cell delays must be in memory when its loop begins.
    const apart = call?.reverse === true || typeof layer?.cell === 'object' || DELAYING.has(layer?.cell ?? '');
    if (apart || /shift\(|reverse:|, 'T'\)|first\(|last\(|memory\(|\.final\./.test(text)) late.add(at);
  }
  return late;
}

/** What nothing was made of, and perhaps something else. */
function someOutputs(b: NetworkBuilder): Record<string, number> {
  const { random, values } = b;
  const able = [...values.keys()].filter((at) => {
    const value = b.value(at);
    return value.type === 'number' && value.varies && !isInput(b, value);
  });
  const [given] = values.keys();
  if (able.length === 0 && given !== undefined) able.push(b.add('tanh($0)', [given], b.value(given).shape));
  const used = new Set(values.flatMap(({ args }) => args));
  const last = able.filter((at) => !used.has(at));
  const chosen = new Set([last.at(-1) ?? able.at(-1) ?? 0]);
  for (let count = random.whole(0, 3); count > 0; count--)
    chosen.add(random.pick(last.length > 0 && random.chance(0.7) ? last : able));
  // One that others are made of needs no name of its own, but may have one.
  const reached = reachedValues({ values, outputs: Object.fromEntries([...chosen].entries()) });
  const inner = able.filter((at) => reached.has(at) && !chosen.has(at));
  if (inner.length > 0 && random.chance(0.3)) chosen.add(random.pick(inner));
  return Object.fromEntries([...chosen].map((at, number) => [`y${number}`, at]));
}

function perUnit(b: NetworkBuilder): number {
  const x = b.one({});
  const text = b.random.pick([
    'tanh($0)',
    'sigmoid($0)',
    'sin($0)',
    '(0.5 * $0 + 0.1)',
    'softsign($0)',
    'relu($0)',
    'stopGradient($0)',
  ]);
  return b.add(text, [x], b.value(x).shape);
}

/** Of one shape, or one of them a scalar; with time or without. */
function twoOf(b: NetworkBuilder): number {
  const { random } = b;
  const x = b.one({});
  const { shape } = b.value(x);
  const parameter = random.chance(0.2) ? b.add(b.param(shape), [], shape) : undefined;
  const y = parameter ?? (random.chance(0.2) ? (b.known({ shape: [] }) ?? b.one({ shape })) : b.one({ shape }));
  const text = random.pick(['($0 + $1)', '($0 - $1)', '($0 * $1)', '(tanh($1) * $0)', 'max($0, $1)', '($0 / (2 + sin($1)))']);
  return b.add(text, random.chance(0.5) || b.value(y).shape.length < shape.length ? [x, y] : [y, x], shape);
}

/** A test is a value as others are: of a sequence, or once for a sequence. */
function chosen(b: NetworkBuilder): number {
  const { random } = b;
  const x = b.one({});
  const { shape } = b.value(x);
  const test =
    (random.chance(0.3) ? b.known({ shape, type: 'test' }) : undefined) ??
    b.add('$0 > $1', [b.one({ shape }), b.one({ shape })], shape, { type: 'test' });
  return b.add(
    random.pick(['($0 ? $1 : $2)', '($0 ? 0.3 * $1 : tanh($2))', '($0 ? sqrt(square($1) + 0.1) : $2)']),
    [test, x, b.one({ shape })],
    shape,
  );
}

function product(b: NetworkBuilder): number {
  const x = b.one({ ...(b.random.chance(0.8) ? {} : { shape: b.someVec() }) });
  const [dim, ...more] = b.value(x).shape;
  if (dim === undefined || more.length > 0) return perUnit(b);
  const to = b.someVec();
  return b.add(`matvec(${b.param([...to, dim])}, $0)`, [x], to);
}

/** Of a sequence and its neighbours, of both directions, of what has time and what has none. */
function joined(b: NetworkBuilder): number {
  const { random } = b;
  const parts = Array.from({ length: random.whole(2, 3) }, () => b.one({ shape: b.someVec(), time: random.chance(0.8) }));
  const dim = b.newDim(parts.reduce((sum, part) => sum + b.units(b.value(part).shape), 0));
  const whole = b.add(`concat('${dim}', ${parts.map((_, part) => `$${part}`).join(', ')})`, parts, [dim]);
  const to = b.someVec();
  return random.chance(0.8) ? b.add(`matvec(${b.param([...to, dim])}, $0)`, [whole], to) : whole;
}

function shifted(b: NetworkBuilder): number {
  const x = b.one({ time: true });
  const { shape } = b.value(x);
  const at = b.add(`shift($0, ${b.random.pick([-1, -1, 1, 1, -2, 2, 3])})`, [x], shape);
  return b.random.chance(0.4) ? b.add('($0 - 0.5 * $1)', [x, at], shape) : at;
}

function overTime(b: NetworkBuilder): number {
  const x = b.one({ time: true });
  const text = b.random.pick(["sum($0, 'T')", "mean($0, 'T')", "mean($0, 'T')", "maxOver($0, 'T')", 'first($0)', 'last($0)']);
  return b.add(text, [x], b.value(x).shape, { time: false });
}

/** Attention: weights of the steps, and the mean of another sequence by them. */
function softmaxOverTime(b: NetworkBuilder): number {
  const x = b.one({ time: true });
  const { shape } = b.value(x);
  const weights = b.add("softmax($0, 'T')", [x], shape);
  return b.random.chance(0.6)
    ? b.add("sum($0 * $1, 'T')", [weights, b.one({ shape, time: true })], shape, { time: false })
    : weights;
}

/** All of a sequence at once: looked at by another or by itself, masked by its length or not. */
function remembered(b: NetworkBuilder): number {
  const { random } = b;
  const x = b.one({ shape: b.someVec(), time: true });
  const { shape } = b.value(x);
  const query = b.one({ shape });
  const { time } = b.value(query);
  const scores = 'matvec(memory($0), $1)';
  const text = random.pick([
    `matvec(transpose(memory($0)), softmax(index('T') < steps('T') ? ${scores} : -1e30))`,
    `matvec(transpose(memory($0)), tanh(${scores}))`,
    "(sum(memory($0), 'T') * $1 / max(steps('T'), 1))",
    "maxOver(tanh(memory($0) + broadcast($1, 'T', 'DIM')), 'T')".replace('DIM', shape[0] ?? ''),
  ]);
  return b.add(text, [x, query], shape, { time });
}

function overUnits(b: NetworkBuilder): number {
  const x = b.one({});
  const { shape } = b.value(x);
  if (shape.length !== 1) return perUnit(b);
  return b.random.chance(0.5)
    ? b.add('softmax($0)', [x], shape)
    : b.add(b.random.pick(['sum($0)', 'mean($0)', 'maxOver($0)']), [x], []);
}

function drawn(b: NetworkBuilder): number {
  const x = b.one({});
  return b.add(b.random.pick(['dropout($0, 0.3)', "dropout($0, 0.4, 'sequence')", 'noise($0, 0.2)']), [x], b.value(x).shape);
}

function newLayer(b: NetworkBuilder, faces: Face[]): void {
  const face = (b.random.chance(0.4) ? randomLayer(b) : undefined) ?? builtInLayer(b);
  faces.push(face);
  callLayer(b, face);
}

/** The same parameters once more. */
function again(b: NetworkBuilder, faces: Face[]): void {
  // A matrix with entries dropped at random has one mask for the run, and so one use.
  const able = faces.filter(({ name }) => {
    const cell = b.layers[name]?.cell;
    return typeof cell !== 'object' || !printModel(cell).includes('dropConnect(');
  });
  if (able.length > 0) callLayer(b, b.random.pick(able));
}

/** Layers of one kind in a row: written out, or as a loop. */
function repeated(b: NetworkBuilder): void {
  const { random } = b;
  const count = random.whole(1, 3);
  const face = builtInLayer(b, count);
  const [input, shape] = Object.entries(face.inputs)[0] ?? ['x', []];
  const [output] = Object.keys(face.outputs);
  const x = b.one({ shape, time: true });
  const text = random.pick([
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = ${face.name}[k]({ ${input}: $$ }).${output};`,
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = ${face.name}[k]({ ${input}: $$ }, { reverse: k % 2 === 1 }).${output} + $$;`,
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = 0.5 * $$ + shift(${face.name}[k]({ ${input}: $$ }).${output}, -1);`,
  ]);
  b.add(text, [x], shape);
}
