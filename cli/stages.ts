/** The forms of a cell that `inspect` shows, in the order of compilation. */
export const STAGES = ['signature', 'graph', 'adjoint', 'plan', 'wgsl'] as const;
export type Stage = (typeof STAGES)[number];
