/** How a kernel's contractions read their operands, and which of them can share a loop. */
import { evaluateAffine } from '../ir/sizes.js';
import type { MatrixPlace } from '../schedule/matrices.js';
import type { Operand } from '../schedule/operands.js';
import type { Rows } from '../schedule/passes.js';
import type { Phase } from '../schedule/phases.js';
import { widthOf } from '../schedule/places.js';
import { quads, type Storage } from '../schedule/storage.js';
import { seenThrough } from './indices.js';
import { flatten, plus, stepAt } from './spots.js';

/** Operands that are read alike and feed the same accumulators: one loop in the kernel serves them all. */
export interface OperandGroup {
  readonly operands: Operand[];
  readonly members: { readonly id: number; readonly matrices: MatrixPlace[] }[];
}

/** Contractions of one operand share its loads; then operands that differ only in where they lie share the code. */
export function operandGroups(contractions: Phase['contractions'], storage: Storage): OperandGroup[] {
  const byOperand = new Map<string, { operand: Operand; members: { id: number; matrix: MatrixPlace }[] }>();
  for (const { id, terms } of contractions) {
    for (const { operand, matrix, transposed } of terms) {
      const { place, shift, guarded } = operand.access;
      const member = { id, matrix: storage.matrix(matrix, transposed) };
      const key = JSON.stringify([place.buffer, place.base, shift, guarded, operand.windows, member.matrix.range]);
      const group = byOperand.get(key) ?? { operand, members: [] };
      byOperand.set(key, group);
      group.members.push(member);
    }
  }
  const alike = new Map<string, OperandGroup>();
  for (const { operand, members } of byOperand.values()) {
    const { place, shift, guarded } = operand.access;
    const views = operand.windows.map(({ axis, stride, dilation, extent }) => [axis, stride, dilation, extent]);
    const matrices = members.map(({ id, matrix }) => [id, matrix.buffer, matrix.sum, matrix.headStride, matrix.range]);
    const key = JSON.stringify([place.buffer, place.layout, place.shape, shift, guarded, views, matrices]);
    const group = alike.get(key) ?? { operands: [], members: members.map(({ id }) => ({ id, matrices: [] })) };
    alike.set(key, group);
    group.operands.push(operand);
    for (const [index, { matrix }] of members.entries()) group.members[index]?.matrices.push(matrix);
  }
  return [...alike.values()];
}

interface OperandLines {
  /** Where the lane's position lies in the operand. */
  readonly lines: readonly string[];
  readonly bases: readonly { readonly row: number; readonly text: string }[];
  /** Whether a row's operand is there; `undefined` where it always is. */
  readonly inside: (row: number) => string | undefined;
}

export function operandLines(storage: Storage, group: OperandGroup, rows: Rows, perRow: readonly number[]): OperandLines {
  const [operand] = group.operands;
  if (!operand) throw new Error('a contraction without operand');
  const { place, shift, guarded } = operand.access;
  const depth = place.extents.at(-1) ?? 1;
  const { lines, lead, inside } = positionLines(storage, group.operands, { prefix: '', turn: 'g' });
  const position = lead === '0u' ? '0u' : `${lead} * ${depth}u`;
  const batch = storage.size('B');
  const last = storage.size('T') - 1;
  const bases = perRow.map((row) => {
    const start = rowOf(`row${row}`);
    return { row, text: plus(pick(group.operands.map((one) => one.access.place.base + fixedShift())), start, position) };
  });
  const reaches = (row: number): string | undefined => {
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

  /** Where all T·B rows are walked at once, an unguarded shift in time is a shift of the start. */
  function fixedShift(): number {
    return place.layout === 'sequence' && rows === 'all' && !guarded ? shift * batch * widthOf(place) : 0;
  }

  function rowOf(index: string): string {
    const width = widthOf(place);
    switch (place.layout) {
      case 'shared':
        return '0u';
      case 'row':
        return `${rows === 'step' ? index : `(${index} % ${batch}u)`} * ${width}u`;
      case 'sequence': {
        if (rows === 'all' && !guarded) return `${index} * ${width}u`;
        if (rows === 'all') return `u32(clamp(i32(${index}) + ${shift * batch}, 0, ${(last + 1) * batch - 1})) * ${width}u`;
        const step = guarded ? `clamp(${stepAt(shift, 'time')}, 0, ${last})` : stepAt(shift, 'time');
        return `(u32(${step}) * ${batch}u + ${index}) * ${width}u`;
      }
      case 'alternating':
        if (rows === 'all') throw new Error('a pass over all steps cannot read what only two steps have');
        return `(u32((${stepAt(shift, 'time')}) & 1) * ${batch}u + ${index}) * ${width}u`;
    }
  }
}

/** The lane's position, of the indices i0, i1 …, in operands that are alike; the expression `turn` says whose it is. */
export function positionLines(
  storage: Storage,
  operands: readonly Operand[],
  { prefix, turn: index }: { readonly prefix: string; readonly turn: string },
): { lines: string[]; lead: string; inside: string | undefined } {
  const [operand] = operands;
  if (!operand) throw new Error('no operand');
  const { place } = operand.access;
  const indices = operand.shape.slice(0, -1).map((_, axis) => `i${axis}`);
  const lines: string[] = [];
  const conditions: string[] = [];
  operand.windows.forEach(({ axis, stride, dilation }, turn) => {
    const offsets = operands.map(({ windows }) => {
      const window = windows[turn];
      if (!window) throw new Error('operands that are read alike have the same windows');
      return evaluateAffine(window.offset, storage.sizes);
    });
    // What the outer window moves has the extent of the next one's result, or of what is in memory.
    const extents = innerExtents(storage, operand);
    const picked = pickSigned(offsets, index);
    const [shift, moved, condition] = [`${prefix}shift${turn}`, `${prefix}at${turn}`, `${prefix}inside${turn}`];
    if (typeof picked === 'string') lines.push(`let ${shift} = ${picked};`);
    const offset = typeof picked === 'string' ? shift : picked;
    const { at, inside } = seenThrough(indices[axis] ?? '0u', { stride, dilation, offset, inner: extents[turn] ?? 1 });
    lines.push(`let ${moved} = ${at};`, `let ${condition} = ${inside};`);
    indices[axis] = moved;
    conditions.push(condition);
  });
  return {
    lines,
    lead: flatten(indices, place.extents),
    inside: conditions.length === 0 ? undefined : conditions.join(' & '),
  };
}

/** The extent, on its axis, of what each window looks at. */
function innerExtents(storage: Storage, { windows, access }: Operand): number[] {
  return windows.map(({ axis }, turn) => {
    const next = windows.slice(turn + 1).find((window) => window.axis === axis);
    const dim = next ? next.extent : access.place.shape[axis];
    return storage.size(dim ?? '');
  });
}

/** Bounds, in `vec4f` of the units summed over, of what counts for the units 4·unit …: blocks that are left out cost nothing. */
export function sumBounds(storage: Storage, { sum, units, range }: MatrixPlace, unit: string): { from: string; to: string } {
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

/** One of these numbers, by the operand's turn g. */
export function pick(values: readonly number[]): string {
  const [first] = values;
  if (values.every((value) => value === first)) return `${first}u`;
  return `array<u32, ${values.length}>(${values.map((value) => `${value}u`).join(', ')})[g]`;
}

function pickSigned(values: readonly number[], turn: string): number | string {
  const [first] = values;
  if (values.every((value) => value === first)) return first ?? 0;
  return `array<i32, ${values.length}>(${values.map((value) => `${value}`).join(', ')})[${turn}]`;
}
