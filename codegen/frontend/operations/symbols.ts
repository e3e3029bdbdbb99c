/** Symbols: rows of a matrix by their number, and the number of the largest value. */
import type { NodeId } from '../../ir/graph.js';
import { axisArgument, type Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { reportedNotPositive } from './loss-arguments.js';
import { parameterArgument } from './matrices.js';

/** `embed(E, s)`: row s of a matrix parameter; its gradient goes to that row. */
export function embed(machine: Machine, [first, second]: readonly Operand[], at: Span): Value {
  if (first === undefined || second === undefined) return POISON;
  const matrix = parameterArgument(machine, 'embed', first);
  const symbol = symbolArgument(machine, 'embed', second);
  if (matrix === undefined || symbol === undefined) return POISON;
  const { ref, shape, transposed, constructor_ } = matrix;
  if (constructor_ !== 'mat' || transposed || ref.triangle !== undefined || ref.drop !== undefined) {
    const message = `\`embed\` takes the rows of a matrix as it was declared, and this is ${describe(first.value, machine.builder)}`;
    const fix = "Declare `E: mat('V', 'H')` with a row for each symbol, and write `embed(p.E, s)`.";
    machine.report('SPEC-MATRIX-ARGUMENT', first.span, message, fix);
    return POISON;
  }
  if (reportedForeign(machine, 'embed', { id: symbol, span: second.span }, shape[0] ?? '', 'a row for each')) return POISON;
  if (!machine.multiplies(ref, at)) return POISON;
  return { kind: 'node', id: machine.builder.gather(ref.param, symbol, shape.slice(1), at) };
}

/** The number of the largest value, of the first where several are equal; no cotangent passes. */
export function argmax(machine: Machine, [operand, named]: readonly Operand[], at: Span): Value {
  const x = operand && machine.number(operand.value, operand.span);
  return operand === undefined || x === undefined ? POISON : largest(machine, x, operand, named, at);
}

function largest(machine: Machine, x: NodeId, { span }: Operand, named: Operand | undefined, at: Span): Value {
  const { builder } = machine;
  const shape = machine.shape(x);
  const axis = named === undefined ? (shape.length === 1 ? 0 : undefined) : axisArgument(machine, shape, named);
  if (axis === undefined) {
    if (named === undefined) {
      const message = `this is ${showShape(shape)}, and the numbers of \`argmax\` and \`sample\` count along one axis`;
      machine.report('SPEC-AXIS', span, message, shape.length === 0 ? 'Give it a vector.' : "Name the axis: `argmax(x, 'V')`.");
    }
    return POISON;
  }
  const dim = shape[axis] ?? '';
  const top = builder.reduce('max', x, [axis], at);
  const kept = [...shape.keys()].filter((each) => each !== axis);
  const beside = machine.shape(top).length === 0 ? top : builder.expand(top, shape, kept, at);
  const numbers = builder.leaf({ op: 'index', blocks: undefined }, [dim], at);
  const along = shape.length === 1 ? numbers : builder.expand(numbers, shape, [axis], at);
  // Of NaN none is the largest: the number then is behind the last one.
  const behind = builder.apply('neg', [builder.leaf({ op: 'extent', dims: [dim] }, [], at)], at);
  const chosen = builder.apply('eq', [x, beside], at);
  const candidates = builder.apply('select', [chosen, builder.apply('neg', [along], at), behind], at);
  const id = builder.apply('neg', [builder.reduce('max', candidates, [axis], at)], at);
  if (!machine.isTime(dim)) machine.common.vocabularies.declare(id, dim);
  return { kind: 'node', id };
}

/**
 * A symbol drawn with the probabilities softmax(x / temperature), afresh at every step: the largest of x / temperature and
 * Gumbel noise (Maddison et al. 2014, arXiv:1411.0030).
 */
export function sample(machine: Machine, [first, second]: readonly Operand[], at: Span): Value {
  const x = first && machine.number(first.value, first.span);
  const temperature = second && machine.number(second.value, second.span);
  if (first === undefined || x === undefined || (second !== undefined && temperature === undefined)) return POISON;
  const { builder } = machine;
  if (second !== undefined && temperature !== undefined && machine.shape(temperature).length > 0) {
    const message = `a temperature is one number, and this is ${showShape(machine.shape(temperature))}`;
    machine.report('SPEC-PRODUCT-SHAPE', second.span, message, 'Give it a number, an option or a scalar.');
    return POISON;
  }
  if (second !== undefined && reportedNotPositive(machine, 'a temperature', second)) return POISON;
  const site = machine.nextDraw();
  const draw = builder.leaf({ op: 'random', site, distribution: 'uniform', per: 'step' }, machine.shape(x), at);
  const minusLog = (id: NodeId) => builder.apply('neg', [builder.apply('log', [id], at)], at);
  const scaled = temperature === undefined ? x : builder.apply('div', [x, temperature], at);
  const noisy = builder.apply('add', [scaled, minusLog(minusLog(draw))], at);
  return largest(machine, noisy, first, undefined, at);
}

/** The number of one symbol; `undefined` after a mistake. */
export function symbolArgument(
  machine: Machine,
  operation: 'embed' | 'crossEntropy',
  { value, span }: Operand,
  otherwise = 'of values over symbols `argmax(x)` is the number of the largest',
): NodeId | undefined {
  const id = machine.number(value, span);
  if (id === undefined) return undefined;
  const shape = machine.shape(id);
  if (shape.length === 0) return id;
  const message = `the second argument of \`${operation}\` is ${showShape(shape)}, and it takes the number of one symbol`;
  const fix = `Declare it by \`symbol('V')\`; ${otherwise}.`;
  machine.report('SPEC-SYMBOL', span, message, fix);
  return undefined;
}

/** Whether a symbol is one of another vocabulary than what it chooses from, which is reported. */
export function reportedForeign(
  machine: Machine,
  operation: 'embed' | 'crossEntropy',
  { id, span }: { readonly id: NodeId; readonly span: Span },
  dim: string,
  each: string,
): boolean {
  const what = `the first argument of \`${operation}\` has ${each} of ${dim}`;
  return !machine.isAmong(id, dim, span, what, (own) => `a first argument over ${own}`);
}
