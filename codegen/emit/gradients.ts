/** Kernels of the parameters' gradients. */
import type { GraphBuilder } from '../ir/builder.js';
import type { Shape } from '../ir/graph.js';
import type { Target } from '../plan.js';
import type { OuterTerm, Pass } from '../schedule/passes.js';
import { widthOf } from '../schedule/places.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { printBody } from './body.js';
import { entriesLeft } from './entries.js';
import { assemble, byGroup, type Emitted, indexed, lanesFor, rolled } from './kernel.js';
import { positionLines } from './operands.js';
import { plus } from './spots.js';

type PassOf<K extends Pass['kind']> = Extract<Pass, { kind: K }>;

/** Rows summed in one go before they join the total. */
const BLOCK = 256;
const LANE = ['x', 'y', 'z', 'w'];

/** dW = Σ left · rightᵀ: a lane holds eight (or four) rows by four columns; z is the parameter. */
export function emitOuter(storage: Storage, target: Target, pass: PassOf<'outer'>): Emitted {
  const bindings = new Bindings();
  const stride = quads(storage.size(pass.rowsDim));
  const width = quads(storage.size(pass.columnsDim));
  const lanes = lanesFor(target, width);
  const quadsPerTile = stride % 2 === 0 ? 2 : 1;
  const [first] = pass.products;
  if (!first) throw new Error('an outer pass without products');
  const rowsOf = ({ positions }: OuterTerm) => storage.size('T') * storage.size('B') * storage.elements(positions);
  const rows = first.terms.reduce((sum, term) => sum + rowsOf(term), 0);
  const opaque = rolled(target);
  const accumulators = [...Array(4 * quadsPerTile).keys()].map((index) => ({
    index,
    quad: Math.floor(index / 4),
    lane: LANE[index % 4] ?? 'x',
  }));
  const terms = first.terms.map((term, index) => {
    const left = factorRows(storage, pass, index, 'left');
    const right = factorRows(storage, pass, index, 'right');
    const buffer = bindings.read(term.left.access.place.buffer);
    const inside = [left.inside, right.inside]
      .filter((one) => one !== undefined)
      .map((one) => `(${one})`)
      .join(' & ');
    const load = `${bindings.read(term.right.access.place.buffer)}[${right.base} + ${right.row} + col]`;
    return {
      rows: rowsOf(term),
      block: BLOCK,
      opaque,
      lines: [...positionIndices(storage, term.positions), ...left.lines, ...right.lines].map((text) => ({ text })),
      right: inside === '' ? load : `select(vec4f(0), ${load}, ${inside})`,
      lefts: [...Array(quadsPerTile).keys()].map((i) => ({
        index: i,
        text: `${buffer}[${left.base} + ${left.row} + quad + ${i}u]`,
      })),
      accumulators,
    };
  });
  const toBuffer = bindings.write(first.to.buffer);
  const entries = entriesLeft(storage, first.matrix, bindings, 'group.z');
  const kernel = assemble('outer', pass, target, bindings, entries.calls, {
    comment: `gradients of ${[...new Set(pass.products.map(({ matrix }) => matrix.param))].join(', ')} over ${rows} rows`,
    lanes,
    quadsPerTile,
    width,
    setup: entries.setup.map((text) => ({ text })),
    accumulators: accumulators.map(({ index }) => ({
      index,
      text: `${toBuffer}[to + ${index * width}u] = ${entries.apply(`total${index}`, `4u * quad + ${index}u`, 'col')};`,
    })),
    terms,
    toBase: byGroup(pass.products.map(({ to }) => to.base)),
    rowStride: 4 * width,
  });
  const [n, k] = [storage.size(pass.rowsDim), storage.size(pass.columnsDim)];
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), stride / quadsPerTile, pass.products.length],
    cost: {
      bytesRead: 4 * pass.products.length * rows * (n + k),
      bytesWritten: 4 * pass.products.length * n * k,
      flops: 2 * pass.products.length * rows * n * k,
    },
  };
}

/** The indices i0, i1 … of a row's position, and r, the row of the sequence and step. */
function positionIndices(storage: Storage, positions: Shape): string[] {
  const count = storage.elements(positions);
  if (positions.length === 0) return [];
  const lines = [`let r = row / ${count}u;`];
  let rest = `row % ${count}u`;
  for (let axis = positions.length - 1; axis >= 0; axis--) {
    const size = storage.size(positions[axis] ?? '');
    lines.push(`let i${axis} = (${rest}) % ${size}u;`);
    rest = `(${rest}) / ${size}u`;
  }
  return lines;
}

/** Where one factor of a term lies: its start, which depends on the product z, and a row's place behind it. */
function factorRows(storage: Storage, pass: PassOf<'outer'>, index: number, side: 'left' | 'right') {
  const batch = storage.size('B');
  const operands = pass.products.map(({ terms }) => {
    const term = terms[index];
    if (!term) throw new Error(`product without term ${index}`);
    return { ...term[side], positions: term.positions };
  });
  const [operand] = operands;
  if (!operand) throw new Error('an outer pass without products');
  const { place, shift, guarded } = operand.access;
  const width = widthOf(place);
  const depth = place.extents.at(-1) ?? 1;
  const heads = (pass.products[0]?.heads ?? 1) > 1;
  const fixed = place.layout === 'sequence' && !guarded ? shift * batch * width : 0;
  const base = byGroup(
    operands.map(({ access }, turn) => access.place.base + fixed + (heads ? (pass.products[turn]?.head ?? 0) * depth : 0)),
  );
  const row = operand.positions.length === 0 ? 'row' : 'r';
  const last = storage.size('T') - 1;
  const slot = guarded ? `u32(clamp(i32(${row}) + ${shift * batch}, 0, ${(last + 1) * batch - 1}))` : row;
  // A head is in the base already: in the row it counts as the first.
  const shape = heads ? [...operand.shape.slice(0, -2), operand.shape.at(-1) ?? ''] : operand.shape;
  const alike = operands.map((one) => ({ ...one, shape }));
  const { lines, lead, inside } = positionLines(storage, alike, { prefix: side, turn: 'group.z' });
  const outer = heads ? `${lead} * ${(place.extents.at(-2) ?? 1) * depth}u` : `${lead} * ${depth}u`;
  const rowText =
    place.layout === 'shared' ? '0u' : place.layout === 'row' ? `(${slot} % ${batch}u) * ${width}u` : `${slot} * ${width}u`;
  const step = `${row} / ${batch}u`;
  const reaches = !guarded ? undefined : shift < 0 ? `${step} >= ${-shift}u` : `${step} + ${shift}u <= ${last}u`;
  const both = [inside, reaches].filter((one) => one !== undefined);
  return {
    base,
    row: lead === '0u' ? rowText : plus(rowText, outer),
    lines,
    inside: both.length === 0 ? undefined : both.map((one) => `(${one})`).join(' & '),
  };
}

/** Sums of per-unit values over a chunk of rows. */
export function emitReduce(builder: GraphBuilder, storage: Storage, target: Target, pass: PassOf<'reduce'>): Emitted {
  const bindings = new Bindings();
  const rows = storage.size('T') * storage.size('B');
  const { phase } = pass;
  const width = widthOf({ extents: storage.extents(phase.shape) });
  const lanes = lanesFor(target, width);
  const { stores } = phase;
  const opaque = rolled(target);
  const body = printBody({ builder, storage, phase, bindings, opaque }, (store, _address, value) => {
    return `sum${stores.indexOf(store)} += ${value};`;
  });
  const kernel = assemble('reduce', pass, target, bindings, body.calls, {
    comment: `${stores.length} sums over ${rows} rows in ${pass.chunks} chunks`,
    lanes,
    width,
    rows,
    batch: storage.size('B'),
    chunkRows: Math.ceil(rows / pass.chunks),
    lines: body.lines,
    sums: indexed(stores.map(({ place }) => ({ buffer: bindings.write(place.buffer), base: place.base, width }))),
  });
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), pass.chunks, 1],
    cost: {
      bytesRead: 16 * phase.loads.size * rows * width,
      bytesWritten: 16 * stores.length * pass.chunks * width,
      flops: rows * storage.elements(phase.shape) * (body.flops + stores.length),
    },
  };
}

/** Adds the chunks' sums, in order. */
export function emitGather(storage: Storage, target: Target, pass: PassOf<'gather'>): Emitted {
  const bindings = new Bindings();
  const scalar = pass.shape.length === 0;
  const width = widthOf({ extents: storage.extents(pass.shape) });
  const lanes = lanesFor(target, width);
  const sums = pass.sums.map(({ partials, to }) => ({
    buffer: bindings.write(to.buffer),
    base: to.base,
    // A scalar's partial sums are over units still.
    result: scalar ? 'vec4f(sum.x + sum.y + sum.z + sum.w, 0, 0, 0)' : 'sum',
    partials: partials.map((partial) => ({
      buffer: bindings.read(partial.buffer),
      base: partial.base,
      count: scalar ? pass.chunks * widthOf(partial) : pass.chunks,
      stride: width,
      opaque: rolled(target),
    })),
  }));
  const kernel = assemble('gather', pass, target, bindings, [], { comment: `adds ${pass.chunks} chunks`, lanes, width, sums });
  const words = pass.sums.length * pass.chunks * width * 4;
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), 1, 1],
    cost: { bytesRead: 4 * words, bytesWritten: 16 * pass.sums.length * width, flops: words },
  };
}
