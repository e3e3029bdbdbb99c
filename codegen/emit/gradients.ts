/** Kernels of the parameters' gradients. */
import type { GraphBuilder } from '../ir/builder.js';
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { printBody } from './body.js';
import { assemble, byGroup, type Emitted, indexed, lanesFor, rolled } from './kernel.js';

type PassOf<K extends Pass['kind']> = Extract<Pass, { kind: K }>;

/** Rows summed in one go before they join the total. */
const BLOCK = 256;
const LANE = ['x', 'y', 'z', 'w'];

/** dW = Σ left · rightᵀ: a lane holds eight (or four) rows by four columns; z is the parameter. */
export function emitOuter(storage: Storage, target: Target, pass: PassOf<'outer'>): Emitted {
  const bindings = new Bindings();
  const rows = storage.size('T') * storage.size('B');
  const stride = quads(storage.size(pass.rowsDim));
  const width = quads(storage.size(pass.columnsDim));
  const lanes = lanesFor(target, width);
  const quadsPerTile = stride % 2 === 0 ? 2 : 1;
  const batch = storage.size('B');
  const count = pass.products[0]?.terms.length ?? 0;
  const start = (side: 'left' | 'right', index: number) =>
    byGroup(
      pass.products.map(({ terms }) => {
        const access = terms[index]?.[side];
        if (!access) throw new Error(`product without term ${index}`);
        const unitsWide = quads(storage.size(access.place.dim ?? ''));
        return access.place.base + access.shift * batch * unitsWide;
      }),
    );
  const terms = [...Array(count).keys()].map((index) => {
    const term = pass.products[0]?.terms[index];
    if (!term) throw new Error(`product without term ${index}`);
    const left = bindings.read(term.left.place.buffer);
    return {
      leftBase: start('left', index),
      rightBase: start('right', index),
      rightBuffer: bindings.read(term.right.place.buffer),
      lefts: [...Array(quadsPerTile).keys()].map((i) => ({ index: i, buffer: left, stride })),
      rows,
      block: BLOCK,
      width,
      opaque: rolled(target),
      accumulators: accumulators(),
    };
  });
  function accumulators(): { index: number; quad: number; lane: string; offset: number; toBuffer: string }[] {
    const toBuffer = pass.products[0]?.to.buffer ?? '';
    return [...Array(4 * quadsPerTile).keys()].map((index) => ({
      index,
      quad: Math.floor(index / 4),
      lane: LANE[index % 4] ?? 'x',
      offset: index * width,
      toBuffer,
    }));
  }
  for (const { to } of pass.products) bindings.write(to.buffer);
  const kernel = assemble('outer', pass, target, bindings, [], {
    comment: `gradients of ${pass.products.map(({ param }) => param).join(', ')} over ${rows} rows`,
    lanes,
    quadsPerTile,
    width,
    accumulators: accumulators(),
    terms,
    toBase: byGroup(pass.products.map(({ to }) => to.base)),
    rowStride: 4 * width,
  });
  const [n, k] = [storage.size(pass.rowsDim), storage.size(pass.columnsDim)];
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), stride / quadsPerTile, pass.products.length],
    cost: {
      bytesRead: 4 * pass.products.length * count * rows * (n + k),
      bytesWritten: 4 * pass.products.length * n * k,
      flops: 2 * pass.products.length * count * rows * n * k,
    },
  };
}

/** Sums of per-unit values over a chunk of rows. */
export function emitReduce(builder: GraphBuilder, storage: Storage, target: Target, pass: PassOf<'reduce'>): Emitted {
  const bindings = new Bindings();
  const rows = storage.size('T') * storage.size('B');
  const width = quads(storage.size(pass.phase.dim));
  const lanes = lanesFor(target, width);
  const { stores } = pass.phase;
  const body = printBody(builder, storage, pass.phase, bindings, (store, value) => `sum${stores.indexOf(store)} += ${value};`);
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
      bytesRead: 16 * pass.phase.loads.size * rows * width,
      bytesWritten: 16 * stores.length * pass.chunks * width,
      flops: rows * storage.size(pass.phase.dim) * (body.flops + stores.length),
    },
  };
}

/** Adds the chunks' sums, in order. */
export function emitGather(storage: Storage, target: Target, pass: PassOf<'gather'>): Emitted {
  const bindings = new Bindings();
  const width = pass.dim === undefined ? 1 : quads(storage.size(pass.dim));
  const lanes = lanesFor(target, width);
  const sums = pass.sums.map(({ partials, to }) => ({
    buffer: bindings.write(to.buffer),
    base: to.base,
    // A scalar's partial sums are over units still.
    result: pass.dim === undefined ? 'vec4f(sum.x + sum.y + sum.z + sum.w, 0, 0, 0)' : 'sum',
    partials: partials.map((partial) => ({
      buffer: bindings.read(partial.buffer),
      base: partial.base,
      count: pass.dim === undefined ? pass.chunks * quads(storage.size(partial.dim ?? '')) : pass.chunks,
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
