/** Which random numbers the elements of a value get: a draw is a function of seed, call, sequence, step and element. */
import { normal, philox, uniform, type Words } from './philox.js';
import type { Axis, Value } from './tape.js';

/** Stands for "all of them" where a draw is the same for every step or sequence. */
export const ALL = 0xffffffff;

/** How long a draw lasts: a fresh one at every step, or one for the whole sequence. */
export type Lifetime = 'step' | 'sequence';

/** What the rows of a value are. */
export interface Rows {
  /** Of every row, the number of its step in the order of processing; `ALL` for what belongs to none. */
  readonly steps: readonly number[];
  /** Of every row, the batch index. */
  readonly sequences: readonly number[];
}

/** The random numbers of one run. */
export class Draws {
  private next = 0;
  private readonly masks = new Map<number, Float64Array>();

  /** @param training whether masks and noise are drawn; symbols always are */
  constructor(
    private readonly seed: number,
    readonly training: boolean,
  ) {}

  /** The number of the next call. */
  get site(): number {
    return this.next;
  }

  /** Every step of a recurrence starts where its first one did: a call has one number for all steps. */
  restart(site: number): void {
    this.next = site;
  }

  /** Uniform in [0, 1), for every element of every row. */
  uniforms(axes: readonly Axis[], rows: Rows, lifetime: Lifetime): Float64Array {
    const stepOf = lifetime === 'sequence' ? () => ALL : stepOfRow(rows);
    return this.perElement(axes, rows.sequences, stepOf, (words, k) => uniform(words[k] as number));
  }

  normals(axes: readonly Axis[], rows: Rows): Float64Array {
    return this.perElement(axes, rows.sequences, stepOfRow(rows), normal);
  }

  /** Uniform in [0, 1), for every entry of a matrix, counted as its parameter was declared; the same in every step. */
  perEntry({ axes, columns, layout }: Value): Float64Array {
    const site = this.next++;
    const known = this.masks.get(site);
    if (known) return known;
    const quads = Math.ceil(layout.width / 4);
    const numbers = new Float64Array(columns);
    for (let at = 0; at < columns; at++) {
      let rest = at;
      let declared = layout.offset;
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        const { size } = axes[axis] as Axis;
        declared += (rest % size) * (layout.strides[axis] as number);
        rest = Math.floor(rest / size);
      }
      const k = declared % layout.width;
      const quad = ((declared - k) / layout.width) * quads + Math.floor(k / 4);
      numbers[at] = uniform(philox([quad, ALL, ALL, 0], [this.seed, site])[k % 4] as number);
    }
    this.masks.set(site, numbers);
    return numbers;
  }

  private perElement(
    axes: readonly Axis[],
    sequences: readonly number[],
    stepOf: (row: number) => number,
    convert: (words: Words, k: number) => number,
  ): Float64Array {
    const site = this.next++;
    const width = axes.at(-1)?.size ?? 1;
    const strips = axes.slice(0, -1).reduce((product, { size }) => product * size, 1);
    const quads = Math.ceil(width / 4);
    const numbers = new Float64Array(sequences.length * strips * width);
    let at = 0;
    for (const [row, sequence] of sequences.entries()) {
      const t = stepOf(row);
      for (let strip = 0; strip < strips; strip++) {
        for (let quad = 0; quad < quads; quad++) {
          const words = philox([strip * quads + quad, sequence, t, 0], [this.seed, site]);
          const here = Math.min(4, width - quad * 4);
          for (let k = 0; k < here; k++) numbers[at++] = convert(words, k);
        }
      }
    }
    return numbers;
  }
}

function stepOfRow({ steps }: Rows): (row: number) => number {
  return (row) => steps[row] as number;
}
