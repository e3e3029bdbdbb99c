/** Random well-formed models: the same seed and index give the same one. */

import { readFileSync } from 'node:fs';
import { builtInCells } from '../../../codegen/shipped.js';
import type { Shape } from '../model.js';
import { printModel } from '../print.js';
import { Random } from '../random.js';
import { NetworkBuilder } from './builder.js';
import { builtInLayer, callLayer, type Face, randomLayer } from './layers.js';
import type { Network, Time } from './network.js';
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
  [3, (b) => void embedded(b)],
  [3, (b) => void lost(b)],
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

/** How much is made beside what each has: a test of many models has small ones. */
const PARTS = { small: [0, 1], any: [2, 8] } as const;

/** What small ones end with, in turns, so that few of them have all. */
const ENDS: readonly Make[] = [
  (b) => void product(b),
  (b) => void shifted(b),
  again,
  repeated,
  (b) => void overTime(b),
  (b) => void embedded(b),
  (b) => void lost(b),
];

/** Every other one has two time axes. */
export function generateNetwork(seed: number, index: number, parts: keyof typeof PARTS = 'any'): Network {
  const random = new Random(seed ^ 0x6d6f64, index);
  const two = index % 2 === 1;
  const axes = two ? random.pick([['S', 'T'] as const, ['T', 'S'] as const]) : (['T'] as const);
  const b = new NetworkBuilder(random, axes);
  const faces: Face[] = [];
  for (const time of axes) b.input(b.someVec(), time);
  if (random.chance(0.35)) b.fed(b.someVec(), random.pick(axes));
  newLayer(b, faces);
  if (two) bridged(b);
  const [least, most] = PARTS[parts];
  for (let count = random.whole(least, most); count > 0; count--) random.weighted(PRODUCTIONS, ([weight]) => weight)[1](b, faces);
  if (parts === 'small') ENDS[(index >> 1) % ENDS.length]?.(b, faces);
  const run = { seed: random.whole(1, 1_000_000), ragged: random.chance(0.65), training: random.chance(0.6) };
  const sizes = { ...stepsOf(random, axes), B: random.whole(1, 3) };
  return b.network({ ...someOutputs(b), ...nextValues(b) }, run, sizes);
}

/** Sizes of the time axes: of two never the same, and odd, so that the steps of one are not taken for those of the other. */
function stepsOf(random: Random, axes: readonly Time[]): Record<string, number> {
  if (axes.length === 1) return { T: random.chance(0.15) ? 1 : random.whole(2, 5) };
  const [first, second] = random.pick([
    [1, 3],
    [1, 5],
    [3, 5],
    [3, 7],
    [5, 7],
  ]);
  const turned = random.chance(0.5);
  return Object.fromEntries(axes.map((time, at) => [time, ((at === 0) === turned ? second : first) ?? 1]));
}

/** Of each state a sequence that is made of this step of it and of those before, and that does not grow. */
function nextValues(b: NetworkBuilder): Record<string, number> {
  return Object.fromEntries(
    Object.entries(b.state).map(([name, { shape, time }]) => {
      const own = b.values.findIndex(({ text }) => text === `state.${name}`);
      const late = lateValues(b, own);
      const able = [...b.values.keys()].filter((at) => {
        const value = b.value(at);
        return value.type === 'number' && value.time === time && value.shape.join() === shape.join() && !late.has(at);
      });
      const other = b.random.weighted(able, (at) => 1 + at);
      if (b.axes.length === 1) return [name, b.add('tanh(0.4 * $0 + 0.5 * $1)', [own, other], shape)];
      // Of two axes each is told its steps by an input.
      const timed = b.values.findIndex((value) => isInput(b, value) && value.time === time);
      return [name, b.add('tanh(0.4 * $0 + 0.5 * $1 + 0.1 * mean($2))', [own, other, timed], shape)];
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
    // Repeated layers are called in a statement.
    const called = call?.layer ?? /\b(\w+)\[k\]\(/.exec(text)?.[1];
    const layer = called === undefined ? undefined : b.layers[called.replace(/\[.*/, '')];
    // What a random cell delays must be in memory when its loop begins.
    const apart = call?.reverse === true || typeof layer?.cell === 'object' || DELAYING.has(layer?.cell ?? '');
    // All of another sequence is there before the loop begins; what looks at it at a step is of that step.
    const looked = text.includes('memory(') && !args.slice(0, 1).some((arg) => made.has(arg));
    const whole = /shift\(|reverse:|, '[ST]'\)|first\(|last\(|memory\(|\.final\./.test(text);
    if (apart || (whole && !looked)) late.add(at);
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
  const crossing = able.filter((at) => b.axes.every((time) => isMadeOf(b, at, time)));
  if (b.axes.length > 1 && crossing.length > 0 && random.chance(0.8)) chosen.add(random.weighted(crossing, (at) => 1 + at));
  // One that others are made of needs no name of its own, but may have one.
  const reached = reachedValues({ values, outputs: Object.fromEntries([...chosen].entries()) });
  const inner = able.filter((at) => reached.has(at) && !chosen.has(at));
  if (inner.length > 0 && random.chance(0.3)) chosen.add(random.pick(inner));
  if (random.chance(0.35)) chosen.add(total(b, random.chance(0.5) ? random.pick([...chosen]) : random.pick(able)));
  return Object.fromEntries([...chosen].map((at, number) => [`y${number}`, at]));
}

/** One number for all sequences: of one for each, which a value is brought to first. */
function total(b: NetworkBuilder, at: number): number {
  const { random } = b;
  const { shape, time } = b.value(at);
  const units = shape.length === 0 ? '$0' : `${random.pick(['sum', 'mean', 'maxOver'])}($0)`;
  const own =
    time === undefined ? units : random.pick([`sum(${units}, '${time}')`, `mean(${units}, '${time}')`, `last(${units})`]);
  const one = own === '$0' ? at : b.add(own, [at], [], { time: undefined });
  const text = random.pick(["sum($0, 'B')", "mean($0, 'B')", "mean(0.5 * $0, 'B')"]);
  return b.add(text, [one], [], { time: undefined, type: 'total' });
}

/** Whether something over a time axis goes into a value. */
function isMadeOf({ values }: NetworkBuilder, at: number, time: Time): boolean {
  return [...reachedValues({ values, outputs: { y: at } })].some((own) => values[own]?.time === time);
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
  const over = b.beside(x);
  const parameter = random.chance(0.2) ? b.add(b.param(shape), [], shape) : undefined;
  const y = parameter ?? (random.chance(0.2) ? (b.known({ shape: [], over }) ?? b.one({ shape, over })) : b.one({ shape, over }));
  const text = random.pick(['($0 + $1)', '($0 - $1)', '($0 * $1)', '(tanh($1) * $0)', 'max($0, $1)', '($0 / (2 + sin($1)))']);
  return b.add(text, random.chance(0.5) || b.value(y).shape.length < shape.length ? [x, y] : [y, x], shape);
}

/** A test is a value as others are: of a sequence, or once for a sequence. */
function chosen(b: NetworkBuilder): number {
  const { random } = b;
  const x = b.one({});
  const { shape } = b.value(x);
  const over = b.beside(x);
  const known = random.chance(0.3) ? b.known({ shape, over, type: 'test' }) : undefined;
  const test = known ?? compared(b, shape, over);
  return b.add(
    random.pick(['($0 ? $1 : $2)', '($0 ? 0.3 * $1 : tanh($2))', '($0 ? sqrt(square($1) + 0.1) : $2)']),
    [test, x, b.one({ shape, over: b.beside(test, x) })],
    shape,
  );
}

function compared(b: NetworkBuilder, shape: Shape, over: readonly Time[]): number {
  const x = b.one({ shape, over });
  const between = over.filter((time) => b.beside(x).includes(time));
  return b.add('$0 > $1', [x, b.one({ shape, over: between })], shape, { type: 'test' });
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
  const time = random.pick(b.axes);
  const parts = Array.from({ length: random.whole(2, 3) }, () =>
    b.one({ shape: b.someVec(), over: [random.chance(0.8) ? time : undefined] }),
  );
  const dim = b.newDim(parts.reduce((sum, part) => sum + b.units(b.value(part).shape), 0));
  const whole = b.add(`concat('${dim}', ${parts.map((_, part) => `$${part}`).join(', ')})`, parts, [dim]);
  const to = b.someVec();
  return random.chance(0.8) ? b.add(`matvec(${b.param([...to, dim])}, $0)`, [whole], to) : whole;
}

/** Rows of a matrix by symbols: those that are given, those of other steps, those that a sequence itself makes most likely. */
function embedded(b: NetworkBuilder): number {
  const { random } = b;
  const [rows = '', dim = ''] = [...b.someVec(), ...b.someVec()];
  const time = random.chance(0.85) ? random.pick(b.axes) : undefined;
  let symbol: number;
  if (time !== undefined && random.chance(0.3)) {
    // What is largest jumps: it must depend on continuous data.
    const x = b.one({ shape: [rows], over: [time] });
    symbol = b.add('argmax($0 + $1)', [x, b.input([rows], time)], [], { type: 'symbol', symbols: rows });
  } else symbol = b.symbol(rows, time);
  if (time !== undefined && random.chance(0.25)) symbol = b.add('shift($0, -1)', [symbol], [], { type: 'symbol', symbols: rows });
  return b.add(`embed(${b.param([rows, dim])}, $0)`, [symbol], [dim]);
}

/** A loss at every step, or one of what has no time, and perhaps what a sequence loses in all. */
function lost(b: NetworkBuilder): number {
  const { random } = b;
  const x = b.one({ shape: b.someVec() });
  const { shape, time } = b.value(x);
  const [dim = ''] = shape;
  // A factor makes logits of what may be a softmax, which losses refuse.
  const entropy = random.pick(['crossEntropy(2 * $0, $1)', 'crossEntropy(2 * $0, $1, { smoothing: 0.1 })']);
  const other = random.pick([
    'mean(huber($0, $1, 1))',
    'sum(squaredError($0, $1))',
    'mean(binaryCrossEntropy(2 * $0, sigmoid($1)))',
  ]);
  const loss = random.chance(0.6)
    ? b.add(`(0.3 * ${entropy})`, [x, b.symbol(dim, time)], [])
    : b.add(`(0.3 * ${other})`, [x, b.one({ shape, over: [time] })], []);
  if (time === undefined || random.chance(0.5)) return loss;
  return b.add(`${random.pick(['sum', 'mean'])}($0, '${time}')`, [loss], [], { time: undefined });
}

function shifted(b: NetworkBuilder): number {
  const x = b.one({ over: b.axes });
  const { shape } = b.value(x);
  const at = b.add(`shift($0, ${b.random.pick([-1, -1, 1, 1, -2, 2, 3])})`, [x], shape);
  return b.random.chance(0.4) ? b.add('($0 - 0.5 * $1)', [x, at], shape) : at;
}

function overTime(b: NetworkBuilder): number {
  const x = b.one({ over: b.axes });
  const { shape, time } = b.value(x);
  const text = b.random.pick([
    `sum($0, '${time}')`,
    `mean($0, '${time}')`,
    `mean($0, '${time}')`,
    `maxOver($0, '${time}')`,
    'first($0)',
    'last($0)',
  ]);
  return b.add(text, [x], shape, { time: undefined });
}

/** Attention: weights of the steps, and the mean of another sequence by them. */
function softmaxOverTime(b: NetworkBuilder): number {
  const x = b.one({ over: b.axes });
  const { shape, time } = b.value(x);
  const weights = b.add(`softmax($0, '${time}')`, [x], shape);
  return b.random.chance(0.6)
    ? b.add(`sum($0 * $1, '${time}')`, [weights, b.one({ shape, over: [time] })], shape, { time: undefined })
    : weights;
}

/** All of a sequence at once: looked at by another, perhaps over another axis, or by itself. */
function remembered(b: NetworkBuilder): number {
  const x = b.one({ shape: b.someVec(), over: b.axes });
  const { shape } = b.value(x);
  return looked(b, x, b.one({ shape }));
}

/** Attention, dot and additive, masked by the sequence's length or not, and other sums over a memory. */
function looked(b: NetworkBuilder, x: number, query: number): number {
  const { shape, time: of } = b.value(x);
  const { time } = b.value(query);
  const [dim = ''] = shape;
  const repeated = `broadcast($1, '${of}', '${dim}')`;
  const dot = 'matvec(memory($0), $1)';
  const masked = (scores: string) => `softmax(index('${of}') < steps('${of}') ? ${scores} : -1e30)`;
  const mixed = (weights: string) => `matvec(transpose(memory($0)), ${weights})`;
  const text = b.random.pick([
    () => mixed(masked(dot)),
    () => mixed(masked(`matvec(tanh(memory($0) + ${repeated}), ${b.param(shape)})`)),
    () => mixed(masked(`matvec(tanh(memory(matvec(${b.param([dim, dim])}, $0)) + ${repeated}), ${b.param(shape)})`)),
    () => mixed(`tanh(${dot})`),
    () => `(sum(memory($0), '${of}') * $1 / max(steps('${of}'), 1))`,
    () => `maxOver(tanh(memory($0) + ${repeated}), '${of}')`,
  ]);
  return b.add(text(), [x, query], shape, { time });
}

/** What is over one axis and what is over the other meet: by a memory, or by a value without time. */
function bridged(b: NetworkBuilder): void {
  const { random } = b;
  const [from, to] = random.chance(0.5) ? b.axes : b.axes.toReversed();
  const x = b.one({ shape: b.someVec(), over: [from] });
  const { shape } = b.value(x);
  if (random.chance(0.6)) return void looked(b, x, b.one({ shape, over: [to] }));
  const text = random.pick([`sum($0, '${from}')`, `mean($0, '${from}')`, `maxOver($0, '${from}')`, 'first($0)', 'last($0)']);
  const still = b.add(text, [x], shape, { time: undefined });
  b.add(random.pick(['(tanh($0) * $1)', '($0 + $1)', 'max($0, $1)']), [still, b.one({ shape, over: [to] })], shape);
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
  const x = b.one({ shape, over: b.axes });
  const text = random.pick([
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = ${face.name}[k]({ ${input}: $$ }).${output};`,
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = ${face.name}[k]({ ${input}: $$ }, { reverse: k % 2 === 1 }).${output} + $$;`,
    `let $$ = $0; for (let k = 0; k < ${count}; k++) $$ = 0.5 * $$ + shift(${face.name}[k]({ ${input}: $$ }).${output}, -1);`,
  ]);
  b.add(text, [x], shape);
}
