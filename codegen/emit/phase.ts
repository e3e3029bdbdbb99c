/**
 * A phase: every lane holds a register tile of some rows by four units for each contraction, and runs down the
 * contracted units. Rows depend on the workgroup alone, so their loads are uniform and broadcast; weights lie side by
 * side for neighbouring lanes. Then each row's per-unit part runs on the sums.
 */
import type { GraphBuilder } from '../ir/builder.js';
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import type { Access, Place } from '../schedule/places.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { address, name, printBody } from './body.js';
import { assemble, type Emitted, lanesFor, rolled } from './kernel.js';

/** Accumulators of `vec4f` that a lane holds at most: beyond, they spill. */
const ACCUMULATORS = 32;
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
  const groups = operandGroups(phase.contractions, storage).map(contraction);
  const contractions = phase.contractions.length;
  const passed = phase.contractions.map((_, index) => `, sums[i * ${contractions}u + ${index}u]`).join('');
  const position = pass.rows === 'step' ? 'time, row' : `i32(row / ${batch}u), row % ${batch}u`;
  const call = `finish(${position}, col${passed});`;
  const kernel = assemble('phase', pass, target, bindings, body.calls, {
    comment: `${contractions} contractions, ${phase.stores.length} stores, ${rows} rows of ${storage.size(phase.dim)} units`,
    accumulators: phase.contractions.map(({ id }) => ({ name: name(id) })),
    lines: body.lines,
    lanes,
    gridY,
    tile,
    width,
    rows,
    tileRows: perRow.map((row) => ({
      row,
      index: row === 0 ? 'first' : rows % tile === 0 ? `first + ${row}u` : `min(first + ${row}u, ${rows - 1}u)`,
    })),
    accumulatorRows: phase.contractions.flatMap(({ id }, index) =>
      perRow.map((row) => ({ name: `${name(id)}_${row}`, slot: row * contractions + index })),
    ),
    groups,
    sums: contractions * tile,
    call: rows % tile === 0 ? call : `if (row < ${rows}u) { ${call} }`,
    // Checks only where lanes or rows are left over: after a divergent return software adapters mask every access.
    guard: [width % lanes === 0 ? [] : `col >= ${width}u`, tiles % gridY === 0 ? [] : `first >= ${rows}u`].flat().join(' || '),
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

  function contraction({ operands, members }: OperandGroup): object {
    const [operand] = operands;
    if (!operand) throw new Error('a contraction without operand');
    const buffer = bindings.read(operand.place.buffer);
    const depth = quads(storage.size(operand.place.dim ?? ''));
    return {
      comment: `${operands.length} × ${storage.size(operand.place.dim ?? '')} units`,
      operands: operands.length,
      quads: depth,
      opaque: rolled(target),
      bases: perRow.map((row) => ({
        row,
        text: `${pick(operands.map(({ place, shift }) => place.base + fixedShift(place, shift, depth)))} + ${rowStart(operand, depth, row)}`,
      })),
      loads: perRow.map((row) => ({ row, text: `${buffer}[base${row} + k]` })),
      weights: members.map(({ id, places }) => {
        return {
          buffer: bindings.read(places[0]?.buffer ?? ''),
          base: pick(places.map(({ base }) => base)),
          stride: 4 * width,
          row1: width,
          row2: 2 * width,
          row3: 3 * width,
          updates: perRow.map((row) => ({ row, accumulator: `${name(id)}_${row}` })),
        };
      }),
    };
  }

  /** Where all T·B rows are walked at once, a shift in time is a shift of the start. */
  function fixedShift(place: Place, shift: 0 | 1, depth: number): number {
    return place.layout === 'sequence' && pass.rows === 'all' ? shift * batch * depth : 0;
  }

  function rowStart({ place, shift }: Access, depth: number, row: number): string {
    const index = `row${row}`;
    if (place.layout === 'row') return `${pass.rows === 'step' ? index : `(${index} % ${batch}u)`} * ${depth}u`;
    if (place.layout === 'sequence' && pass.rows === 'all') return `${index} * ${depth}u`;
    if (place.layout === 'sequence') return `(u32(time + ${shift}) * ${batch}u + ${index}) * ${depth}u`;
    if (place.layout === 'alternating' && pass.rows === 'step')
      return `(u32((time + ${shift}) & 1) * ${batch}u + ${index}) * ${depth}u`;
    throw new Error(`a contraction cannot read a ${place.layout}`);
  }
}

/** One of these numbers, by the operand's turn g. */
function pick(values: readonly number[]): string {
  const [first] = values;
  if (values.every((value) => value === first)) return `${first}u`;
  return `array<u32, ${values.length}>(${values.map((value) => `${value}u`).join(', ')})[g]`;
}

/** As many rows as the registers hold. */
function tileRows(contractions: number, rows: number): number {
  const fitting = contractions === 0 ? ROWS : Math.max(1, Math.min(ROWS, Math.floor(ACCUMULATORS / contractions)));
  let tile = 1;
  while (tile * 2 <= fitting && tile * 2 <= rows) tile *= 2;
  return tile;
}

/** Operands that are read alike and feed the same accumulators: one loop in the kernel serves them all. */
interface OperandGroup {
  readonly operands: Access[];
  readonly members: { readonly id: number; readonly places: Place[] }[];
}

/** Contractions of one operand share its loads; then operands that differ only in where they lie share the code. */
function operandGroups(contractions: PhasePass['phase']['contractions'], storage: Storage): OperandGroup[] {
  const byOperand = new Map<string, { operand: Access; members: { id: number; place: Place }[] }>();
  for (const { id, terms } of contractions) {
    for (const { operand, matrix, transposed } of terms) {
      const { place, shift } = operand;
      const key = `${place.buffer} ${place.base} ${shift}`;
      const group = byOperand.get(key) ?? { operand, members: [] };
      byOperand.set(key, group);
      group.members.push({ id, place: storage.matrix(matrix, transposed).place });
    }
  }
  const alike = new Map<string, OperandGroup>();
  for (const { operand, members } of byOperand.values()) {
    const { buffer, layout, dim } = operand.place;
    const key = JSON.stringify([buffer, layout, dim, operand.shift, members.map(({ id, place }) => [id, place.buffer])]);
    const group = alike.get(key) ?? { operands: [], members: members.map(({ id }) => ({ id, places: [] })) };
    alike.set(key, group);
    group.operands.push(operand);
    for (const [index, { place }] of members.entries()) group.members[index]?.places.push(place);
  }
  return [...alike.values()];
}
