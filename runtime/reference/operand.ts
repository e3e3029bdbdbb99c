/** What an expression of a step may evaluate to: what is static is an ordinary JavaScript value. */
import type { Static } from './static.js';
import { constant, Value } from './tape.js';

export interface Namespace {
  readonly members: ReadonlyMap<string, Operand>;
}
/** A layer of a model. */
export interface Layer {
  /** Runs it over the sequences that a call gives it. */
  readonly run: (args: readonly Operand[]) => Operand;
}
/** Anything an expression may evaluate to. */
export type Operand = Static | Value | Namespace | Layer | readonly Operand[];

export function namespace(members: Iterable<readonly [string, Operand]>): Namespace {
  return { members: new Map(members) };
}

/** Lifts a static number (or test) to a value: from here on it is a 32-bit number, as the data it meets are. */
export function toValue(operand: Operand | undefined): Value {
  if (operand instanceof Value) return operand;
  if (typeof operand === 'number' || typeof operand === 'boolean') return constant(Math.fround(Number(operand)));
  throw new Error(`expected a number or a tensor, found ${describe(operand)}`);
}

export function isStatic(operand: Operand | undefined): operand is Static {
  return typeof operand === 'number' || typeof operand === 'string' || typeof operand === 'boolean';
}

export function isArray(operand: Operand | undefined): operand is readonly Operand[] {
  return Array.isArray(operand);
}

export function isNamespace(operand: Operand | undefined): operand is Namespace {
  return typeof operand === 'object' && 'members' in operand;
}

export function isLayer(operand: Operand | undefined): operand is Layer {
  return typeof operand === 'object' && 'run' in operand;
}

export function describe(operand: Operand | undefined): string {
  if (operand instanceof Value) return `a tensor ${operand}`;
  if (isArray(operand)) return 'an array';
  if (isLayer(operand)) return 'a layer';
  return isNamespace(operand) ? 'an object' : String(operand);
}
