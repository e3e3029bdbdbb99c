/** A scheduled program before any text is made of it: what each kernel computes, and in what order they run. */
import type { GraphBuilder } from '../ir/builder.js';
import type { MatrixRef, Shape } from '../ir/graph.js';
import type { PassSpec } from '../plan.js';
import type { MatrixCopy } from './matrices.js';
import type { Operand } from './operands.js';
import type { Phase } from './phases.js';
import type { Place } from './places.js';
import type { Storage } from './storage.js';

type Common = Pick<PassSpec, 'name' | 'region' | 'direction'>;

/** Rows of a phase: the B sequences at one step, or all T·B rows at once. */
export type Rows = 'step' | 'all';

export type Pass = Common &
  (
    | { readonly kind: 'copy'; readonly copies: readonly MatrixCopy[] }
    | { readonly kind: 'phase'; readonly phase: Phase; readonly rows: Rows }
    /** Gradients of matrices of one shape: Σ over T·B rows and leading positions of left · rightᵀ. */
    | {
        readonly kind: 'outer';
        readonly rowsDim: string;
        readonly columnsDim: string;
        readonly products: readonly OuterProduct[];
      }
    /** Sums over T·B rows, first by chunks of rows: the phase's stores name the values and their partial sums … */
    | { readonly kind: 'reduce'; readonly phase: Phase; readonly chunks: number }
    /** … then over the chunks, and for a scalar over units too. */
    | { readonly kind: 'gather'; readonly shape: Shape; readonly chunks: number; readonly sums: readonly Sum[] }
  );

export interface OuterProduct {
  readonly matrix: MatrixRef;
  /** Which of a block-diagonal matrix's heads, 0 where there is one matrix. */
  readonly head: number;
  readonly heads: number;
  readonly to: { readonly buffer: string; readonly base: number };
  readonly terms: readonly OuterTerm[];
}

export interface OuterTerm {
  readonly left: Operand;
  readonly right: Operand;
  /** Positions of the factors before heads: each is a row as well. One matrix may see vectors here and maps there. */
  readonly positions: Shape;
}

export interface Sum {
  readonly param: string;
  /** `[chunks, …]` partial sums each. */
  readonly partials: readonly Place[];
  readonly to: Place;
}

export type Order =
  | { readonly kind: 'pass'; readonly pass: Pass; readonly time?: number }
  | { readonly kind: 'loop'; readonly from: number; readonly to: number; readonly by: 1 | -1; readonly passes: readonly Pass[] };

export interface Program {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly forward: readonly Order[];
  readonly backward: readonly Order[];
}
