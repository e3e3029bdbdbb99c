/** Sizes of tensors and of what two of them differ by. */

/** Euclidean norm of many numbers, scaled so that no square overflows or vanishes. */
export class Norm {
  private scale = 0;
  private sum = 0;
  private count = 0;

  add(value: number): void {
    const magnitude = Math.abs(value);
    this.count++;
    if (magnitude === 0) return;
    if (magnitude > this.scale) {
      this.sum = 1 + this.sum * (this.scale / magnitude) ** 2;
      this.scale = magnitude;
    } else {
      this.sum += (magnitude / this.scale) ** 2;
    }
  }

  get norm(): number {
    return this.scale * Math.sqrt(this.sum);
  }

  get rootMeanSquare(): number {
    return this.count === 0 ? 0 : this.norm / Math.sqrt(this.count);
  }
}

/** Root mean square of the finite ones of some numbers. */
export function rootMeanSquare(values: ArrayLike<number>): number {
  const size = new Norm();
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) size.add(values[i] as number);
  return size.rootMeanSquare;
}

/**
 * ‖a − b‖ / ‖b‖ over a tensor. Where ‖b‖ is zero, the root mean square of `a` instead: an absolute error.
 * Only elements that are finite in `b` count: about the others a difference of numbers says nothing. An element that
 * is finite in `b` and not in `a` makes the error Infinity.
 */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const difference = new Norm();
  const size = new Norm();
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    if (!Number.isFinite(y)) continue;
    if (!Number.isFinite(x)) return Number.POSITIVE_INFINITY;
    difference.add(x - y);
    size.add(y);
  }
  return size.norm === 0 ? difference.rootMeanSquare : difference.norm / size.norm;
}

/** Of every unit, an index of the last axis: the norm over all else of the difference, and that of the reference. */
export interface UnitNorms {
  readonly differences: Float64Array;
  readonly sizes: Float64Array;
}

/** As in `relativeError`, only elements count that are finite in `b`; one that is not in `a` makes its unit's difference Infinity. */
export function unitNorms(a: ArrayLike<number>, b: ArrayLike<number>, shape: readonly number[]): UnitNorms {
  const units = shape.at(-1) ?? 1;
  const norms = Array.from({ length: units }, () => ({ difference: new Norm(), size: new Norm() }));
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    const unit = norms[i % units];
    if (unit === undefined || !Number.isFinite(y)) continue;
    unit.difference.add(Number.isFinite(x) ? x - y : Number.MAX_VALUE);
    unit.size.add(y);
  }
  return {
    differences: Float64Array.from(norms, ({ difference }) => difference.norm),
    sizes: Float64Array.from(norms, ({ size }) => size.norm),
  };
}
