/** The code by which a kernel's contractions read their operands, which schedule/operands.ts placed, and which of them can share a loop. */

import type { MatrixPlace, Summed } from '../schedule/matrices.js';
import { groupBy, type Merged, type Merging, merge } from '../schedule/merge.js';
import { type Start, type View, viewOf } from '../schedule/operands.js';
import type { Rows } from '../schedule/passes.js';
import type { Phase } from '../schedule/phases.js';
import { quads } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import { type Bindings, stepsOf } from './bindings.js';
import { pick } from './kernel.js';
import { seenThrough } from './values/indices.js';
import { flatten, isOwn, plus, stepAt } from './values/spots.js';

/** Operands that are read alike and feed the same accumulators: one loop in the kernel serves them all. */
export type OperandGroup = Merged<Loop, LoopOperand>;

interface Loop {
  readonly view: View;
  readonly summed: Summed;
  readonly idle: boolean;
  /** The matrices that each operand meets: the contraction that gets the product, and how they lie in memory. */
  readonly weights: readonly { readonly id: number; readonly buffer: string; readonly headStride: number }[];
}

interface LoopOperand {
  readonly start: Start;
  /** Of each of its matrices, in `vec4f`. */
  readonly bases: readonly number[];
}

interface Product {
  readonly id: number;
  readonly view: View;
  readonly start: Start;
  readonly matrix: MatrixPlace;
  readonly idle: boolean;
}

/** Contractions of one operand share its loads; then operands that differ only in where they lie share the code. */
export function operandGroups(
  contractions: Phase['contractions'],
  storage: Storage,
  rows: Rows,
  merging: Merging,
): OperandGroup[] {
  const products = contractions.flatMap(({ id, terms }) =>
    terms.map(({ operand, matrix, transposed, idle }): Product => {
      return { ...viewOf(storage, operand, rows), id, idle, matrix: storage.matrix(matrix, transposed) };
    }),
  );
  const byOperand = groupBy(products, ({ view, start, matrix }) => [view, start, matrix.summed]);
  if (merging === 'alike') return merge(byOperand.map(loopOf), merging);
  // Apart, but what a contraction adds up in the same order: the same bits.
  const ordered = groupBy(byOperand, (own) => loopOf(own).common).flat(2);
  const apart = groupBy(ordered, ({ id, view, start, matrix }) => [id, view, start, matrix.summed]);
  return apart.map(loopOf).map(({ common, own }) => ({ common, members: [own] }));
}

/** The same products, of at most so many matrices to a loop. */
export function inLoops(groups: readonly OperandGroup[], most: number): OperandGroup[] {
  return groups.flatMap(({ common, members }) => {
    const { weights } = common;
    const size = Math.min(weights.length, Math.max(1, most));
    return Array.from({ length: Math.ceil(weights.length / size) }, (_, loop): OperandGroup => {
      const own = <V>(all: readonly V[]) => all.slice(loop * size, (loop + 1) * size);
      return {
        common: { ...common, weights: own(weights) },
        members: members.map(({ start, bases }) => ({ start, bases: own(bases) })),
      };
    });
  });
}

/** The loop of one operand's products. */
function loopOf(products: readonly Product[]): { common: Loop; own: LoopOperand } {
  const [first] = products;
  if (!first) throw new Error('an operand without products');
  const { view, start, matrix, idle } = first;
  return {
    common: {
      view,
      summed: matrix.summed,
      idle,
      weights: products.map(({ id, matrix: { buffer, headStride } }) => ({ id, buffer, headStride })),
    },
    own: { start, bases: products.map(({ matrix: { base } }) => base) },
  };
}

interface OperandLines {
  /** Where the lane's position lies in the operand. */
  readonly lines: readonly string[];
  readonly bases: readonly { readonly row: string; readonly text: string }[];
  /** Whether a row's operand is there; `undefined` where it always is. */
  readonly inside: (row: string) => string | undefined;
}

export function operandLines(
  { storage, bindings }: { readonly storage: Storage; readonly bindings: Bindings },
  group: OperandGroup,
  rows: Rows,
  perRow: readonly string[],
): OperandLines {
  const { view } = group.common;
  const { layout, shift, guarded, own, width, stride } = view;
  const starts = group.members.map(({ start }) => start);
  const { lines, lead, inside } = positionLines(view, starts, { prefix: '', turn: 'g' });
  const position = lead === '0u' ? '0u' : `${lead} * ${stride}u`;
  const batch = storage.size('B');
  const last = storage.steps - 1;
  const base = pick(
    starts.map((start) => start.base),
    'g',
  );
  const bases = perRow.map((row) => ({ row, text: plus(base, rowOf(`row${row}`), position) }));
  const reaches = (row: string): string | undefined => {
    if (own !== undefined) {
      const index = `row${row}`;
      return isOwn(stepAt(shift, timeOf(index)), steps(index));
    }
    if (!guarded) return undefined;
    if (rows === 'step') return shift < 0 ? `${stepAt(shift, 'time')} >= 0` : `${stepAt(shift, 'time')} <= ${last}`;
    const step = `row${row} / ${batch}u`;
    return shift < 0 ? `${step} >= ${-shift}u` : `${step} + ${shift}u <= ${last}u`;
  };
  return {
    lines,
    bases,
    inside: (row) => {
      const both = [inside, reaches(row)].filter((one) => one !== undefined);
      return both.length === 0 ? undefined : both.map((one) => `(${one})`).join(' & ');
    },
  };

  function timeOf(index: string): string {
    return rows === 'step' ? 'time' : `i32(${index} / ${batch}u)`;
  }

  function sequenceOf(index: string): string {
    return rows === 'step' ? index : `(${index} % ${batch}u)`;
  }

  function steps(index: string): string {
    return stepsOf(storage, bindings, sequenceOf(index));
  }

  function rowOf(index: string): string {
    switch (layout) {
      case 'shared':
        return '0u';
      case 'row':
      case 'memory':
        return `${sequenceOf(index)} * ${width}u`;
      case 'sequence': {
        if (own !== undefined) {
          const step = stepAt(shift, timeOf(index));
          const slot = own === 'back' ? `${steps(index)} - 1 - (${step})` : step;
          return `(u32(clamp(${slot}, 0, ${last})) * ${batch}u + ${sequenceOf(index)}) * ${width}u`;
        }
        if (rows === 'all' && !guarded) return `${index} * ${width}u`;
        if (rows === 'all') return `u32(clamp(i32(${index}) + ${shift * batch}, 0, ${(last + 1) * batch - 1})) * ${width}u`;
        const step = guarded ? `clamp(${stepAt(shift, 'time')}, 0, ${last})` : stepAt(shift, 'time');
        return `(u32(${step}) * ${batch}u + ${index}) * ${width}u`;
      }
      case 'chunk':
        throw new Error('a product with a parameter in a section over chunks');
      case 'alternating':
        if (rows === 'all') throw new Error('a pass over all steps cannot read what only two steps have');
        return `(u32((${stepAt(shift, 'time')}) & 1) * ${batch}u + ${index}) * ${width}u`;
    }
  }
}

/** The lane's position, of the indices i0, i1 …, in operands of one view; the expression `turn` says whose it is. */
export function positionLines(
  { windows, extents }: View,
  starts: readonly Start[],
  { prefix, turn: index }: { readonly prefix: string; readonly turn: string },
): { lines: string[]; lead: string; inside: string | undefined } {
  const indices = extents.map((_, axis) => `i${axis}`);
  const lines: string[] = [];
  const conditions: string[] = [];
  for (const [turn, { axis, inner, ...window }] of windows.entries()) {
    const picked = pickSigned(
      starts.map(({ offsets }) => offsets[turn] ?? 0),
      index,
    );
    const [shift, moved, condition] = [`${prefix}shift${turn}`, `${prefix}at${turn}`, `${prefix}inside${turn}`];
    if (typeof picked === 'string') lines.push(`let ${shift} = ${picked};`);
    const offset = typeof picked === 'string' ? shift : picked;
    const { at, inside } = seenThrough(indices[axis] ?? '0u', { ...window, offset, inner });
    lines.push(`let ${moved} = ${at};`, `let ${condition} = ${inside};`);
    indices[axis] = moved;
    conditions.push(condition);
  }
  return { lines, lead: flatten(indices, extents), inside: conditions.length === 0 ? undefined : conditions.join(' & ') };
}

/** Bounds, in `vec4f` of the units summed over, of what counts for the units 4·unit …: blocks that are left out cost nothing. */
export function sumBounds(storage: Storage, { sum, units, range }: Summed, unit: string): { from: string; to: string } {
  const [n, k] = [storage.size(units), storage.size(sum)];
  if (range === undefined) return { from: '0u', to: `${quads(k)}u` };
  const { blocks, bound } = range;
  if (bound === 'from') {
    // The first of the lane's units has the earliest start: ⌈block · k / blocks⌉, down to a whole vec4f.
    return { from: `(4u * ${unit} * ${blocks}u / ${n}u * ${k}u + ${blocks - 1}u) / ${blocks}u / 4u`, to: `${quads(k)}u` };
  }
  const last = `min(4u * ${unit} + 3u, ${n - 1}u) * ${blocks}u / ${n}u`;
  return { from: '0u', to: `min(((${last} + 1u) * ${k}u + ${blocks - 1}u) / ${blocks}u / 4u + 1u, ${quads(k)}u)` };
}

function pickSigned(values: readonly number[], turn: string): number | string {
  const [first] = values;
  if (values.every((value) => value === first)) return first ?? 0;
  return `array<i32, ${values.length}>(${values.map((value) => `${value}`).join(', ')})[${turn}]`;
}
