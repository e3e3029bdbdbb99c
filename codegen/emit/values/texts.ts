/** What several printers write alike in WGSL. */
import type { NodeId, Reduce } from '../../ir/graph.js';
import type { Spot } from './spots.js';

/** What a value is called at a lane's own units. */
export const name = (id: NodeId): string => `v${id}`;

/** What a name says of the step at a spot, where a lane has several. */
export const named = (name: string, { step }: Spot): string => (step === undefined ? name : `${name}_${step}`);

/** Which of the four units of a quad there are. */
export const liveUnits = (quad: string, units: number): string => `vec4u(4u * ${quad}) + vec4u(0, 1, 2, 3) < vec4u(${units})`;

/** Lanes behind the last unit made harmless: zero for a sum, another lane's value for a maximum. */
export function masked(value: string, quad: string, units: number, kind: Reduce['kind']): string {
  if (units % 4 === 0) return value;
  const live = liveUnits(quad, units);
  return `select(${kind === 'sum' ? 'vec4f(0)' : `vec4f(${value}.x)`}, ${value}, ${live})`;
}

/** A constant as WGSL writes float32. */
export function literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Numbers, four by four. */
export const inFours = (texts: readonly string[]): string[][] =>
  Array.from({ length: texts.length / 4 }, (_, four) => texts.slice(4 * four, 4 * four + 4));
