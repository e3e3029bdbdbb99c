/**
 * A phase: every lane holds a register tile of some rows by four units for each contraction, and runs down the
 * contracted units. Rows depend on the workgroup alone, so their loads are uniform and broadcast; weights lie side by
 * side for neighbouring lanes. Then each row's per-unit part runs on the sums.
 */
import type { GraphBuilder } from '../ir/builder.js';
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import type { PhaseTerm } from '../schedule/phases.js';
import type { Access } from '../schedule/places.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { address, name, printBody } from './body.js';
import { assemble, type Emitted, lanesFor } from './kernel.js';

/** Accumulators of `vec4f` that a lane holds at most: beyond, they spill. */
const ACCUMULATORS = 16;
const ROWS = 8;

type PhasePass = Extract<Pass, { kind: 'phase' }>;

export function emitPhase(builder: GraphBuilder, storage: Storage, target: Target, pass: PhasePass): Emitted {
  const { phase } = pass;
  const bindings = new Bindings();
  const width = quads(storage.size(phase.dim));
  const batch = storage.size('B');
  const rows = pass.rows === 'step' ? batch : batch * storage.size('T');
  const lanes = lanesFor(target, width);
  const tile = tileRows(phase.contractions.length, rows);
  const perRow = [...Array(tile).keys()];
  const tiles = Math.ceil(rows / tile);
  const gridY = Math.min(tiles, target.maxWorkgroupsPerDimension);

  const body = printBody(builder, storage, phase, bindings, ({ place, shift }, value) => {
    return `${bindings.write(place.buffer)}[${address(storage, place, shift)}] = ${value};`;
  });
  const groups = operandGroups(phase.contractions).map(contraction);
  const arguments_ = (row: number) => phase.contractions.map(({ id }) => `, ${name(id)}_${row}`).join('');
  const position = (row: number) =>
    pass.rows === 'step' ? `time, row${row}` : `i32(row${row} / ${batch}u), row${row} % ${batch}u`;
  const kernel = assemble('phase', pass, bindings, body.calls, {
    comment: `${phase.contractions.length} contractions, ${phase.stores.length} stores, ${rows} rows of ${storage.size(phase.dim)} units`,
    accumulators: phase.contractions.map(({ id }) => ({ name: name(id) })),
    lines: body.lines,
    lanes,
    gridY,
    tile,
    width,
    rows,
    tileRows: perRow.map((row) => ({ row, index: row === 0 ? 'first' : rows % tile === 0 ? `first + ${row}u` : `min(first + ${row}u, ${rows - 1}u)` })),
    accumulatorRows: phase.contractions.flatMap(({ id }) => perRow.map((row) => ({ name: `${name(id)}_${row}` }))),
    groups,
    calls: perRow.map((row) => {
      const call = `finish(${position(row)}, col${arguments_(row)});`;
      return { text: row === 0 || rows % tile === 0 ? call : `if (first + ${row}u < ${rows}u) { ${call} }` };
    }),
  });
  const terms = phase.contractions.flatMap((contraction) => contraction.terms);
  const sums = terms.map((term) => storage.matrix(term.matrix, term.transposed).sum);
  const words = sums.reduce((total, sum) => total + 4 * quads(storage.size(sum)) * (4 * width + rows), 0);
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), gridY, Math.ceil(tiles / gridY)],
    cost: {
      bytesRead: 4 * (words + phase.loads.size * rows * width * 4),
      bytesWritten: 16 * phase.stores.length * rows * width,
      flops: rows * storage.size(phase.dim) * (body.flops + sums.reduce((total, sum) => total + 2 * storage.size(sum), 0)),
    },
  };

  function contraction({ operand, members }: OperandGroup): object {
    const buffer = bindings.read(operand.place.buffer);
    const depth = quads(storage.size(operand.place.dim ?? ''));
    return {
      comment: `over ${storage.size(operand.place.dim ?? '')} units`,
      quads: depth,
      bases: perRow.map((row) => ({ row, text: rowStart(operand, depth, row) })),
      loads: perRow.map((row) => ({ row, text: `${buffer}[base${row} + k]` })),
      weights: members.map(({ id, term }) => {
        const matrix = storage.matrix(term.matrix, term.transposed);
        return {
          buffer: bindings.read(matrix.place.buffer),
          base: matrix.place.base,
          stride: 4 * width,
          row1: width,
          row2: 2 * width,
          row3: 3 * width,
          updates: perRow.map((row) => ({ row, accumulator: `${name(id)}_${row}` })),
        };
      }),
    };
  }

  function rowStart({ place, shift }: Access, depth: number, row: number): string {
    const index = `row${row}`;
    if (place.layout === 'row') return `${place.base}u + ${pass.rows === 'step' ? index : `(${index} % ${batch}u)`} * ${depth}u`;
    if (place.layout === 'sequence' && pass.rows === 'all') return `${place.base + shift * batch * depth}u + ${index} * ${depth}u`;
    if (place.layout === 'sequence') return `${place.base}u + (u32(time + ${shift}) * ${batch}u + ${index}) * ${depth}u`;
    if (place.layout === 'alternating' && pass.rows === 'step') {
      return `${place.base}u + (u32((time + ${shift}) & 1) * ${batch}u + ${index}) * ${depth}u`;
    }
    throw new Error(`a contraction cannot read a ${place.layout}`);
  }
}

/** As many rows as the registers hold. */
function tileRows(contractions: number, rows: number): number {
  const fitting = contractions === 0 ? ROWS : Math.max(1, Math.min(ROWS, Math.floor(ACCUMULATORS / contractions)));
  let tile = 1;
  while (tile * 2 <= fitting && tile * 2 <= rows) tile *= 2;
  return tile;
}

interface OperandGroup {
  readonly operand: Access;
  readonly members: { readonly id: number; readonly term: PhaseTerm }[];
}

/** Contractions of one operand share its loads. */
function operandGroups(contractions: PhasePass['phase']['contractions']): OperandGroup[] {
  const groups = new Map<string, OperandGroup>();
  for (const { id, terms } of contractions) {
    for (const term of terms) {
      const { place, shift } = term.operand;
      const key = `${place.buffer} ${place.base} ${shift}`;
      const group = groups.get(key) ?? { operand: term.operand, members: [] };
      groups.set(key, group);
      group.members.push({ id, term });
    }
  }
  return [...groups.values()];
}
