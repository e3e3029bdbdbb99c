/** The adjoint of a tape: more operations of the same kinds. Gradients of weights are added up once, over all steps. */
import type { Operation, Value } from './operations.js';
import type { Tape } from './tape.js';

/**
 * Records the adjoint of all that is recorded.
 * @param seeds values and their cotangents
 * @param wanted values that nothing on the tape computes
 * @returns the cotangent of each wanted value
 */
export function recordGradients(tape: Tape, seeds: Iterable<readonly [Value, Value]>, wanted: readonly Value[]): Value[] {
  const adjoint = new Adjoint(tape, seeds, wanted);
  for (const operation of tape.operations.toReversed()) adjoint.passOn(operation);
  return wanted.map((value) => {
    const found = adjoint.cotangentOf(value);
    if (found === undefined) throw new Error('nothing that has a cotangent depends on a value whose gradient is wanted');
    return found;
  });
}

/** Of a weight: what it was multiplied by, and the cotangents of those products. */
interface Factors {
  readonly lefts: Value[];
  readonly cotangents: Value[];
}

/** What a result's cotangent adds to that of an operand; it is computed where it is asked for alone. */
type Contribution = readonly [Value, () => Value];

class Adjoint {
  private readonly cotangents: Map<Value, Value>;
  private readonly needed: ReadonlySet<Value>;
  private readonly factors = new Map<Value, Factors>();
  /** Of a bias: the cotangents of what it was added to. */
  private readonly addends = new Map<Value, Value[]>();
  private readonly transposes = new Map<Value, Value>();

  constructor(
    private readonly tape: Tape,
    seeds: Iterable<readonly [Value, Value]>,
    wanted: readonly Value[],
  ) {
    this.cotangents = new Map(seeds);
    const needed = new Set(wanted);
    for (const { operands, results } of tape.operations) {
      if (operands.some((operand) => needed.has(operand))) for (const result of results) needed.add(result);
    }
    this.needed = needed;
  }

  passOn(operation: Operation): void {
    const found = operation.results.map((result) => this.cotangentOf(result));
    const cotangents = found.filter((cotangent) => cotangent !== undefined);
    if (cotangents.length === 0) return;
    if (cotangents.length < found.length) throw new Error('a part of a value has no cotangent where another has one');
    for (const [value, contribution] of this.contributions(operation, cotangents as [Value, ...Value[]])) {
      this.give(value, contribution);
    }
  }

  private contributions({ kind, operands, results }: Operation, cotangents: readonly [Value, ...Value[]]): Contribution[] {
    const { tape } = this;
    const [cotangent] = cotangents;
    const same = () => cotangent;
    const [a, b] = operands as readonly [Value, Value];
    switch (kind) {
      case 'copy':
        return [[a, same]];
      case 'add':
        return [a, b].map((operand) => [operand, same]);
      case 'addRow':
        this.collect(b, cotangent);
        return [[a, same]];
      case 'subtract':
        return [
          [a, same],
          [b, () => tape.record('negate', [cotangent])],
        ];
      case 'multiply':
        return [
          [a, () => tape.multiply(cotangent, b)],
          [b, () => tape.multiply(cotangent, a)],
        ];
      case 'sigmoid':
      case 'tanh':
      case 'relu':
        return [[a, () => tape.record(`${kind}Slope`, [cotangent, results[0] as Value])]];
      case 'product':
        this.factor(a, b, cotangent);
        return [[a, () => tape.product(cotangent, this.transposeOf(b))]];
      case 'splitRows':
        return [[a, () => tape.concat('concatRows', cotangents)]];
      case 'splitColumns':
        return [[a, () => tape.concat('concatColumns', cotangents)]];
      default:
        throw new Error(`${kind} has no adjoint`);
    }
  }

  /** All of it, once everything that reads the value has passed on its own. */
  cotangentOf(value: Value): Value | undefined {
    const factors = this.factors.get(value);
    if (factors !== undefined) {
      this.factors.delete(value);
      const [left, right] = [inOrder(this.tape, factors.lefts), inOrder(this.tape, factors.cotangents)];
      this.give(value, () =>
        this.tape.record('transposedProduct', [left, right], { rows: left.columns, columns: right.columns }),
      );
    }
    const addends = this.addends.get(value);
    if (addends !== undefined) {
      this.addends.delete(value);
      const all = inOrder(this.tape, addends);
      this.give(value, () => this.tape.record('sumRows', [all], { rows: 1, columns: all.columns }));
    }
    return this.cotangents.get(value);
  }

  /** What is not asked for is not computed. */
  private give(value: Value, contribution: () => Value): void {
    if (!this.needed.has(value)) return;
    const before = this.cotangents.get(value);
    this.cotangents.set(value, before === undefined ? contribution() : this.tape.add(before, contribution()));
  }

  private factor(left: Value, weight: Value, cotangent: Value): void {
    if (!this.needed.has(weight)) return;
    const collected = this.factors.get(weight) ?? { lefts: [], cotangents: [] };
    this.factors.set(weight, collected);
    collected.lefts.push(left);
    collected.cotangents.push(cotangent);
  }

  private collect(bias: Value, cotangent: Value): void {
    if (this.needed.has(bias)) this.addends.set(bias, [...(this.addends.get(bias) ?? []), cotangent]);
  }

  /** One copy for all steps: the one kernel of products reads rows of its right operand. */
  private transposeOf(value: Value): Value {
    const found =
      this.transposes.get(value) ?? this.tape.record('transpose', [value], { rows: value.columns, columns: value.rows });
    this.transposes.set(value, found);
    return found;
  }
}

/** Steps were met from the last to the first. */
function inOrder(tape: Tape, values: readonly Value[]): Value {
  return tape.concat('concatRows', values.toReversed() as [Value, ...Value[]]);
}
