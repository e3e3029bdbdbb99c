/** Lays out, once a run, the matrices that are read by rows of the contracted dim. */
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { assemble, type Emitted, lanesFor } from './kernel.js';

export function emitTranspose(storage: Storage, target: Target, pass: Extract<Pass, { kind: 'transpose' }>): Emitted {
  const bindings = new Bindings();
  const shapes = pass.matrices.map((matrix) => ({
    ...matrix,
    n: quads(storage.size(matrix.rows)),
    k: quads(storage.size(matrix.columns)),
  }));
  const widest = Math.max(...shapes.map(({ n }) => n));
  const lanes = lanesFor(target, widest);
  const matrices = shapes.map(({ from, to, n, k }, index) => ({
    index,
    rows: n,
    rows2: 2 * n,
    rows3: 3 * n,
    columns: k,
    columns2: 2 * k,
    columns3: 3 * k,
    from: bindings.read(from.buffer),
    fromBase: from.base,
    fromStride: 4 * k,
    to: bindings.write(to.buffer),
    toBase: to.base,
    toStride: 4 * n,
  }));
  const bytes = shapes.reduce((total, { n, k }) => total + 64 * n * k, 0);
  return {
    kernel: assemble('transpose', pass, bindings, [], { comment: `${matrices.length} matrices`, lanes, matrices }),
    workgroups: [Math.ceil(widest / lanes), Math.max(...shapes.map(({ k }) => k)), matrices.length],
    cost: { bytesRead: bytes, bytesWritten: bytes, flops: 0 },
  };
}
