/** What a framework's naming scheme is: it says what each stored name is, and whether what it found makes a layer. */
import type { OptionValue } from '../../../../codegen/frontend/tree.js';
import type { Tensor } from '../../../data.js';
import type { FrameworkName } from '../../types.js';
import type { CellName } from '../layout.js';

/** What a stored name stands for. */
export interface Part {
  /** What all names of the layer start with, its separator included. */
  readonly prefix: string;
  /** Which of the layers that share a prefix; empty where a prefix is one layer. */
  readonly layer: string;
  /** The name in the framework's layout table, or of a piece from which such a tensor is made. */
  readonly name: string;
}

/** The parts found under one prefix and layer. */
export interface Found {
  readonly prefix: string;
  readonly layer: string;
  readonly parts: ReadonlySet<string>;
  /** @returns `undefined` where there is no such part */
  shape(part: string): readonly number[] | undefined;
}

/** A layer as the scheme understands it. */
export interface Recognized {
  readonly format: FrameworkName;
  readonly cell: CellName;
  /** Options of the cell that the file tells. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** What was assumed or made beyond the gates and the direction, each a few words. */
  readonly remarks: readonly string[];
  /** The tensors of the layout table, and the parts they come from; a part that is not read here is left over. */
  readonly sources: ReadonlyMap<string, Source>;
}

export interface Source {
  readonly parts: readonly string[];
  /** From the parts in their order; the part itself where it is missing. */
  readonly make?: (...parts: readonly Tensor[]) => Tensor;
}

export interface Scheme {
  /** What a layer of it is called in messages: `weight_ih_l0, weight_hh_l0, … (PyTorch)`. */
  readonly example: string;
  /** @param has whether the file has a tensor of this name */
  part(stored: string, has: (name: string) => boolean): Part | undefined;
  /** Every way to read what was found; none where it is no layer, several where only the user knows. */
  recognize(found: Found): readonly Recognized[];
}

/** Parts that are tensors of the layout as they are. */
export function plain(names: Iterable<string>): ReadonlyMap<string, Source> {
  return new Map([...names].map((name) => [name, { parts: [name] }]));
}

/** The cell that has so many gates. */
export function cellOf(gates: number): CellName | undefined {
  return new Map<number, CellName>([
    [1, 'rnn'],
    [3, 'gru'],
    [4, 'lstm'],
  ]).get(gates);
}
