/**
 * Executes a spec as the JavaScript that it is, with every dim of size 1, so that a vector is a number and a product with a
 * matrix a product of numbers: what the file means by the rules of its host language. recurve itself never executes a spec.
 */
import { createContext, Script } from 'node:vm';
import ts from 'typescript';
import { Unjudged } from './plain-rnn.js';

export interface ScalarCell {
  readonly inputs: readonly string[];
  readonly state: readonly string[];
  readonly params: Readonly<Record<string, number>>;
  /** One step on numbers. @throws Unjudged */
  readonly step: (inputs: Numbers, state: Numbers, params: Numbers) => Numbers;
}
type Numbers = Readonly<Record<string, number>>;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const identity = (x: number) => x;
const product = (a: number, b: number) => a * b;
/** How many axes of size 1 a declaration has: the rank of its tensor. */
const declare =
  (rank: number) =>
  (...given: readonly unknown[]) => {
    if (given.slice(0, rank).some((dim) => typeof dim !== 'string')) throw new Unjudged('a dim that is no name');
    return { rank, options: given[rank] };
  };
const option = (...values: readonly unknown[]) => ({ option: values[0] });

const NAMES: Readonly<Record<string, unknown>> = {
  cell: identity,
  vec: declare(1),
  mat: declare(2),
  scalar: declare(0),
  choice: option,
  flag: option,
  real: option,
  integer: option,
  matvec: product,
  dot: product,
  outer: product,
  sum: identity,
  mean: identity,
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sin: Math.sin,
  cos: Math.cos,
  sigmoid,
  relu: (x: number) => Math.max(x, 0),
  min: Math.min,
  max: Math.max,
  softplus: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x: number) => x / (1 + Math.abs(x)),
  clamp: (x: number, low: number, high: number) => Math.min(Math.max(x, low), high),
  select: (condition: unknown, a: number, b: number) => (condition ? a : b),
};

/** @throws Unjudged where the file, as JavaScript, uses what this cannot give a meaning */
export function scalarCell(source: string): ScalarCell {
  const module = { exports: {} as { default?: Definition } };
  const library = new Proxy(NAMES, {
    get(names, name) {
      if (typeof name === 'string' && !Object.hasOwn(names, name) && name !== '__esModule') throw new Unjudged(name);
      return Reflect.get(names, name);
    },
  });
  const require = (name: string) => {
    if (name !== 'recurve') throw new Unjudged(name);
    return library;
  };
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  execute(() =>
    new Script(outputText).runInContext(createContext({ module, exports: module.exports, require }), { timeout: 1000 }),
  );
  const definition = module.exports.default;
  if (definition === undefined) throw new Unjudged('no default export');
  const options = Object.fromEntries(Object.entries(definition.options ?? {}).map(([name, { option: value }]) => [name, value]));
  const declared = (part: Part) => (typeof part === 'function' ? part(options) : part) ?? {};
  const ranks = (part: Part) => Object.fromEntries(Object.entries(declared(part)).map(([name, { rank }]) => [name, rank]));
  const [inputs, state] = [definition.inputs, definition.state].map((part) => Object.entries(ranks(part)));
  if ([...(inputs ?? []), ...(state ?? [])].some(([, rank]) => rank !== 1)) throw new Unjudged('no vectors');
  return {
    inputs: (inputs ?? []).map(([name]) => name),
    state: (state ?? []).map(([name]) => name),
    params: ranks(definition.params),
    step: (...given) => execute(() => definition.step(...given, { options })),
  };
}

type Part = Declarations | ((options: Readonly<Record<string, unknown>>) => Declarations) | undefined;
type Declarations = Readonly<Record<string, { readonly rank: number }>>;
interface Definition {
  readonly options?: Readonly<Record<string, { readonly option: unknown }>>;
  readonly inputs: Part;
  readonly state: Part;
  readonly params: Part;
  step(inputs: Numbers, state: Numbers, params: Numbers, more: { readonly options: unknown }): Numbers;
}

/** Whatever a mutant throws when it is executed leaves it without a meaning here. */
function execute<R>(action: () => R): R {
  try {
    return action();
  } catch (error) {
    throw error instanceof Unjudged ? error : new Unjudged(String(error));
  }
}
