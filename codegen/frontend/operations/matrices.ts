/** Matrices of a spec before they multiply: taken out of a stack, transposed, masked. In memory they are schedule/matrices.ts. */
import { plainMatrix } from '../../ir/builder.js';
import type { Shape } from '../../ir/graph.js';
import { STRUCTURAL, type Structural } from '../language/vocabulary.js';
import { countArgument, type Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { describe, type Matrix, POISON, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';

/** The matrix that a value is; `undefined` for what is none. */
export function matrixOf(machine: Machine, { value, span }: Operand): Matrix | undefined {
  if (value.kind === 'matrix') return value.matrix;
  if (value.kind === 'declared' && value.group === 'params' && value.constructor_ !== 'vec' && value.constructor_ !== 'map') {
    const { name, shape } = value.declaration;
    if (shape.length < 2) return undefined;
    return { source: 'param', ref: plainMatrix(name), constructor_: value.constructor_, shape, transposed: false };
  }
  const shape =
    value.kind === 'declared' ? value.declaration.shape : value.kind === 'node' ? machine.shape(value.id) : ([] as Shape);
  if (shape.length !== 2) return undefined;
  const id = machine.number(value, span);
  return id === undefined ? undefined : { source: 'value', id, shape, transposed: false };
}

/** Whether a value can stand before a vector in `matvec`. */
export function isMatrix(value: Value): boolean {
  if (value.kind === 'matrix') return true;
  return value.kind === 'declared' && value.constructor_ !== 'map' && value.declaration.shape.length >= 2;
}

/** The matrix a call takes, whole: not a stack or kernel of several. Reports what is none. */
export function matrixArgument(machine: Machine, operation: Structural, operand: Operand): Matrix | undefined {
  const { value, span } = operand;
  const matrix = matrixOf(machine, operand);
  if (matrix === undefined) {
    if (value.kind === 'absent') machine.absent(value, span);
    else if (value.kind !== 'poison') {
      const message = `\`${operation}\` takes a matrix, not ${describe(value, machine.builder)}`;
      machine.report('SPEC-MATRIX-ARGUMENT', span, message, `Write \`${STRUCTURAL[operation].usage}\` with a matrix parameter.`);
    }
    return undefined;
  }
  if (matrix.source === 'value') return matrix;
  if (!machine.uses(matrix.ref.param, 'matrix', span)) return undefined;
  return severalAxes(matrix) > 0 ? refuseSeveral(machine, matrix, value, span) : matrix;
}

/** Leading axes that count matrices and of which none has been chosen. */
function severalAxes({ constructor_, shape, ref }: Extract<Matrix, { source: 'param' }>): number {
  if (constructor_ === 'stack') return 1 - (ref.slice?.axes ?? 0);
  // What is left before the last two axes of a kernel's slice can be the groups, which count as blocks.
  if (constructor_ === 'kernel') return ref.slice === undefined || shape.length > 3 ? shape.length - 2 : 0;
  return 0;
}

function refuseSeveral(machine: Machine, matrix: Matrix, value: Value, at: Span): undefined {
  const name = matrix.source === 'param' ? matrix.ref.param : '';
  const kernel = matrix.source === 'param' && matrix.constructor_ === 'kernel';
  const fix = kernel
    ? `Convolve with it: \`conv1d(p.${name}, x)\`; \`p.${name}[0]\` is the matrix of one tap.`
    : `Choose one: \`p.${name}[0]\`.`;
  machine.report('SPEC-MATVEC-MATRIX', at, `${describe(value, machine.builder)} is several matrices, not one`, fix);
}

/** `p.U[k]`: one matrix of a stack, the taps of a kernel at one place. */
export function takeMatrix(machine: Machine, operand: Operand, position: Operand): Value {
  const matrix = matrixOf(machine, operand);
  if (matrix?.source !== 'param' || matrix.shape.length < 3) throw new Error('only stacks and kernels have matrices to take');
  machine.used.add(`params.${matrix.ref.param}`);
  const k = countArgument(machine, position, 'the number of a matrix', 0);
  if (k === undefined) return POISON;
  const [first, ...rest] = matrix.shape;
  const count = Number(first);
  if (k >= count) {
    const message = `\`${matrix.ref.param}\` has ${count === 1 ? 'one matrix' : `${count} matrices`} along this axis and none at ${k}`;
    machine.report('SPEC-STACK-INDEX', position.span, message, `Write a number from 0 to ${count - 1}.`);
    return POISON;
  }
  const { axes, index } = matrix.ref.slice ?? { axes: 0, index: 0 };
  const ref = { ...matrix.ref, slice: { axes: axes + 1, index: index * count + k } };
  return { kind: 'matrix', matrix: { ...matrix, ref, shape: rest } };
}

/** Whether `p.U[k]` takes a matrix out of a value. */
export function hasMatrices(value: Value): boolean {
  if (value.kind === 'declared') return value.constructor_ === 'stack' || value.constructor_ === 'kernel';
  if (value.kind !== 'matrix' || value.matrix.source !== 'param') return false;
  const { constructor_, shape, transposed } = value.matrix;
  return constructor_ === 'kernel' && shape.length > 2 && !transposed;
}

export function transpose(machine: Machine, [operand]: readonly Operand[]): Value {
  const matrix = operand && matrixArgument(machine, 'transpose', operand);
  return matrix === undefined ? POISON : { kind: 'matrix', matrix: { ...matrix, transposed: !matrix.transposed } };
}

/** `blockTriangular(M, n, 'lower')`: entries of a block row before (behind) the block column count as zero. */
export function blockTriangular(machine: Machine, [operand, blocks, side]: readonly Operand[]): Value {
  if (operand === undefined || blocks === undefined) return POISON;
  const matrix = parameterArgument(machine, 'blockTriangular', operand);
  const count = countArgument(machine, blocks, 'the number of blocks', 1);
  const lower = side === undefined ? false : isWord(machine, side, 'lower', 'the triangle');
  if (matrix === undefined || count === undefined || lower === undefined) return POISON;
  if (matrix.ref.triangle !== undefined) return refuseTwice(machine, 'blockTriangular', operand.span);
  // Block (i, k) of the transpose is block (k, i) of the matrix.
  const triangle = { blocks: count, side: lower !== matrix.transposed ? 'lower' : 'upper' } as const;
  return { kind: 'matrix', matrix: { ...matrix, ref: { ...matrix.ref, triangle } } };
}

/** A matrix whose entries are parameters: those of a value have no mask. */
export function parameterArgument(
  machine: Machine,
  operation: Structural,
  operand: Operand,
): Extract<Matrix, { source: 'param' }> | undefined {
  const matrix = matrixArgument(machine, operation, operand);
  if (matrix === undefined || matrix.source === 'param') return matrix;
  const message = `\`${operation}\` takes a matrix parameter, not ${describe(operand.value, machine.builder)}`;
  machine.report('SPEC-MATRIX-ARGUMENT', operand.span, message, 'Multiply a computed matrix with a mask of its own.');
  return undefined;
}

export function refuseTwice(machine: Machine, operation: string, at: Span): Value {
  machine.report('SPEC-MATRIX-TWICE', at, `this matrix is already in a \`${operation}\``, 'Leave one of them out.');
  return POISON;
}

/** Whether an argument that may only be one word is it; `undefined` for anything else, which is reported. */
export function isWord(machine: Machine, { value, span }: Operand, word: string, what: string): true | undefined {
  if (value.kind === 'static' && value.value === word) return true;
  if (value.kind !== 'poison') {
    const message = `${what} is \`'${word}'\` or left out, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-NOT-STATIC', span, message, `Write \`'${word}'\`, or leave it out.`);
  }
  return undefined;
}
