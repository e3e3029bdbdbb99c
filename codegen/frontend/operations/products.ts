/** Products over units: matrices with vectors, vectors with vectors. */
import type { NodeId, Shape } from '../../ir/graph.js';
import type { Operand } from '../machine/arguments.js';
import { showDim } from '../machine/dims.js';
import type { Machine } from '../machine/machine.js';
import { describe, type Matrix, POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { isMatrix, matrixArgument, matrixOf } from './matrices.js';

export function matvec(machine: Machine, [first, second]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined) return POISON;
  const matrix = factorOf(machine, first, second);
  // The vector is looked at for its own mistakes, but one in the wrong place is one mistake.
  const operand = matrix === undefined && isMatrix(second.value) ? undefined : machine.number(second.value, second.span);
  if (matrix === undefined || operand === undefined) return POISON;
  const id = product(machine, matrix, { id: operand, span: second.span }, at);
  return id === undefined ? POISON : { kind: 'node', id };
}

/** The first argument of `matvec`; reports what cannot be it. */
function factorOf(machine: Machine, first: Operand, second: Operand): Matrix | undefined {
  const { value, span } = first;
  if (value.kind === 'absent' || value.kind === 'poison' || matrixOf(machine, first) !== undefined)
    return matrixArgument(machine, 'matvec', first);
  const fix = isMatrix(second.value)
    ? 'Swap the arguments: the matrix comes first.'
    : 'Write `matvec(p.W, x)` with a parameter declared by `mat`.';
  const message = `the first argument of \`matvec\` is ${describe(value, machine.builder)}, not a matrix`;
  machine.report('SPEC-MATVEC-MATRIX', span, message, fix);
  return undefined;
}

interface Factor {
  readonly id: NodeId;
  readonly span: Span;
}

/** `matrix · operand`; `undefined` after a mistake. */
function product(machine: Machine, matrix: Matrix, operand: Factor, at: Span): NodeId | undefined {
  const given = machine.shape(operand.id);
  const [rows, columns] = sides(matrix);
  const heads = matrix.shape.slice(0, -2);
  const wanted = [...heads, columns];
  const lead = given.slice(0, given.length - wanted.length);
  const fits = sameShape(given.slice(lead.length), wanted) && given.length >= wanted.length;
  if (!fits) {
    reportShape(machine, matrix, given, operand.span);
    return undefined;
  }
  const { builder } = machine;
  if (matrix.source === 'param') {
    if (!machine.multiplies(matrix.ref, at)) return undefined;
    const term = { matrix: matrix.ref, transposed: matrix.transposed, operand: operand.id };
    return builder.product([term], [...lead, ...heads, rows], at);
  }
  // Every vector meets the whole matrix: both are spread over [...lead, rows, columns].
  const shape = [...lead, ...matrix.shape];
  const along = lead.length + (matrix.transposed ? 0 : 1);
  const entries = builder.expand(matrix.id, shape, [lead.length, lead.length + 1], at);
  const vectors = builder.expand(operand.id, shape, [...lead.keys(), along], at);
  return builder.reduce('sum', builder.apply('mul', [entries, vectors], at), [along], at);
}

/** Rows and columns as the product sees them. */
function sides({ shape, transposed }: Matrix): readonly [string, string] {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined) throw new Error('a matrix has two axes');
  return transposed ? [columns, rows] : [rows, columns];
}

function reportShape(machine: Machine, matrix: Matrix, given: Shape, at: Span): void {
  const [rows, columns] = sides(matrix);
  const heads = matrix.shape.slice(0, -2);
  const wanted = showShape([...heads, columns]);
  const plain = matrix.source === 'param' && !matrix.transposed && matrix.constructor_ === 'mat';
  const name = matrix.source === 'param' ? matrix.ref.param : '';
  const [only] = given;
  const other = given.length === 1 && only !== undefined && plain;
  const fix = !other
    ? `Give it ${wanted}${given.length > 1 ? `; its last axis is ${showDim(columns)}` : ''}.`
    : only === rows
      ? `Declare it the other way round, \`${name}: mat(${showDim(columns)}, ${showDim(rows)})\`, or give it ${wanted}.`
      : `Give it ${wanted}, or declare \`${name}: mat(${showDim(rows)}, ${showDim(only)})\`.`;
  const what = plain
    ? `\`${name}\` is ${showShape(matrix.shape)}`
    : `this is ${describe({ kind: 'matrix', matrix }, machine.builder)}`;
  machine.report('SPEC-MATVEC-SHAPE', at, `${what} and takes ${wanted}, not ${showShape(given)}`, fix);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** `A (B x)`. */
export function lowRank(machine: Machine, [a, b, x]: readonly Operand[], at: Span): Value {
  if (a === undefined || b === undefined || x === undefined) return POISON;
  const inner = matvec(machine, [b, x], at);
  return matvec(machine, [a, { value: inner, span: x.span }], at);
}

/** `U x − Uᵀ x`. */
export function antisymmetric(machine: Machine, [u, x]: readonly Operand[], at: Span): Value {
  if (u === undefined || x === undefined) return POISON;
  const forward = matvec(machine, [u, x], at);
  const matrix = matrixOf(machine, u);
  if (forward.kind !== 'node' || matrix === undefined) return POISON;
  const turned: Value = { kind: 'matrix', matrix: { ...matrix, transposed: !matrix.transposed } };
  const back = matvec(machine, [{ value: turned, span: u.span }, x], at);
  if (back.kind !== 'node') return POISON;
  return { kind: 'node', id: machine.builder.apply('sub', [forward.id, back.id], at) };
}

/** `a bᵀ`. */
export function outer(machine: Machine, operands: readonly Operand[], at: Span): Value {
  const vectors = operands.map((operand) => vectorArgument(machine, 'outer', operand));
  const [a, b] = vectors;
  if (a === undefined || b === undefined) return POISON;
  const { builder } = machine;
  const shape = [...machine.shape(a), ...machine.shape(b)];
  const factors = [builder.expand(a, shape, [0], at), builder.expand(b, shape, [1], at)];
  return { kind: 'node', id: builder.apply('mul', factors, at) };
}

/** `Σ a b`. */
export function dot(machine: Machine, operands: readonly Operand[], at: Span): Value {
  const ids = operands.map(({ value, span }) => machine.number(value, span));
  const [a, b] = ids;
  if (a === undefined || b === undefined) return POISON;
  const [left, right] = [machine.shape(a), machine.shape(b)];
  if (!sameShape(left, right)) {
    const message = `\`dot\` takes two values over the same dims, not ${showShape(left)} and ${showShape(right)}`;
    machine.report('SPEC-PRODUCT-SHAPE', at, message, 'Give it two of one shape.');
    return POISON;
  }
  const { builder } = machine;
  const product = builder.apply('mul', [a, b], at);
  return { kind: 'node', id: builder.reduce('sum', product, [...left.keys()], at) };
}

function vectorArgument(machine: Machine, operation: string, { value, span }: Operand): NodeId | undefined {
  const id = machine.number(value, span);
  if (id === undefined || machine.shape(id).length === 1) return id;
  const message = `\`${operation}\` takes two vectors, and this is ${showShape(machine.shape(id))}`;
  machine.report('SPEC-PRODUCT-SHAPE', span, message, 'Give it a vector over one dim.');
  return undefined;
}
