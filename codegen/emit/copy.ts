/** Copies of matrices, made once a run: transposed ones for products by rows, and ones with entries left out; z is the matrix. */
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import { quads, type Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { type Entries, entriesLeft } from './entries.js';
import { assemble, byGroup, type Emitted, lanesFor } from './kernel.js';

export function emitCopy(storage: Storage, target: Target, pass: Extract<Pass, { kind: 'copy' }>): Emitted {
  const bindings = new Bindings();
  const shapes = pass.copies.flatMap((copy) => {
    const [n, k] = [quads(storage.size(copy.rows)), quads(storage.size(copy.columns))];
    return Array.from({ length: copy.heads }, (_, head) => ({ copy, head, n, k, skipped: head * 4 * n * k }));
  });
  const [first] = pass.copies;
  if (!first) throw new Error('a copy pass without copies');
  const widest = Math.max(...shapes.map(({ n }) => n));
  const lanes = lanesFor(target, widest);
  const from = bindings.read(first.from.buffer);
  const to = bindings.write(first.to.buffer);
  const entries: Entries = entriesLeft(storage, first.matrix, bindings, 'group.z');
  const data = {
    comment: `${shapes.length} matrices, ${first.form}`,
    lanes,
    from,
    to,
    rows: byGroup(shapes.map(({ n }) => n)),
    columns: byGroup(shapes.map(({ k }) => k)),
    fromBase: byGroup(shapes.map(({ copy, skipped }) => copy.from.base + copy.skipped + skipped)),
    toBase: byGroup(shapes.map(({ copy, skipped }) => copy.to.base + skipped)),
    transposed: first.form === 'transposed',
    setup: entries.setup.map((text) => ({ text })),
    tile: ['a', 'b', 'c', 'd'].map((value, row) => {
      const source = row === 0 ? `${from}[source]` : `${from}[source + ${row === 1 ? '' : `${row}u * `}columns]`;
      return { value, text: entries.apply(source, `4u * n + ${row}u`, 'k') };
    }),
  };
  const bytes = shapes.reduce((total, { n, k }) => total + 64 * n * k, 0);
  return {
    kernel: assemble('copy', pass, target, bindings, entries.calls, data),
    workgroups: [Math.ceil(widest / lanes), Math.max(...shapes.map(({ k }) => k)), shapes.length],
    cost: { bytesRead: bytes, bytesWritten: bytes, flops: 0 },
  };
}
