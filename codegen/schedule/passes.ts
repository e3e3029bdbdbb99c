/** A scheduled program before any text is made of it: what each kernel computes, and in what order they run. */
import type { GraphBuilder } from '../ir/builder.js';
import type { MatrixRef, NodeId, Shape } from '../ir/graph.js';
import type { Condition } from '../passes/due.js';
import type { Recurrence } from '../passes/recurrence.js';
import type { LoopStrategy, PassSpec } from '../plan.js';
import type { CopyForm, MatrixCopy } from './matrices.js';
import type { Merged, Merging } from './merge.js';
import type { Start, View } from './operands.js';
import type { Phase } from './phases.js';
import type { Place } from './places.js';
import type { Shared } from './shared.js';
import type { Split } from './split.js';
import type { Storage } from './storage.js';

type Common = Pick<PassSpec, 'name' | 'region' | 'direction'>;

/** Rows of a phase: the B sequences at one step, or all T·B rows at once. */
export type Rows = 'step' | 'all';

export type PhasePass = Common & { readonly kind: 'phase'; readonly phase: Phase; readonly rows: Rows };

export type Pass =
  | PhasePass
  | (Common &
      (
        | { readonly kind: 'copy'; readonly copies: Merged<CopyForm, MatrixCopy> }
        /** Gradients of matrices of one shape: Σ over T·B rows and leading positions of left · rightᵀ. */
        | {
            readonly kind: 'outer';
            readonly products: Merged<OuterForm, OuterProduct>;
            readonly onto: Onto;
          }
        /** Sums over T·B rows, first by chunks of rows: the phase's stores name the values and their partial sums … */
        | { readonly kind: 'reduce'; readonly phase: Phase; readonly chunks: number }
        /** … then over the chunks, and for a scalar over units too. Products that were split end like this as well. */
        | { readonly kind: 'gather'; readonly sums: Merged<GatherForm, Sum>; readonly onto: Onto }
        /** Sums over the steps of each sequence: the phase's stores name the values and where their sums go. */
        | { readonly kind: 'accrue'; readonly phase: Phase }
      ));

/** Whether a pass writes a gradient, or adds to what the pass before it wrote. */
export type Onto = 'nothing' | 'former';

/** What products in one kernel have in common. */
export interface OuterForm {
  /** Dims of the matrix. */
  readonly rows: string;
  readonly columns: string;
  /** The buffer of the gradients. */
  readonly to: string;
  readonly terms: readonly OuterTerm[];
  /** Where parts of the rows are summed by themselves; several chunks have a matrix each. */
  readonly split: Split | undefined;
  /** A matrix with entries left out: which ones depends on the matrix. */
  readonly partial: MatrixRef | undefined;
}

export interface OuterTerm {
  /** Positions of the factors before heads: each is a row as well. One matrix may see vectors here and maps there. */
  readonly positions: Shape;
  readonly left: View;
  readonly right: View;
  /** The left factor is one where the row is whose number is read there, and zero elsewhere. */
  readonly chosen: boolean;
  /** A factor that is zero at some steps for all sequences: where one of the conditions does not hold. */
  readonly idle: { readonly side: 'left' | 'right'; readonly conditions: readonly Condition[] } | undefined;
  /** The factor whose zeros count whatever they multiply, if one's do. */
  readonly gate: 'left' | 'right' | undefined;
}

/** The gradient of one matrix, or of one head of a block-diagonal matrix. */
export interface OuterProduct {
  readonly param: string;
  readonly head: number;
  /** In `vec4f` from the start of the buffer. */
  readonly to: number;
  readonly terms: readonly { readonly left: Start; readonly right: Start }[];
}

export interface GatherForm {
  /** Of the parameter. */
  readonly shape: Shape;
  readonly chunks: number;
  /** `vec4f` of one chunk's sums. */
  readonly width: number;
}

export interface Sum {
  readonly param: string;
  /** `[chunks, …]` partial sums each. */
  readonly partials: readonly Place[];
  readonly to: Place;
}

export type Order =
  | { readonly kind: 'pass'; readonly pass: Pass; readonly time?: number }
  | {
      readonly kind: 'loop';
      readonly from: number;
      readonly to: number;
      readonly by: 1 | -1;
      /** Which one it is of several that the section has in this direction. */
      readonly turn: number | undefined;
      readonly recurrence: Recurrence;
      readonly passes: readonly PhasePass[];
    };

export type LoopOrder = Extract<Order, { kind: 'loop' }>;

/** A step graph over one time axis, or over none, scheduled in both directions. */
export interface Section {
  /** Before the names of its passes. */
  readonly prefix: string;
  readonly builder: GraphBuilder;
  /** What its loops could run as, were they cut into parts, by direction. */
  readonly inParts: Readonly<Record<'forward' | 'backward', readonly LoopStrategy[]>>;
  /** Conditions, the same for all sequences, without which a value is asked for by nothing. */
  readonly due: (id: NodeId) => readonly Condition[];
  readonly storage: Storage;
  readonly merging: Merging;
  /** Why its loops do not take many steps at once; `undefined` where they might. */
  readonly notChunked: string | undefined;
  readonly forward: readonly Order[];
  readonly backward: readonly Order[];
}

export interface Program {
  readonly shared: Shared;
  /** Copies of weights, before everything else. */
  readonly pack: readonly Order[];
  /** In the order of the forward direction; the backward one runs them from the last. */
  readonly sections: readonly Section[];
}
