/** Operations on tensors: shapes are checked here, nodes are made here. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { type FunctionName, functions, isFunction } from '../../ops/index.js';
import type { FunctionRecord } from '../../ops/record.js';
import type { Operand } from '../machine/arguments.js';
import { showDim } from '../machine/dims.js';
import type { Machine } from '../machine/machine.js';
import { type NumberOperator, OPERATORS } from '../machine/static.js';
import { POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { axesIn } from './axes.js';
import { sameShape } from './products.js';

export function arithmetic(machine: Machine, operator: NumberOperator, operands: readonly [Operand, Operand], at: Span): Value {
  return apply(machine, OPERATORS[operator], `\`${operator}\``, operands, at);
}

/** Reports a divisor that is zero when compiling. */
export function divisionByZero(machine: Machine, at: Span): Value {
  machine.report(
    'SPEC-DIVISION-BY-ZERO',
    at,
    'this divisor is zero',
    'Divide by something else; `max(x, 1e-6)` keeps a divisor positive.',
  );
  return POISON;
}

type OpName = (typeof OPERATORS)[keyof typeof OPERATORS] | FunctionName;

function apply(machine: Machine, op: OpName, title: string, operands: readonly Operand[], at: Span): Value {
  // Every operand is looked at, so that two mistakes in one call are two reports.
  const ids = operands.map(({ value, span }) => machine.number(value, span));
  const whole = ids.filter((id) => id !== undefined);
  if (whole.length < ids.length || meetsMatrix(machine, operands, whole) || !agree(machine, title, whole, at)) return POISON;
  return { kind: 'node', id: machine.builder.apply(op, whole, at) };
}

/** Whether a matrix parameter meets a vector per unit, where a product was meant; reports it. */
function meetsMatrix(machine: Machine, operands: readonly Operand[], ids: readonly NodeId[]): boolean {
  if (!ids.some((id) => machine.shape(id).length === 1)) return false;
  const found = operands.find(
    ({ value }) => value.kind === 'declared' && value.group === 'params' && value.constructor_ === 'mat',
  );
  if (found?.value.kind !== 'declared') return false;
  const { name } = found.value.declaration;
  const message = `the matrix \`${name}\` is used where a vector or number belongs`;
  machine.report('SPEC-MATRIX-ARITHMETIC', found.span, message, `Multiply it with a vector: \`matvec(p.${name}, x)\`.`);
  return true;
}

/** Whether shapes are equal or scalar; reports the two that differ. */
export function agree(machine: Machine, title: string, ids: readonly NodeId[], at: Span): boolean {
  const vectors = ids.map((id) => machine.shape(id)).filter((shape) => shape.length > 0);
  const first = vectors[0];
  const other = first === undefined ? undefined : vectors.find((shape) => !sameShape(shape, first));
  if (first === undefined || other === undefined) return true;
  const message = `${title} joins ${showShape(first)} and ${showShape(other)}`;
  machine.report('SPEC-SHAPE-MISMATCH', at, message, meetingOf(first, other));
  return false;
}

/** How two values of different shapes can be brought together. */
function meetingOf(a: Shape, b: Shape): string {
  const list = (dims: Shape) => dims.map(showDim).join(', ');
  const [small, large] = a.length <= b.length ? [a, b] : [b, a];
  if (small.length < large.length && axesIn(small, large) !== undefined)
    return `Spread ${showShape(small)} first: \`broadcast(…, ${list(large)})\`.`;
  if (large.length > 1) return `Bring both to one shape; \`broadcast(x, ${list(large)})\` repeats a value along new axes.`;
  return `Bring one to the other's dim with a matrix: \`matvec(p.W, …)\` with \`W: mat(${list([...a, ...b])})\`.`;
}

const ORDINALS = ['first', 'second', 'third'];

export function callFunction(machine: Machine, name: string, given: readonly Operand[], at: Span): Value {
  if (!isFunction(name)) throw new Error(`no function ${name}`);
  const record: FunctionRecord = functions[name];
  const operands = record.parameters.flatMap((parameter, position): Operand[] => {
    const operand = given[position];
    if (operand !== undefined) return [operand];
    return parameter.default === undefined ? [] : [{ value: { kind: 'static', value: parameter.default }, span: at }];
  });
  for (const [position, { default: fallback }] of record.parameters.entries()) {
    const operand = operands[position];
    if (fallback === undefined || operand === undefined || ['static', 'poison'].includes(operand.value.kind)) continue;
    const message = `the ${ORDINALS[position]} argument of \`${name}\` must be known when compiling`;
    machine.report('SPEC-NOT-STATIC', operand.span, message, 'Write a number or a numeric option.');
    return POISON;
  }
  const [, low, high] = operands;
  if (name === 'mod' && low?.value.kind === 'static' && low.value.value === 0) return divisionByZero(machine, low.span);
  if (name === 'clamp' && low?.value.kind === 'static' && high?.value.kind === 'static' && low.value.value > high.value.value) {
    machine.report(
      'SPEC-CLAMP-BOUNDS',
      low.span,
      `the low bound ${low.value.value} is above the high bound ${high.value.value}`,
      'Swap the bounds: `clamp(x, low, high)`.',
    );
    return POISON;
  }
  const numbers = operands.map(({ value }) =>
    value.kind === 'static' && typeof value.value === 'number' ? value.value : undefined,
  );
  const known = numbers.filter((number) => number !== undefined);
  if (known.length < numbers.length) return apply(machine, name, `\`${name}\``, operands, at);
  const value = record.fold(...known);
  if (Number.isFinite(value)) return { kind: 'static', value };
  machine.report(
    'SPEC-NONFINITE',
    at,
    `\`${name}(${known.join(', ')})\` is ${value}`,
    'Write an argument that it is defined for.',
  );
  return POISON;
}

/** `a && b`, `a || b` with a test per unit on each side. */
export function logic(machine: Machine, operator: '&&' | '||', tests: readonly [NodeId, NodeId], at: Span): Value {
  if (!agree(machine, `\`${operator}\``, tests, at)) return POISON;
  return { kind: 'node', id: machine.builder.apply(operator === '&&' ? 'and' : 'or', tests, at) };
}

/** `test ? a : b` with a test per unit. */
export function select(machine: Machine, test: NodeId, sides: readonly [Operand, Operand], at: Span): Value {
  const ids = sides.map(({ value, span }) => machine.number(value, span));
  const [then, otherwise] = ids;
  if (then === undefined || otherwise === undefined || !agree(machine, '`?:`', [test, then, otherwise], at)) return POISON;
  return { kind: 'node', id: machine.builder.apply('select', [test, then, otherwise], at) };
}
