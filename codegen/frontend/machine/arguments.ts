/** What operations take besides values: axes, dims, counts. Each is known when compiling; a mistake is reported and gives `undefined`. */
import type { Shape } from '../../ir/graph.js';
import { affine, evaluateAffine, isFixed } from '../../ir/sizes.js';
import { didYouMean, listNames } from '../../suggest.js';
import type { Affine, SizeRule, Span } from '../tree.js';
import { isCount, showDim } from './dims.js';
import type { Machine } from './machine.js';
import type { Operand } from './operand.js';
import { describe, showShape, type Value } from './values.js';

export type { Operand };

/** The dim that a value names, digits for a number; `undefined` after a mistake. */
export function resolveDim(machine: Machine, value: Value, at: Span): string | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'static' && isCount(value.value)) return String(value.value);
  const dims = [...machine.tree.dims, ...(machine.sequences?.times ?? [])].map(({ name }) => name);
  if (value.kind !== 'static' || typeof value.value !== 'string') {
    const message = `a shape names dims, and this is ${describe(value, machine.builder)}`;
    const fix = "Write a declared dim, e.g. 'H', or a whole number for an axis of that size.";
    machine.report('SPEC-DIM-UNDECLARED', at, message, fix);
    return undefined;
  }
  if (dims.includes(value.value)) return machine.dimNames[value.value] ?? value.value;
  if (!machine.recovery.dimsOpen) reportUndeclared(machine, value.value, dims, at);
  return undefined;
}

function reportUndeclared(machine: Machine, name: string, dims: readonly string[], at: Span): void {
  const reserved = name === 'T' || name === 'B';
  const add = `Add \`'${name}'\` to \`dims\`${dims.length === 0 ? '' : `, which lists ${listNames(dims)}`}.`;
  const fix = reserved ? 'Leave it out: every input and state has time steps and sequences.' : didYouMean(name, dims, add);
  machine.report('SPEC-DIM-UNDECLARED', at, `the dim \`${name}\` is not declared`, fix);
}

/** A dim for the result's shape. */
export function dimArgument(machine: Machine, { value, span }: Operand): string | undefined {
  const dim = resolveDim(machine, value, span);
  if (dim !== undefined && !isFixed(dim)) machine.dims.add(dim);
  return dim;
}

/** Several of them; `undefined` where one is a mistake. */
export function dimArguments(machine: Machine, operands: readonly Operand[]): string[] | undefined {
  const dims = operands.map((operand) => dimArgument(machine, operand));
  const known = dims.filter((dim) => dim !== undefined);
  return known.length === dims.length ? known : undefined;
}

/** The position of the axis that an argument names, which `shape` has exactly once. */
export function axisArgument(machine: Machine, shape: Shape, { value, span }: Operand): number | undefined {
  if (value.kind === 'static' && typeof value.value === 'number' && !shape.includes(String(value.value))) {
    const name = shape.at(value.value);
    const fix = name === undefined ? 'Leave the axis out for all of them.' : `Write ${showDim(name)}.`;
    const message = `an axis is given by the name of its dim, and this is the number ${value.value}`;
    machine.report('SPEC-AXIS-NUMBER', span, message, fix);
    return undefined;
  }
  const dim = resolveDim(machine, value, span);
  if (dim === undefined) return undefined;
  const axis = shape.indexOf(dim);
  if (axis >= 0 && shape.lastIndexOf(dim) === axis) return axis;
  const times = axis < 0 ? 'has no axis' : 'has more than one axis';
  const fix =
    axis >= 0
      ? 'Give one of its axes a dim of another name.'
      : shape.length === 0
        ? 'Leave the axis out.'
        : `It has ${[...new Set(shape)].map(showDim).join(' and ')}.`;
  machine.report('SPEC-AXIS', span, `${showShape(shape)} ${times} ${showDim(dim)}`, fix);
  return undefined;
}

/** A whole number of at least `least` that is known when compiling. */
export function countArgument(machine: Machine, { value, span }: Operand, what: string, least: 0 | 1): number | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind !== 'static') {
    const message = `${what} must be known when compiling, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-NOT-STATIC', span, message, 'Write a whole number or an `integer` option.');
    return undefined;
  }
  if (least === 0 && value.value === 0) return 0;
  if (isCount(value.value)) return value.value;
  const message = `${what} is a whole number of at least ${least}, and this is ${describe(value, machine.builder)}`;
  machine.report('SPEC-COUNT', span, message, `Write a whole number of at least ${least}.`);
  return undefined;
}

/** constant + factor · the sizes of `dims`. */
export function sizesOf(constant: number, dims: readonly string[], factor: number): Affine {
  const named = dims.filter((dim) => !isFixed(dim));
  const fixed = dims.filter(isFixed).reduce((sum, dim) => sum + Number(dim), 0);
  const terms = [...new Set(named)].map((dim) => ({ dim, factor: factor * named.filter((other) => other === dim).length }));
  return affine(constant + factor * fixed, terms);
}

/** Notes what must hold between sizes; what only fixed ones are in is held to it at once. False after a mistake. */
export function requireSize(machine: Machine, rule: SizeRule): boolean {
  const { dim, relation, value, divisor, by, span } = rule;
  if (!isFixed(dim) || value.terms.length > 0) {
    machine.rules.push(rule);
    return true;
  }
  const wanted = Math.floor(evaluateAffine(value, {}) / divisor);
  if (relation === 'equal' ? Number(dim) === wanted : Number(dim) >= wanted) return true;
  const message = `\`${by}\` needs ${relation === 'equal' ? '' : 'at least '}${wanted} here, and the axis has ${dim}`;
  machine.report('SPEC-SIZE', span, message, 'Make the numbers of units fit each other.');
  return false;
}
