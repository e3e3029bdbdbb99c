/**
 * Sums over the steps of a sequence. A lane holds some positions of the outermost axis by four units, and walks the steps: what all
 * of these positions read is loaded once, and what they read each for itself is the same for all lanes of the workgroup.
 */
import type { GraphBuilder } from '../ir/builder.js';
import type { Target } from '../plan.js';
import type { Pass } from '../schedule/passes.js';
import { accessTo } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import { Bindings, stepsOf } from './bindings.js';
import { printValues, type Values } from './body.js';
import { summing } from './handing.js';
import { assemble, checkSize, type Emitted, indexed, lanesFor } from './kernel.js';
import { lastIndex } from './values/indices.js';
import { addressOf, NOWHERE, quadSpot, type Spot } from './values/spots.js';
import { liveUnits } from './values/texts.js';

/** Accumulators of `vec4f` that a lane holds at most, two for each sum. */
const ACCUMULATORS = 32;
const POSITIONS = 8;
/** Steps summed in one go before they join the total. */
const BLOCK = 256;

type AccruePass = Extract<Pass, { kind: 'accrue' }>;

export function emitAccrue(builder: GraphBuilder, storage: Storage, target: Target, pass: AccruePass): Emitted {
  const { phase } = pass;
  const { shape, stores } = phase;
  const extents = storage.extents(shape);
  const [outermost = 1, ...middle] = extents.slice(0, -1);
  const width = extents.at(-1) ?? 1;
  const quad = lastIndex(shape.length);
  const lanes = lanesFor(target, width);
  const tile = (positions: number): { spots: Spot[]; bindings: Bindings; values: Values } => {
    const bindings = new Bindings();
    const spots = [...Array(positions).keys()].map((position): Spot => {
      if (shape.length === 0) return NOWHERE;
      return quadSpot(shape.length === 1 ? [] : [`i0_${position}`, ...middle.map((_, axis) => `i${axis + 1}`)], quad);
    });
    return {
      spots,
      bindings,
      values: printValues({ builder, storage, phase, bindings, opaque: '', summing: summing(target, false) }, spots),
    };
  };
  const most = Math.min(POSITIONS, outermost, Math.max(1, Math.floor(ACCUMULATORS / (2 * stores.length))));
  let positions = 2 ** Math.floor(Math.log2(most));
  let tiled = tile(positions);
  while (positions > 1 && tiled.values.instructions > target.maxKernelInstructions) {
    positions /= 2;
    tiled = tile(positions);
  }
  const { spots, bindings, values } = tiled;
  checkSize(builder, target, pass, values.instructions);
  const batch = storage.size('B');
  const tiles = Math.ceil(outermost / positions) * middle.reduce((product, extent) => product * extent, 1);
  const parts = tiles * batch;
  const gridY = Math.min(parts, target.maxWorkgroupsPerDimension);
  const units = storage.elements(shape.slice(-1));
  const masked = (total: string) => (units % 4 === 0 ? total : `select(vec4f(0), ${total}, ${liveUnits(quad, units)})`);
  const kernel = assemble('accrue', { name: pass.name, sees: 'nothing' }, target, bindings, values.calls, {
    comment: `${stores.length} sums over the steps of ${batch} sequences, ${storage.elements(shape)} units`,
    lanes,
    quad,
    gridY,
    guard: [width % lanes === 0 ? [] : `${quad} >= ${width}u`, parts % gridY === 0 ? [] : `part >= ${parts}u`]
      .flat()
      .join(' || '),
    block: BLOCK,
    setup: [
      `let b = part / ${tiles}u;`,
      `let steps = ${stepsOf(storage, bindings, 'b')};`,
      ...(shape.length > 1 ? positionLines(outermost, middle, positions, tiles) : []),
    ].map((text) => ({ text })),
    lines: values.lines,
    sums: indexed(
      spots.flatMap((spot, position) =>
        stores.map(({ place }, turn) => {
          const address = addressOf(storage, accessTo(place), spot);
          const store = `${bindings.write(place.buffer)}[${address}] = ${masked(`total${position * stores.length + turn}`)};`;
          const whole = position === 0 || outermost % positions === 0;
          return {
            value: values.at[position]?.[turn] ?? '',
            store: whole ? store : `if (first + ${position}u < ${outermost}u) { ${store} }`,
          };
        }),
      ),
    ),
  });
  const rows = storage.steps * batch;
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), gridY, Math.ceil(parts / gridY)],
    cost: {
      bytesRead: 16 * phase.loads.size * rows * tiles * width,
      bytesWritten: 16 * stores.length * parts * positions * width,
      flops: rows * tiles * 4 * width * (values.flops + positions * stores.length),
    },
  };
}

/** The indices of a lane's positions: some neighbours on the outermost axis, and one on each between that and the units. */
function positionLines(outermost: number, middle: readonly number[], positions: number, tiles: number): string[] {
  const lines: string[] = [];
  let rest = `part % ${tiles}u`;
  for (const [axis, extent] of [...middle.entries()].reverse()) {
    lines.push(`let i${axis + 1} = (${rest}) % ${extent}u;`);
    rest = `(${rest}) / ${extent}u`;
  }
  lines.push(`let first = (${rest}) * ${positions}u;`);
  for (let position = 0; position < positions; position++) {
    const index = position === 0 ? 'first' : `first + ${position}u`;
    lines.push(`let i0_${position} = ${outermost % positions === 0 ? index : `min(${index}, ${outermost - 1}u)`};`);
  }
  return lines;
}
