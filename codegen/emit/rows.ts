/**
 * Values whose rows are found one after the other, four columns a lane: the products of decays between any two steps, and the solution
 * of a triangular system. The entries of its matrix on the diagonal and above are zeros where it was made, and meet rows that are still
 * zero, or that are done with.
 */
import { isSolve } from '../ir/graph.js';
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { type Access, widthOf } from '../schedule/places.js';
import { Bindings, stepsOf } from './bindings.js';
import { assemble, type Emitted, lanesFor } from './kernel.js';
import { indexLines, lastIndex } from './values/indices.js';
import { addressOf, quadSpot, type Spot, unitSpot } from './values/spots.js';

export function emitRows({ storage, builder }: Section, target: Target, { name, phase, rows: over }: PhasePass): Emitted {
  const { rows: found, shape, stores } = phase;
  const [store] = stores;
  if (found === undefined || store === undefined || stores.length > 1) throw new Error(`${name} finds no rows alone`);
  const node = builder.node(found.node);
  const bindings = new Bindings();
  const batch = storage.size('B');
  const turns = batch * (over === 'all' ? storage.steps : 1);
  const extents = storage.extents(shape);
  const [count = 1, quads = 1] = extents.slice(-2);
  const lead = extents.slice(0, -2);
  const width = widthOf({ extents: lead }) * quads;
  const lanes = lanesFor(target, width);
  const gridY = Math.min(turns, target.maxWorkgroupsPerDimension);
  const indices = lead.map((_, axis) => `i${axis}`);
  const column = lastIndex(lead.length + 1);
  const row = quadSpot([...indices, 'i'], column);
  const read = (access: Access | undefined, spot: Spot): string => {
    if (access === undefined) throw new Error(`${name} lacks an argument`);
    return `${bindings.read(access.place.buffer)}[${addressOf(storage, access, spot)}]`;
  };
  const [first, second] = found.args;
  const text = isSolve(node)
    ? {
        [node.transposed ? 'transposed' : 'forward']: true,
        right: read(second, row),
        entries: read(first, quadSpot([...indices, 'i'], 'quad')),
      }
    : { decays: true, factor: `vec4f(${read(first, unitSpot(indices, 'i'))}[i % 4u])` };
  const kernel = assemble('rows', { name, sees: over === 'step' ? 'step' : 'nothing' }, target, bindings, [], {
    decays: false,
    forward: false,
    transposed: false,
    ...text,
    comment: `${count} rows of ${storage.elements(shape.slice(-1))} columns, ${turns} of them`,
    lanes,
    gridY,
    column,
    guard: [width % lanes === 0 ? [] : `col >= ${width}u`, turns % gridY === 0 ? [] : `row >= ${turns}u`].flat().join(' || '),
    setup: [
      ...(over === 'step' ? ['let t = time;', 'let b = row;'] : [`let t = i32(row / ${batch}u);`, `let b = row % ${batch}u;`]),
      `let within = t < ${stepsOf(storage, bindings, 'b')};`,
      ...indexLines([...shape.slice(0, -2), ...shape.slice(-1)], storage),
    ].map((line) => ({ text: line })),
    rows: count,
    result: `${bindings.write(store.place.buffer)}[${addressOf(storage, { ...store, guarded: false }, row)}]`,
  });
  const cells = turns * width * count;
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), gridY, Math.ceil(turns / gridY)],
    ...(over === 'all' ? { rowsPerWorkgroup: 1 } : {}),
    cost: {
      bytesRead: 16 * cells * (isSolve(node) ? 1 + count / 8 : 1),
      bytesWritten: 16 * cells,
      flops: 4 * cells * (isSolve(node) ? count : 1),
    },
  };
}
