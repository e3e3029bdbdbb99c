/** Operations in the order in which they run. */
import type { Activation, Arranged, Computed, Operation, Value } from './operations.js';

export class Tape {
  readonly operations: Operation[] = [];

  add = (a: Value, b: Value): Value => this.record('add', [a, b]);
  /** To each row of `a` the one row of a bias. */
  addRow = (a: Value, bias: Value): Value => this.record('addRow', [a, bias]);
  subtract = (a: Value, b: Value): Value => this.record('subtract', [a, b]);
  multiply = (a: Value, b: Value): Value => this.record('multiply', [a, b]);
  product = (a: Value, b: Value): Value => this.record('product', [a, b], { rows: a.rows, columns: b.columns });
  copy = (a: Value): Value => this.record('copy', [a]);
  activate = (activation: Activation, a: Value): Value => this.record(activation, [a]);

  /** Parts of equally many rows. */
  splitRows(whole: Value, count: number): Value[] {
    const parts = Array.from({ length: count }, () => ({ ...whole, rows: whole.rows / count }));
    return this.arrange('splitRows', [whole], parts);
  }

  /** Parts of these numbers of columns. */
  splitColumns(whole: Value, widths: readonly number[]): Value[] {
    const parts = widths.map((columns) => ({ rows: whole.rows, columns }));
    return this.arrange('splitColumns', [whole], parts);
  }

  concat(kind: 'concatRows' | 'concatColumns', parts: readonly [Value, ...Value[]]): Value {
    const [first] = parts;
    if (parts.length === 1) return first;
    const sum = (axis: keyof Value) => parts.reduce((total, part) => total + part[axis], 0);
    const whole = kind === 'concatRows' ? { ...first, rows: sum('rows') } : { ...first, columns: sum('columns') };
    this.arrange(kind, parts, [whole]);
    return whole;
  }

  record(kind: Computed, operands: readonly [Value, ...Value[]], result: Value = { ...operands[0] }): Value {
    this.operations.push({ kind, operands, results: [result] });
    return result;
  }

  private arrange(kind: Arranged, operands: readonly Value[], results: Value[]): Value[] {
    this.operations.push({ kind, operands, results });
    return results;
  }
}
