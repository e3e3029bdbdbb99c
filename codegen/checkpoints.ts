/** What a plan takes of a device's memory; where sequences are cut, with what is kept between their segments. */
import type { Plan } from './plan.js';

/** Segments of a plan: one, where sequences are not cut. */
export function segmentsIn({ segments }: Pick<Plan, 'segments'>): number {
  return segments === undefined ? 1 : Math.ceil(segments.whole / segments.steps);
}

/** What lies beside a plan's own buffers where sequences are cut, in 32-bit words. */
export interface CheckpointWords {
  /** States, with what is read of earlier steps, at the beginning of one segment. */
  readonly checkpoint: number;
  /** Final states, which running segments again would overwrite. */
  readonly finals: number;
  /** On its way from one segment to the next. */
  readonly moving: number;
  readonly total: number;
}

export function checkpointWords(plan: Plan): CheckpointWords {
  const { segments, gradients, tensors } = plan;
  if (segments === undefined) return { checkpoint: 0, finals: 0, moving: 0, total: 0 };
  const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0);
  const [before, behind] = [segments.before, segments.behind].map((moves) => sum(moves.map(({ words }) => words)));
  const states = Object.entries(tensors).filter(([path]) => path.startsWith('state.'));
  const finals = sum(states.map(([, { padded }]) => padded.reduce((product, size) => product * size, 1)));
  const checkpoint = finals + (before ?? 0);
  const moving = Math.max(before ?? 0, behind ?? 0);
  const kept = gradients ? segmentsIn(plan) * checkpoint + finals : checkpoint;
  return { checkpoint, finals, moving, total: kept + moving };
}

/** The sizes that a plan serves: T is that of the whole sequences. */
export const sizesOf = ({ sizes, segments }: Pick<Plan, 'sizes' | 'segments'>): Plan['sizes'] =>
  segments === undefined ? sizes : { ...sizes, T: segments.whole };

/** How a plan's sequences are cut, in words; `undefined` where they are not. */
export function segmentsText(plan: Plan): string | undefined {
  if (plan.segments === undefined) return undefined;
  const { whole, steps } = plan.segments;
  const bytes = `${(deviceBytes(plan) / 1e6).toFixed(2)} MB with their checkpoints`;
  return `${whole} steps are cut into ${segmentsIn(plan)} segments of ${steps}, which take ${bytes}`;
}

/** Device memory that a plan takes: its buffers, and the checkpoints beside them. */
export const deviceBytes = (plan: Plan): number =>
  plan.buffers.reduce((sum, { bytes }) => sum + bytes, 0) + 4 * checkpointWords(plan).total;
