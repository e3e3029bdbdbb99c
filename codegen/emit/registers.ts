/**
 * What a lane that walks keeps in registers, because it alone reads and writes it, or because it is the same at every step: a
 * load from memory costs more than the arithmetic of a step, and no compiler may move one out of a loop that writes to buffers.
 */
import { type Carried, keyOf, type Loop, writtenBy } from '../schedule/carried.js';
import type { Access, Place, Store } from '../schedule/places.js';

export interface Register {
  readonly name: string;
  readonly type: 'vec4f' | 'i32' | 'u32';
}

export class Registers {
  private readonly kept = new Map<string, Register>();
  private readonly written: ReadonlySet<string>;

  constructor(
    loop: Loop,
    readonly carried: readonly Carried[],
  ) {
    this.written = writtenBy(loop);
  }

  /** A carried value as the step before left it, or as this step has left it already. */
  read({ place, shift, guarded, own }: Access): string | undefined {
    if (guarded || own !== undefined) return undefined;
    const index = this.indexOf(place);
    const { before, after } = this.carried[index] ?? {};
    return shift === before ? beforeName(index) : shift === after ? carriedName(index) : undefined;
  }

  /** Where a store of a carried value goes besides memory. */
  write({ place, shift, when }: Store): string | undefined {
    const index = this.indexOf(place);
    return when === 'active' && this.carried[index]?.after === shift ? carriedName(index) : undefined;
  }

  private indexOf(place: Place): number {
    return this.carried.findIndex((one) => keyOf(one.place) === keyOf(place));
  }

  /** Whether a place holds the same at every step. */
  isConstant({ place, own }: Access): boolean {
    return own === undefined && (place.layout === 'shared' || place.layout === 'row') && !this.written.has(keyOf(place));
  }

  /** The register of an expression in `b` and `col` that is the same at every step. */
  keep(text: string, type: Register['type'] = 'vec4f'): string {
    const known = this.kept.get(text) ?? { name: `kept${this.kept.size}`, type };
    this.kept.set(text, known);
    return known.name;
  }

  /** Declarations of all registers. */
  declared(): Register[] {
    const carried = this.carried.flatMap((_, index): Register[] => [
      { name: beforeName(index), type: 'vec4f' },
      { name: carriedName(index), type: 'vec4f' },
    ]);
    return [...carried, ...this.kept.values()];
  }

  /** Before the first step. */
  filled(): string[] {
    return [...this.kept].map(([text, { name }]) => `${name} = ${text};`);
  }

  /** At the beginning of each step. */
  moved(): string[] {
    return this.carried.map((_, index) => `${beforeName(index)} = ${carriedName(index)};`);
  }
}

export const carriedName = (index: number): string => `carried${index}`;
const beforeName = (index: number): string => `before${index}`;
