/** Sizes of dims as the tensors of a request have them; codegen/ir/sizes.ts says what must hold between them. */
import { type ErrorDetail, RecurveError } from '../../codegen/errors.js';
import { isFixed } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';
import { shapeText } from './describe.js';

/** What an axis must be: `times` units of a dim, or exactly `times` where there is no dim; `plus`: and one of another dim. */
export interface Axis {
  readonly times: number;
  readonly dim?: string;
  readonly plus?: string;
}

/** A dim in digits is its own size. */
export function axisOf(dim: string): Axis {
  return isFixed(dim) ? { times: Number(dim) } : { times: 1, dim };
}

/** `H`, `4·H`, `1`, `I+H`. */
export function axisText({ times, dim, plus }: Axis): string {
  if (dim === undefined) return String(times);
  if (plus !== undefined) return `${dim}+${plus}`;
  return times === 1 ? dim : `${times}·${dim}`;
}

/**
 * Learns the size of every dim from the tensors that carry it, and remembers which tensor said so first,
 * for the message when another one disagrees.
 */
export class SizeLedger {
  readonly #known = new Map<string, { readonly size: number; readonly source: string }>();

  /** Takes a size from outside, such as a compiled plan's. */
  static of(sizes: Sizes): SizeLedger {
    const ledger = new SizeLedger();
    for (const [dim, size] of Object.entries(sizes)) ledger.record(dim, size, 'the sizes of this run', 'DATA-SHAPE', dim);
    return ledger;
  }

  /**
   * Holds one tensor's shape to its axes.
   *
   * @param tensor its path, such as `inputs.x`
   * @throws RecurveError `code`
   */
  measure(tensor: string, shape: readonly number[], axes: readonly Axis[], code: ErrorDetail['code'] = 'DATA-SHAPE'): void {
    if (shape.length !== axes.length) {
      throw new RecurveError({
        code,
        message: `${tensor} has shape ${shapeText(shape)}; it takes ${shapeText(axes.map(axisText))}`,
        fix: `Give it ${axes.length} ${axes.length === 1 ? 'axis' : 'axes'}.`,
        where: tensor,
      });
    }
    axes.forEach((axis, index) => {
      if (axis.plus === undefined) this.#measureAxis(tensor, shape[index] ?? 0, axis, index, code);
    });
    // A sum tells one dim when the other is known, from another axis or tensor.
    axes.forEach((axis, index) => {
      if (axis.plus !== undefined) this.#measureSum(tensor, shape[index] ?? 0, axis, index, code);
    });
  }

  /** @throws RecurveError `code` where `dim` is already known to have another size */
  record(dim: string, size: number, source: string, code: ErrorDetail['code'], tensor: string): void {
    const known = this.#known.get(dim);
    if (known === undefined) {
      this.#known.set(dim, { size, source });
      return;
    }
    if (known.size === size) return;
    throw new RecurveError({
      code,
      message: `${source} makes ${dim} = ${size}, but ${known.source} makes it ${known.size}`,
      fix: `Give every tensor the same size along ${dim}.`,
      where: tensor,
    });
  }

  get(dim: string): number | undefined {
    return this.#known.get(dim)?.size;
  }

  sizes(): Sizes {
    return Object.fromEntries([...this.#known].map(([dim, { size }]) => [dim, size]));
  }

  #measureAxis(tensor: string, size: number, axis: Axis, index: number, code: ErrorDetail['code']): void {
    const source = `${tensor} (axis ${index}, ${axisText(axis)} = ${size})`;
    const fits = axis.dim === undefined ? size === axis.times : size > 0 && size % axis.times === 0;
    if (!fits) {
      const expected = axis.dim === undefined ? axisText(axis) : `${axisText(axis)}, a multiple of ${axis.times}`;
      throw new RecurveError({
        code,
        message: `${tensor} has ${size} along axis ${index}; it must be ${expected}`,
        fix: `Give it ${expected} there: look whether two of its axes are swapped.`,
        where: tensor,
      });
    }
    if (axis.dim !== undefined) this.record(axis.dim, size / axis.times, source, code, tensor);
  }

  #measureSum(tensor: string, size: number, axis: Axis, index: number, code: ErrorDetail['code']): void {
    const part = this.get(axis.plus ?? '');
    if (part === undefined) throw new Error(`${tensor} is measured before ${axis.plus} is known`);
    if (size <= part) {
      throw new RecurveError({
        code,
        message: `${tensor} has ${size} along axis ${index}; it must be ${axisText(axis)}, and ${axis.plus} is ${part}`,
        fix: `Give it the rows of both, one below the other.`,
        where: tensor,
      });
    }
    const source = `${tensor} (axis ${index}, ${axisText(axis)} = ${size})`;
    this.record(axis.dim ?? '', size - part, source, code, tensor);
  }
}
