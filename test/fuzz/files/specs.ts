/** Damaged specs: tokens exchanged, left out, doubled; bytes damaged. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { newCellSource } from '../../../cli/new-cell.js';
import { malformedSpec } from '../../cli/malformations.js';
import { damageBytes } from '../../interop/mutations.js';
import type { Random } from '../random.js';
import { type Answer, agree, type Judgement, type Mutant } from './mutant.js';
import { Unjudged } from './plain-rnn.js';
import { type ScalarCell, scalarCell } from './scalar-cell.js';

const GATED = `import { cell, choice, clamp, integer, mat, matvec, max, min, real, relu, scalar, sigmoid, tanh, vec } from 'recurve';

function blend(z: number, a: number, b: number): number {
  return (1 - z) * a + z * b;
}

export default cell({
  name: 'gated',
  options: { kind: choice('tanh', 'relu'), rounds: integer(2, { min: 1, max: 3 }), limit: real(1.5, { min: 0 }) },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H'), c: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H'), V: mat('H', 'H'), b: vec('H'), s: scalar() },
  step({ x }, { h, c }, p, { options: o }) {
    const seen = matvec(p.W, x) + p.b;
    let a = seen + matvec(p.U, h);
    for (let i = 0; i < o.rounds; i++) a = a + 0.25 * tanh(a - i);
    const z = sigmoid(a * p.s);
    const n = o.kind === 'tanh' ? tanh(matvec(p.V, c) - a) : relu(a);
    const next = blend(z, h, clamp(n, -o.limit, o.limit));
    const kept = a > 0.1 ? max(c, next) : min(c * 0.5, next) - 0.125;
    return { h: next, c: kept };
  },
});
`;

/** What stands for what: an exchange within a row mostly leaves a spec, with another meaning. */
const ALIKE: readonly (readonly string[])[] = [
  ['x', 'h', 'c', 'a', 'z', 'n', 'seen', 'next', 'kept', '0.5', '(-h)', 't'],
  ['W', 'U', 'V'],
  ['tanh', 'sigmoid', 'relu', 'softsign', 'softplus', 'exp', 'sin', 'abs'],
  ['max', 'min'],
  ['+', '-', '*', '/', '+ -'],
  ['<', '>', '<=', '>=', '===', '!=='],
  ['0', '1', '2', '3', '0.5', '0.25', '0.125', '1.5', '7', '0x2', '1e-3', '.5', '2_0', '1e39', '1e-46'],
  ["'tanh'", "'relu'", '"relu"', '`tanh`'],
];
const STRANGERS = [
  ...'?:,;.!()[]{}',
  '&&',
  '||',
  '%',
  '**',
  '=>',
  '...',
  'undefined',
  'NaN',
  'Math',
  'constructor',
  '__proto__',
  'this',
  '1n',
  "''",
  "'Q'",
];

export function specMutant(random: Random, index: number): Mutant {
  const base = index % 2 === 0 ? GATED : newCellSource('mine');
  const next = () => random.next();
  const source = random.weighted<[number, () => string]>(
    [
      [8, () => exchanged(base, random)],
      [1, () => malformedSpec(newCellSource('mine'), next)],
      [1, () => Buffer.from(damageBytes(Buffer.from(base), next)).toString('utf8')],
    ],
    ([weight]) => weight,
  )[1]();
  const argv = ['inspect', 'mine.cell.ts', '--stage', 'wgsl', '--dims', 'T=2,B=1'];
  return { files: { 'mine.cell.ts': source }, argv, judge: (answer) => judge(answer, source, random) };
}

/** One or two tokens are others, are gone, stand twice or change places with the next. */
function exchanged(source: string, random: Random): string {
  const tokens = tokensOf(source);
  const step = tokens.findIndex(({ text }) => text === 'step');
  for (let count = random.whole(1, 2); count > 0; count--) {
    // Most changes hit the step, and there a token that others can stand for.
    const first = random.chance(0.8) ? step : 0;
    const places = Array.from({ length: tokens.length - first }, (_, index) => first + index);
    const exchangeable = places.filter((place) => ALIKE.some((row) => row.includes(tokens[place]?.text ?? '')));
    const at = random.pick(random.chance(0.8) ? exchangeable : places);
    const token = tokens[at];
    if (token === undefined) continue;
    const kind = random.next();
    const alike = ALIKE.find((row) => row.includes(token.text));
    if (kind < 0.7) token.text = random.pick(alike !== undefined && random.chance(0.9) ? alike : STRANGERS);
    else if (kind < 0.75) tokens.splice(at, 1);
    else if (kind < 0.8) tokens.splice(at, 0, { ...token });
    else tokens.splice(at, 2, ...tokens.slice(at, at + 2).reverse());
  }
  return tokens.map(({ space, text }) => space + text).join('');
}

interface Token {
  readonly space: string;
  text: string;
}

function tokensOf(source: string): Token[] {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, source);
  const tokens: Token[] = [];
  while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) {
    tokens.push({
      space: source.slice(scanner.getTokenFullStart(), scanner.getTokenStart()),
      text: scanner.getTokenText(),
    });
  }
  return tokens;
}

const T = 3;

/** An accepted spec computes what its text computes as JavaScript, on dims of size 1. */
async function judge({ folder, recurve }: Answer, source: string, random: Random): Promise<Judgement> {
  let cell: ScalarCell;
  try {
    cell = scalarCell(source);
  } catch (error) {
    if (error instanceof Unjudged) return 'unjudged';
    throw error;
  }
  const draw = () => Math.fround(random.next() * 2 - 1);
  const sequences = Object.fromEntries(cell.inputs.map((name) => [name, Array.from({ length: T }, draw)]));
  const state = Object.fromEntries(cell.state.map((name) => [name, draw()]));
  const params = Object.fromEntries(Object.keys(cell.params).map((name) => [name, draw()]));
  const expected: Record<string, number[]> = Object.fromEntries(cell.state.map((name) => [name, []]));
  let current: Readonly<Record<string, number>> = state;
  try {
    for (let t = 0; t < T; t++) {
      const inputs = Object.fromEntries(cell.inputs.map((name) => [name, sequences[name]?.[t] ?? 0]));
      const after = cell.step(inputs, current, params);
      for (const name of cell.state) expected[name]?.push(after[name] ?? Number.NaN);
      current = after;
    }
  } catch (error) {
    if (error instanceof Unjudged) return 'unjudged';
    throw error;
  }
  // A value that is no number, or none that is finite, has a meaning in JavaScript and none here.
  if (
    !Object.values(expected)
      .flat()
      .every((value) => Number.isFinite(value) && Math.abs(value) < 1e30)
  )
    return 'unjudged';
  const tensor = (shape: readonly number[], data: readonly number[]) => ({ shape, data });
  const group = (values: Readonly<Record<string, number>>, rank: (name: string) => number) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        tensor(
          Array.from({ length: rank(name) }, () => 1),
          [value],
        ),
      ]),
    );
  const request = {
    inputs: Object.fromEntries(Object.entries(sequences).map(([name, data]) => [name, tensor([T, 1, 1], data)])),
    state: group(state, () => 2),
    params: group(params, (name) => cell.params[name] ?? 0),
  };
  writeFileSync(join(folder, 'data.json'), JSON.stringify(request));
  const where = random.chance(0.1) ? ['--adapter', 'swiftshader'] : ['--reference'];
  const ran = await recurve(['run', 'mine.cell.ts', '--data', 'data.json', '--out', 'out.json', ...where]);
  // What the language refuses of a spec that it accepted has its reason: a parameter that nothing uses, a rate beyond 1.
  if (ran.code !== 0)
    return ran.code === 2 && !ran.stderr.includes('internal error') ? 'unjudged' : { complaint: `the run failed: ${ran.stderr}` };
  const { outputs = {} } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'));
  for (const [name, found] of Object.entries<{ data: number[] }>(outputs)) {
    const values = expected[name];
    if (values !== undefined && !agree(found.data, values))
      return { complaint: `${name} is ${found.data}, and as JavaScript it is ${values}` };
  }
  return 'right';
}
