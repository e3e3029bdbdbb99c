/**
 * The vocabulary: one record for each per-unit operation, with all that the compiler, the language's declarations, the
 * tests and the random cells need of it. A new function of the language is one more `export` in one of the files below,
 * and its formula and derivative in float64 in `runtime/reference`, which shares nothing with this.
 */
import * as activations from './activations.js';
import * as bounds from './bounds.js';
import * as discrete from './discrete.js';
import * as elementary from './elementary.js';
import * as operators from './operators.js';
import type { FunctionRecord, OperatorRecord, OpRecord } from './record.js';
import * as selection from './selection.js';
import * as slopes from './slopes.js';

/** The functions of the language that are per unit, by name. */
export const functions = { ...activations, ...elementary, ...bounds, ...discrete, ...selection } satisfies Readonly<
  Record<string, FunctionRecord>
>;
export type FunctionName = keyof typeof functions;

/** The operators of the language, by what the graph calls them. */
export const operations: { readonly [O in keyof typeof operators]: OperatorRecord } = operators;

export const ops = { ...operators, ...slopes, ...functions } satisfies Readonly<Record<string, OpRecord>>;
export type OpName = keyof typeof ops;

export const isOp = (name: string): name is OpName => Object.hasOwn(ops, name);
export const isFunction = (name: string): name is FunctionName => Object.hasOwn(functions, name);

const names = new Map<OpRecord, OpName>(Object.keys(ops).flatMap((name) => (isOp(name) ? [[ops[name], name] as const] : [])));

/** What the graph calls the op of a record. */
export function nameOf(record: OpRecord): OpName {
  const name = names.get(record);
  if (name === undefined) throw new Error('an adjoint rule applies a record that is not in the vocabulary');
  return name;
}

/** Records in the order of their names: that of a module's exports depends on what loads it. */
export const inOrder = <R>(named: Readonly<Record<string, R>>): (readonly [string, R])[] =>
  Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** The calls that a function takes: fewest and most arguments. */
export function argumentsOf({ parameters }: FunctionRecord): readonly [least: number, most: number] {
  return [parameters.filter((parameter) => parameter.default === undefined).length, parameters.length];
}
