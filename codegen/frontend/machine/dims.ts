/** Dims as a spec writes them: a declared name, or a whole number for an axis of fixed size. */
import { isFixed } from '../../ir/sizes.js';
import { didYouMean, listNames } from '../../suggest.js';
import type { Span } from '../tree.js';
import type { Machine } from './machine.js';
import { describe, type Value } from './values.js';

/** Sizes become 32-bit indices on the device. */
const LARGEST = 2 ** 31 - 1;

/** `'H'`, `3`: a dim as a spec writes it. */
export const showDim = (dim: string): string => (isFixed(dim) ? dim : `'${dim}'`);

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST;
}

/** The dim that a value names, digits for a number; `undefined` after a mistake. */
export function resolveDim(machine: Machine, value: Value, at: Span): string | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'static' && isCount(value.value)) return String(value.value);
  const dims = machine.tree.dims.map(({ name }) => name);
  if (value.kind !== 'static' || typeof value.value !== 'string') {
    const message = `a shape names dims, and this is ${describe(value, machine.builder)}`;
    const fix = "Write a declared dim, e.g. 'H', or a whole number for an axis of that size.";
    machine.report('SPEC-DIM-UNDECLARED', at, message, fix);
    return undefined;
  }
  if (dims.includes(value.value)) return value.value;
  if (!machine.recovery.dimsOpen) reportUndeclared(machine, value.value, dims, at);
  return undefined;
}

function reportUndeclared(machine: Machine, name: string, dims: readonly string[], at: Span): void {
  const reserved = name === 'T' || name === 'B';
  const add = `Add \`'${name}'\` to \`dims\`${dims.length === 0 ? '' : `, which lists ${listNames(dims)}`}.`;
  const fix = reserved ? 'Leave it out: every input and state has time steps and sequences.' : didYouMean(name, dims, add);
  machine.report('SPEC-DIM-UNDECLARED', at, `the dim \`${name}\` is not declared`, fix);
}
