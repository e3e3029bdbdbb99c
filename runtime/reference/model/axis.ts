/** A time axis of one run: the steps of all sequences, packed into rows. */
import type { Rows } from '../draws.js';

/**
 * Rows in the order of time, and of the sequences within a step; none for what lies behind a sequence's length, so that it
 * is never read.
 */
export class TimeAxis implements Rows {
  readonly sequences: readonly number[];
  readonly steps: readonly number[];
  /** Index `[t, b]` of every row in a sequence tensor, flattened. */
  readonly places: readonly number[];
  private readonly rows: ReadonlyMap<number, number>;

  /** @param size steps of a sequence tensor, of which each sequence has as many as its length */
  constructor(
    readonly name: string,
    readonly size: number,
    readonly lengths: readonly number[],
  ) {
    const B = lengths.length;
    const all = Array.from({ length: size * B }, (_, place) => place);
    this.places = all.filter((place) => Math.floor(place / B) < (lengths[place % B] as number));
    this.steps = this.places.map((place) => Math.floor(place / B));
    this.sequences = this.places.map((place) => place % B);
    this.rows = new Map(this.places.map((place, row) => [place, row]));
  }

  /** The row of step t of sequence b; the sequence is zero outside. */
  rowOf(t: number, b: number): number | 'zeros' {
    if (t < 0 || t >= (this.lengths[b] as number)) return 'zeros';
    return this.rowAt(t * this.lengths.length + b);
  }

  /** The row of a place that a sequence has. */
  rowAt(place: number): number {
    const row = this.rows.get(place);
    if (row === undefined) throw new Error(`no sequence has a step at place ${place} of ${this.name}`);
    return row;
  }
}
