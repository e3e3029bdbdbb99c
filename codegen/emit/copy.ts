/** Copies of matrices, made once a run: transposed ones for products by rows, and ones with entries left out; z is the matrix. */
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import type { Storage } from '../schedule/storage.js';
import { Bindings } from './bindings.js';
import { entriesLeft } from './entries.js';
import { assemble, byGroup, type Emitted, lanesFor } from './kernel.js';

export function emitCopy(storage: Storage, target: Target, pass: Extract<Pass, { kind: 'copy' }>): Emitted {
  const bindings = new Bindings();
  const { common, members } = pass.copies;
  const widest = Math.max(...members.map(({ rows }) => rows));
  const lanes = lanesFor(target, widest);
  const from = bindings.read(common.from);
  const to = bindings.write(common.to);
  const entries = entriesLeft(storage, common.partial, bindings, byGroup(members.map(({ head }) => head)));
  const data = {
    comment: `${members.length} matrices, ${common.form}`,
    lanes,
    from,
    to,
    rows: byGroup(members.map(({ rows }) => rows)),
    columns: byGroup(members.map(({ columns }) => columns)),
    fromBase: byGroup(members.map((copy) => copy.from)),
    toBase: byGroup(members.map((copy) => copy.to)),
    transposed: common.form === 'transposed',
    setup: entries.setup.map((text) => ({ text })),
    tile: ['a', 'b', 'c', 'd'].map((value, row) => {
      const source = row === 0 ? `${from}[source]` : `${from}[source + ${row === 1 ? '' : `${row}u * `}columns]`;
      return { value, text: entries.apply(source, `4u * n + ${row}u`, 'k') };
    }),
  };
  const bytes = members.reduce((total, { rows, columns }) => total + 64 * rows * columns, 0);
  return {
    kernel: assemble('copy', { name: pass.name, sees: 'nothing' }, target, bindings, entries.calls, data),
    workgroups: [Math.ceil(widest / lanes), Math.max(...members.map(({ columns }) => columns)), members.length],
    cost: { bytesRead: bytes, bytesWritten: bytes, flops: 0 },
  };
}
