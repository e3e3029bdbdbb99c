/** Parameters as their declarations say: the same seed gives the same bits on every machine. */
import type { Init } from '../../codegen/plan.js';
import { elements } from '../data.js';
import { type Stream, streamOf, within } from '../random.js';

/**
 * Numbers for a parameter. Two numbers: uniform between them. `uniform` in ±1/√(last axis), of a vector or number ±1/√(its units); `orthogonal`: every matrix
 * of the last two axes has orthonormal rows or columns (Saxe et al. 2014), whichever are fewer.
 *
 * @param name its path, which keys its own stream
 */
export function initialValues(init: Init, shape: readonly number[], seed: number, name: string): Float32Array {
  const count = elements(shape);
  if (typeof init === 'number') return new Float32Array(count).fill(init);
  const stream = streamOf(seed, name);
  if (typeof init === 'object') return Float32Array.from({ length: count }, () => within(init)(stream));
  switch (init) {
    case 'zeros':
      return new Float32Array(count);
    case 'ones':
      return new Float32Array(count).fill(1);
    case 'uniform': {
      const bound = 1 / Math.sqrt(shape.at(-1) ?? 1);
      return Float32Array.from({ length: count }, () => bound * (2 * stream() - 1));
    }
    case 'orthogonal':
      return orthogonal(shape, stream);
  }
}

function orthogonal(shape: readonly number[], stream: Stream): Float32Array {
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  const all = new Float32Array(elements(shape));
  for (let start = 0; start < all.length; start += rows * columns) {
    const vectors = orthonormal(Math.min(rows, columns), Math.max(rows, columns), stream);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = rows <= columns ? vectors[row]?.[column] : vectors[column]?.[row];
        all[start + row * columns + column] = value ?? 0;
      }
    }
  }
  return all;
}

/** Gram and Schmidt, every vector twice: once leaves what rounding left. */
function orthonormal(count: number, length: number, stream: Stream): Float64Array[] {
  const done: Float64Array[] = [];
  while (done.length < count) {
    const vector = Float64Array.from({ length }, () => normal(stream));
    for (const other of [...done, ...done]) {
      const along = dot(vector, other);
      for (let at = 0; at < length; at++) vector[at] = (vector[at] ?? 0) - along * (other[at] ?? 0);
    }
    const size = Math.sqrt(dot(vector, vector));
    // Almost nothing was left of it: another is drawn.
    if (size < 1e-6) continue;
    done.push(vector.map((value) => value / size));
  }
  return done;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

/** Box and Muller. */
function normal(stream: Stream): number {
  return Math.sqrt(-2 * Math.log(1 - stream())) * Math.cos(2 * Math.PI * stream());
}
