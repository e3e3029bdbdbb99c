/** How surprising a symbol is. */
import { commonRows, rowStride, type Tape, Value } from './tape.js';

/**
 * Σ_k c_k (log Σ eˣ − x_k): c is what each unit counts, (1 − ε)·w_k where k is the symbol and ε·w_k/K everywhere. Of a number that no unit
 * has it is what a weight of 1, where none are given, makes of log Σ eˣ. No cotangent flows to the smoothing.
 */
export function crossEntropy(tape: Tape, x: Value, symbol: Value, smoothing: Value, weights: Value | undefined): Value {
  const among = [x, symbol, smoothing, ...(weights === undefined ? [] : [weights])];
  const rows = commonRows(among);
  const units = x.columns;
  const at = (value: Value, row: number, k = 0) => value.data[row * rowStride(value) + k] as number;
  const data = new Float64Array(rows);
  const shares = new Float64Array(rows * units);
  const tops = new Float64Array(rows);
  /** What unit k counts without its weight. */
  const part = (row: number, k: number) => {
    const epsilon = Math.fround(at(smoothing, row));
    return (at(symbol, row) === k ? 1 - epsilon : 0) + epsilon / units;
  };
  for (let row = 0; row < rows; row++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < units; k++) most = Math.max(most, at(x, row, k));
    let sum = 0;
    for (let k = 0; k < units; k++) {
      const power = tape.rounded(Math.exp(at(x, row, k) - most));
      shares[row * units + k] = power;
      sum = tape.rounded(sum + power);
    }
    for (let k = 0; k < units; k++) shares[row * units + k] = (shares[row * units + k] as number) / sum;
    const top = tape.rounded(most + Math.log(sum));
    tops[row] = top;
    const own = at(symbol, row);
    const isUnit = Number.isInteger(own) && own >= 0 && own < units;
    let loss = isUnit || weights !== undefined ? 0 : (1 - Math.fround(at(smoothing, row))) * top;
    for (let k = 0; k < units; k++) {
      const counts = part(row, k);
      if (counts !== 0) loss += counts * (weights === undefined ? 1 : at(weights, row, k)) * (top - at(x, row, k));
    }
    data[row] = loss;
  }
  const tracked = x.tracked || weights?.tracked === true;
  const parents = weights === undefined ? [x] : [x, weights];
  return tape.record(new Value(rows, [], data, tracked), parents, (cotangent, gated) => {
    const dx = x.tracked ? x.cotangent() : undefined;
    const dw = weights?.tracked ? weights.cotangent() : undefined;
    for (let row = 0; row < rows; row++) {
      const g = cotangent[row] as number;
      if (gated && g === 0) continue;
      const own = at(symbol, row);
      const isUnit = Number.isInteger(own) && own >= 0 && own < units;
      let all = isUnit || weights !== undefined ? 0 : 1 - Math.fround(at(smoothing, row));
      const counts = Array.from({ length: units }, (_, k) => part(row, k) * (weights === undefined ? 1 : at(weights, row, k)));
      for (const count of counts) all += count;
      for (let k = 0; k < units; k++) {
        if (dx !== undefined) {
          const to = row * rowStride(x) + k;
          dx[to] = (dx[to] as number) + g * (all * (shares[row * units + k] as number) - (counts[k] as number));
        }
        // What does not count takes no part, be it infinite.
        if (dw !== undefined && weights !== undefined && part(row, k) !== 0) {
          const to = row * rowStride(weights) + k;
          dw[to] = (dw[to] as number) + g * part(row, k) * ((tops[row] as number) - at(x, row, k));
        }
      }
    }
  });
}
