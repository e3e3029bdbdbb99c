/** Prints a value that a window shows of another: the same units, moved along one axis. */
import type { Node, Window } from '../../ir/graph.js';
import { evaluateAffine } from '../../ir/sizes.js';
import { quads } from '../../schedule/places.js';
import type { Block } from './blocks.js';
import { seenThrough } from './indices.js';
import type { Printer } from './printer.js';
import { isQuad, quadSpot, type Spot, unitSpot } from './spots.js';
import { inFours, masked } from './texts.js';

export function windowed(printer: Printer, node: Node & Window, spots: readonly Spot[], block: Block): string[] {
  const { storage, builder } = printer.request;
  const inner = storage.size(builder.node(node.arg).shape[node.axis] ?? '');
  const offset = evaluateAffine(node.offset, storage.sizes);
  const through = (index: string) => {
    const { at, inside } = seenThrough(index, { ...node, offset, inner });
    const turn = printer.turn();
    block.lines.push(`let at_${turn} = ${at};`, `let inside_${turn} = ${inside};`);
    block.indices.add(`at_${turn}`);
    return { at: `at_${turn}`, inside: `inside_${turn}` };
  };
  const quad = isQuad(spots);
  if (node.axis < node.shape.length - 1 || !quad) {
    const last = node.axis === node.shape.length - 1;
    const moved = spots.map((spot) => {
      const { at, inside } = through(last ? (spot.last?.text ?? '0u') : (spot.outer[node.axis] ?? '0u'));
      const outer = spot.outer.map((old, axis) => (axis === node.axis ? at : old));
      return { inside, spot: last ? { ...spot, last: unitSpot([], at).last } : { ...spot, outer } };
    });
    const values = printer.values(
      node.arg,
      moved.map(({ spot }) => spot),
      block,
    );
    return moved.map(({ inside }, turn) => `select(vec4f(0), ${values[turn]}, ${inside})`);
  }
  if (node.stride === 1 && node.dilation === 1 && offset % 4 === 0) {
    const moved = spots.map((spot) =>
      seenThrough(spot.last?.text ?? '0u', { stride: 1, dilation: 1, offset: offset / 4, inner: quads(inner) }),
    );
    const values = printer.values(
      node.arg,
      spots.map((spot, turn) => ({ ...spot, last: quadSpot([], moved[turn]?.at ?? '0u').last })),
      block,
    );
    return moved.map(({ at, inside }, turn) => `select(vec4f(0), ${masked(values[turn] ?? '', at, inner, 'sum')}, ${inside})`);
  }
  const taps = spots.flatMap((spot) =>
    [0, 1, 2, 3].map((lane) => {
      const { at, inside } = through(`(4u * ${spot.last?.text ?? '0u'} + ${lane}u)`);
      return { inside, spot: { ...spot, last: unitSpot([], at).last } };
    }),
  );
  const values = printer.values(
    node.arg,
    taps.map(({ spot }) => spot),
    block,
  );
  const lanes = taps.map(({ inside }, turn) => `select(0.0, ${values[turn]}.x, ${inside})`);
  return inFours(lanes).map((four) => `vec4f(${four.join(', ')})`);
}
