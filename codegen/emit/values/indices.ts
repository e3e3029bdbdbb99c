/** The indices of a lane's own units, and where windows move them. */
import type { Storage } from '../../schedule/storage.js';
import { NOWHERE, quadSpot, type Spot } from './spots.js';

/** The spot of a lane's own units, in the names that `indexLines` declares. */
export function homeSpot(rank: number): Spot {
  if (rank === 0) return NOWHERE;
  return quadSpot(
    Array.from({ length: rank - 1 }, (_, axis) => `i${axis}`),
    lastIndex(rank),
  );
}

/** The quad of units on the last axis. */
export const lastIndex = (rank: number): string => (rank > 1 ? 'q' : 'col');

/** The indices of each axis from the flat index `col`. */
export const indexLines = (shape: readonly string[], storage: Storage): string[] => indicesIn(storage.extents(shape));

/** The same of lanes that lie in so many, outermost first. */
export function indicesIn(extents: readonly number[]): string[] {
  if (extents.length < 2) return [];
  const lines = [`let q = col % ${extents.at(-1)}u;`];
  let rest = `col / ${extents.at(-1)}u`;
  for (let axis = extents.length - 2; axis >= 0; axis--) {
    lines.push(`let i${axis} = ${axis === 0 ? rest : `(${rest}) % ${extents[axis]}u`};`);
    rest = `${rest} / ${extents[axis]}u`;
  }
  return lines;
}

/** Where a window's index leads: the argument's index, kept in bounds, and whether it was. */
export function seenThrough(
  index: string,
  { stride, dilation, offset, inner }: { stride: number; dilation: number; offset: number | string; inner: number },
): { at: string; inside: string } {
  const scaled = stride === 1 ? `i32(${index})` : `i32(${index}) * ${stride}`;
  const moved =
    typeof offset === 'string'
      ? `(${scaled} + ${offset})`
      : offset === 0
        ? scaled
        : `(${scaled} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)})`;
  const reach = (inner - 1) * dilation;
  const whole = dilation === 1 ? '' : ` & ((${moved}) % ${dilation} == 0)`;
  const at = `u32(clamp(${moved}, 0, ${reach}))${dilation === 1 ? '' : ` / ${dilation}u`}`;
  // `&`, not `&&`: a branch for every tap makes software adapters compile for ages.
  return { at, inside: `((${moved}) >= 0) & ((${moved}) <= ${reach})${whole}` };
}
