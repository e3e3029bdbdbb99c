/** At which units a kernel wants a value, and the addresses that follow. */
import { type Access, type Place, widthOf } from '../../schedule/places.js';
import type { Storage } from '../../schedule/storage.js';

/** WGSL expressions of type `u32`. */
export interface Spot {
  /** One for each axis but the last. */
  readonly outer: readonly string[];
  /** Four neighbouring units from 4·text, or one unit for all four lanes; `undefined` for a scalar. */
  readonly last: { readonly kind: 'quad' | 'unit'; readonly text: string } | undefined;
  /** The step, an `i32`, where a lane has several; otherwise `t`. */
  readonly step?: string | undefined;
}

/** Where a scalar is. */
export const NOWHERE: Spot = { outer: [], last: undefined };

export const quadSpot = (outer: readonly string[], text: string): Spot => ({ outer, last: { kind: 'quad', text } });
export const unitSpot = (outer: readonly string[], text: string): Spot => ({ outer, last: { kind: 'unit', text } });

export const keyOf = ({ outer, last, step = '' }: Spot): string =>
  `${outer.join(';')}|${last?.kind ?? ''} ${last?.text ?? ''}|${step}`;

/** Index of leading axes of these extents, outermost first. */
export function flatten(indices: readonly string[], extents: readonly number[]): string {
  return indices.reduce((sum, index, axis) => (axis === 0 ? index : `(${sum} * ${extents[axis]}u + ${index})`), '0u');
}

/** An unsigned sum without its zero addends. */
export const plus = (...addends: readonly string[]): string => {
  const rest = addends.filter((addend) => addend !== '0u');
  return rest.length === 0 ? '0u' : rest.join(' + ');
};

/** `vec4f` from the start of a row's values to the spot: `flat` where the caller knows it. */
function inRow(storage: Storage, place: Place, spot: Spot): string {
  if (!spot.last) return '0u';
  const last = spot.last.kind === 'quad' ? spot.last.text : `${spot.last.text} / 4u`;
  if (place.layout === 'chunk') {
    const [, ...extents] = place.extents;
    const [step, ...lead] = spot.outer;
    const row = `${step} * ${storage.size('B') * widthOf({ extents })}u`;
    return plus(row, lead.length === 0 ? '0u' : `${flatten(lead, extents)} * ${extents.at(-1)}u`, last);
  }
  if (place.layout === 'memory') return plus(`(${spot.outer[0]} * ${storage.size('B')}u + b) * ${place.extents.at(-1)}u`, last);
  if (spot.outer.length === 0) return last;
  const lead = flatten(spot.outer, place.extents);
  return plus(`${lead} * ${place.extents.at(-1)}u`, last);
}

/** `vec4f` from the buffer's start to the row of sequence b at step t. */
export function rowStart(storage: Storage, { place, shift, guarded, own }: Access, time?: string): string {
  const width = widthOf(place);
  const at = (index: string) => `${index} * ${width}u`;
  switch (place.layout) {
    case 'shared':
    case 'memory':
      return `${place.base}u`;
    case 'chunk': {
      const [steps = 1, ...extents] = place.extents;
      return plus(
        `${place.base}u`,
        `(u32(${stepAt(shift, time)}) * ${steps * storage.size('B')}u + b) * ${widthOf({ extents })}u`,
      );
    }
    case 'row':
      return plus(`${place.base}u`, at('b'));
    case 'sequence': {
      const step = own === 'back' ? `steps - 1 - (${stepAt(shift, time)})` : stepAt(shift, time);
      const slot = guarded || own !== undefined ? `u32(clamp(${step}, 0, ${storage.steps - 1}))` : `u32(${step})`;
      return slotStart(storage, place, slot);
    }
    case 'alternating':
      return plus(`${place.base}u`, at(`(u32((${stepAt(shift, time)}) & 1) * ${storage.size('B')}u + b)`));
  }
}

/** The same of one of the slots that a place has, an `u32`. */
export function slotStart(storage: Storage, place: Place, slot: string): string {
  return plus(`${place.base}u`, `(${slot} * ${storage.size('B')}u + b) * ${widthOf(place)}u`);
}

/** The row of a matrix of so many that a number, an `f32`, stands for: the nearest there is. */
export const rowNumber = (text: string, rows: number): string => `u32(clamp(${text}, 0.0, ${rows - 1}.0) + 0.5)`;

export const stepAt = (shift: number, time = 't'): string =>
  shift === 0 ? time : `${time} ${shift < 0 ? '-' : '+'} ${Math.abs(shift)}`;

/** Whether t + shift is one of the T steps, or of the sequence's own; always, where `undefined`. */
export function isStep(
  storage: Storage,
  { shift, guarded, own }: Pick<Access, 'shift' | 'guarded' | 'own'>,
  time?: string,
): string | undefined {
  if (own !== undefined) return isOwn(stepAt(shift, time), 'steps');
  if (!guarded) return undefined;
  return shift < 0 ? `${stepAt(shift, time)} >= 0` : `${stepAt(shift, time)} < ${storage.steps}`;
}

/** Whether a step, an `i32`, is one of a sequence of so many. */
export const isOwn = (step: string, steps: string): string => `${step} >= 0 && ${step} < ${steps}`;

/** Index into the buffer; `flat` overrules the spot where the kernel has the index at hand. */
export function addressOf(storage: Storage, access: Access, spot: Spot, flat?: string): string {
  return plus(rowStart(storage, access, spot.step), flat ?? inRow(storage, access.place, spot));
}

/** The lane of `vec4f` that a unit lies in; `undefined` where all four are wanted. */
export const laneOf = (spot: Spot): string | undefined => (spot.last?.kind === 'unit' ? `${spot.last.text} % 4u` : undefined);

/** Whether spots are each of four units. */
export const isQuad = (spots: readonly Spot[]): boolean => spots[0]?.last?.kind === 'quad';

/** The four units of a quad, one by one, none of them behind the last. */
export const unitsOf = ({ outer, last, step }: Spot, size: number): Spot[] =>
  [0, 1, 2, 3].map((lane) => {
    const unit = plus(`4u * ${last?.text}`, `${lane}u`);
    return { ...unitSpot(outer, size % 4 === 0 ? `(${unit})` : `min(${unit}, ${size - 1}u)`), step };
  });

const NAME = /\b[a-z_]\w*/gi;

/** The names in its indices. */
export const namesOf = ({ outer, last, step = '' }: Spot): readonly string[] =>
  [...outer, last?.text ?? '', step].flatMap((text) => text.match(NAME) ?? []);

/** The same spot with other names in its indices. */
export const renamed = ({ outer, last, step }: Spot, to: (name: string) => string): Spot => {
  const inside = (text: string) => text.replace(NAME, to);
  return { outer: outer.map(inside), last: last && { ...last, text: inside(last.text) }, step: step && inside(step) };
};
