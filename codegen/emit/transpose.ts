/** Lays out, once a run, the matrices that are read by rows of the contracted dim; z is the matrix. */
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { assemble, byGroup, type Emitted, lanesFor } from './kernel.js';

export function emitTranspose(storage: Storage, target: Target, pass: Extract<Pass, { kind: 'transpose' }>): Emitted {
  const bindings = new Bindings();
  const shapes = pass.matrices.map((matrix) => ({
    ...matrix,
    n: quads(storage.size(matrix.rows)),
    k: quads(storage.size(matrix.columns)),
  }));
  const widest = Math.max(...shapes.map(({ n }) => n));
  const lanes = lanesFor(target, widest);
  const from = bindings.read(pass.matrices[0]?.from.buffer ?? '');
  const to = bindings.write(pass.matrices[0]?.to.buffer ?? '');
  const data = {
    comment: `${shapes.length} matrices`,
    lanes,
    from,
    to,
    rows: byGroup(shapes.map(({ n }) => n)),
    columns: byGroup(shapes.map(({ k }) => k)),
    fromBase: byGroup(shapes.map((shape) => shape.from.base)),
    toBase: byGroup(shapes.map((shape) => shape.to.base)),
  };
  const bytes = shapes.reduce((total, { n, k }) => total + 64 * n * k, 0);
  return {
    kernel: assemble('transpose', pass, target, bindings, [], data),
    workgroups: [Math.ceil(widest / lanes), Math.max(...shapes.map(({ k }) => k)), shapes.length],
    cost: { bytesRead: bytes, bytesWritten: bytes, flops: 0 },
  };
}
