/**
 * A model as sections: step graphs, each over one time axis, in the order in which they run. What one leaves in memory
 * others read. A section over no time axis has one step, and computes what every sequence has once.
 */
import type { SizeRule } from '../frontend/tree.js';
import type { Shape, StepGraph } from './graph.js';

/** Where an input of a section comes from. */
export type Source =
  /** What the caller gives. */
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'output'; readonly section: number; readonly name: string }
  /** A state as it is at the end of each sequence. */
  | { readonly kind: 'final'; readonly section: number; readonly name: string };

export interface SectionInput {
  /** Of the leaf. */
  readonly name: string;
  readonly shape: Shape;
  /**
   * At each step its own; or `held`, a value without time in a section that has steps; or `memory`, all steps of a sequence
   * at every step, as values of the shape `[time axis, …]`; or `chunk`, in a section over chunks all steps of one, as values of the
   * shape `[chunk, …]`, which are zero behind a sequence's end.
   */
  readonly seen: 'step' | 'held' | 'memory' | 'chunk';
  readonly source: Source;
}

export interface SectionState {
  readonly name: string;
  readonly shape: Shape;
  /** The output, of a section without time, that it starts from; or what the caller gives, who gets the last one, too. */
  readonly initial: Exclude<Source, { kind: 'final' }>;
}

export interface ModelSection {
  readonly time: string | undefined;
  /** So many steps of the axis are one of the section's; its outputs have the shape `[chunk, …]`. */
  readonly chunk?: number;
  /** Whether its steps count from each sequence's first step or from its last. */
  readonly order: 'ahead' | 'back';
  readonly step: StepGraph;
  readonly inputs: readonly SectionInput[];
  readonly states: readonly SectionState[];
}

export interface ModelGraph {
  readonly sections: readonly ModelSection[];
  /** What the caller gets, by name: outputs of sections in the order of time, or their total over all sequences. */
  readonly outputs: Readonly<Record<string, Extract<Source, { kind: 'output' }> & { readonly total?: true }>>;
  readonly rules: readonly SizeRule[];
}
