/** Entries of a matrix that are left out, by their place (block triangles) or at random: the same in forward and backward. */

import type { MatrixRef } from '../ir/graph.js';
import type { WgslFunction } from '../ops/wgsl/index.js';
import { quads } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import type { Bindings } from './bindings.js';
import { literal } from './values/texts.js';

export interface Entries {
  readonly setup: readonly string[];
  readonly calls: readonly WgslFunction[];
  /** Four neighbouring entries of a row, at columns 4·quad …, as they count; `row` and `quad` are `u32` expressions. */
  readonly apply: (value: string, row: string, quad: string) => string;
}

/** `undefined` for matrices that are whole; `head` is an expression for which of a block-diagonal matrix's heads it is. */
export function entriesLeft(storage: Storage, matrix: MatrixRef | undefined, bindings: Bindings, head: string): Entries {
  if (matrix === undefined) return { setup: [], calls: [], apply: (value) => value };
  const { triangle, drop } = matrix;
  const { heads, rows, columns } = storage.matrices.parts(matrix);
  const [n, k] = [storage.size(rows), storage.size(columns)];
  const inTriangle = (value: string, row: string, quad: string): string => {
    if (triangle === undefined) return value;
    const { blocks, side } = triangle;
    const column = `((vec4u(4u * (${quad})) + vec4u(0, 1, 2, 3)) * ${blocks}u / ${k}u)`;
    const counts = `${column} ${side === 'upper' ? '>=' : '<='} vec4u((${row}) * ${blocks}u / ${n}u)`;
    return `select(vec4f(0), ${value}, ${counts})`;
  };
  if (drop === undefined) return { setup: [], calls: [], apply: inTriangle };
  const { rate, site } = drop;
  const place = typeof rate === 'number' ? undefined : storage.param(rate.param);
  const text = place === undefined ? literal(Number(rate)) : `${bindings.read(place.buffer)}[${place.base}u].x`;
  const skipped = (matrix.slice?.index ?? 0) * heads;
  return {
    setup: [`let rate = ${text};`, `let seed = ${bindings.lengths()}[${storage.shared.seedAt}u];`],
    calls: ['rc_uniform'],
    apply: (value, row, quad) => {
      const index = `((${skipped}u + ${head}) * ${n}u + ${row}) * ${quads(k)}u + ${quad}`;
      const drawn = `rc_uniform(vec4u(${index}, 0xffffffffu, 0xffffffffu, 0u), vec2u(seed, ${site}u))`;
      return inTriangle(`select(vec4f(0), ${value} / (1.0 - rate), ${drawn} >= vec4f(rate))`, row, quad);
    },
  };
}
