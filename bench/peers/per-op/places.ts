/**
 * Where values lie: a view in what it is a view of, a part in its whole where it can be made there, and everything else by itself.
 * Parts that lie in another whole already, a leaf among them, are copied, unless they lie there as they should lie here.
 */
import { type Computed, isArranged, type Operation, type Value } from './operations.js';

export interface ComputedOperation {
  readonly kind: Computed;
  readonly operands: readonly Value[];
  readonly result: Value;
}

export interface Place {
  /** The value that all of its memory belongs to. */
  readonly root: Value;
  /** Where it begins there, and from row to row, in numbers. */
  readonly offset: number;
  readonly stride: number;
}

interface Inside {
  readonly whole: Value;
  readonly row: number;
  readonly column: number;
}

export class Places {
  private readonly inside = new Map<Value, Inside>();
  /** Copies are among them. */
  readonly computed: readonly ComputedOperation[];

  /** @param leaves what no operation computes */
  constructor(
    operations: readonly Operation[],
    private readonly leaves: ReadonlySet<Value>,
  ) {
    this.computed = operations.flatMap((operation) => this.arranged(operation));
  }

  of(value: Value): Place {
    const inside = this.inside.get(value);
    if (inside === undefined) return { root: value, offset: 0, stride: value.columns };
    const { root, offset, stride } = this.of(inside.whole);
    return { root, offset: offset + inside.row * stride + inside.column, stride };
  }

  private arranged({ kind, operands, results }: Operation): ComputedOperation[] {
    const [whole] = results as readonly [Value];
    if (!isArranged(kind)) return [{ kind, operands, result: whole }];
    const axis = kind === 'splitRows' || kind === 'concatRows' ? 'row' : 'column';
    if (kind === 'splitRows' || kind === 'splitColumns') {
      for (const [part, inside] of regions(operands[0] as Value, results, axis)) this.inside.set(part, inside);
      return [];
    }
    if (this.lieTogether(operands, axis)) {
      const { root, offset, stride } = this.of(operands[0] as Value);
      this.inside.set(whole, { whole: root, row: Math.floor(offset / stride), column: offset % stride });
      return [];
    }
    return regions(whole, operands, axis).flatMap(([part, inside]): ComputedOperation[] => {
      if (!this.inside.has(part) && !this.leaves.has(part)) {
        this.inside.set(part, inside);
        return [];
      }
      const copy = { ...part };
      this.inside.set(copy, inside);
      return [{ kind: 'copy', operands: [part], result: copy }];
    });
  }

  private lieTogether(parts: readonly Value[], axis: 'row' | 'column'): boolean {
    const places = parts.map((part) => this.of(part));
    return parts.every((part, at) => {
      const [here, next] = [places[at] as Place, places[at + 1]];
      if (next === undefined) return true;
      const step = axis === 'row' ? part.rows * here.stride : part.columns;
      return next.root === here.root && next.stride === here.stride && next.offset === here.offset + step;
    });
  }
}

/** Each part's place in the whole, one behind the other. */
function regions(whole: Value, parts: readonly Value[], axis: 'row' | 'column'): [Value, Inside][] {
  let next = 0;
  return parts.map((part) => {
    const inside = { whole, row: 0, column: 0, [axis]: next };
    next += axis === 'row' ? part.rows : part.columns;
    return [part, inside];
  });
}
