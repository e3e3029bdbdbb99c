/** Prints reductions: sums and maxima over axes of a value, each a loop for all the spots that it is wanted at. */
import { argumentsOf, isReduce, type Node, type NodeId, type Reduce } from '../../ir/graph.js';
import { quads } from '../../schedule/places.js';
import type { Summing } from '../handing.js';
import { type Block, blockIn, type Counter, looped, type Strided } from './blocks.js';
import type { Printer } from './printer.js';
import { isQuad, type Spot, unitSpot, unitsOf } from './spots.js';
import { inFours, masked } from './texts.js';

/** Where four units of a lane are each summed over units, so many values behind the sum are printed once for each of the four. */
const UNROLLED = 12;

/** One loop over the reduced axes for all spots, or for as many as end it at the same place. */
export function reduced(printer: Printer, node: Node & Reduce, spots: readonly Spot[], within: Block): string[] {
  const { storage, builder } = printer.request;
  const shape = builder.node(node.arg).shape;
  const overUnits = node.axes.includes(shape.length - 1);
  const { summing } = printer.request;
  if (shape.length === 1 && summing !== undefined && quads(storage.size(shape[0] ?? '')) >= summing.lanes)
    return sharedSums(printer, node, spots, summing).map((sum) => `vec4f(${sum})`);
  if (!overUnits || !isQuad(spots)) {
    const found = sums(printer, node, spots, within);
    return overUnits ? found.map((sum) => `vec4f(${across(sum, node.kind)})`) : found;
  }
  // Units of the result are reduced over their own units, one by one.
  const size = storage.size(node.shape.at(-1) ?? '');
  if (isShort(printer, node.arg)) {
    const units = spots.flatMap((spot) => unitsOf(spot, size));
    return inFours(sums(printer, node, units, within)).map(
      (lanes) => `vec4f(${lanes.map((sum) => across(sum, node.kind)).join(', ')})`,
    );
  }
  const turn = printer.turn();
  const lane = { name: `lane_${turn}`, count: 4 };
  const block = blockIn(within, lane);
  const quadsOf = [...new Set(spots.map(({ last }) => last?.text ?? '0u'))];
  const units = quadsOf.map((quad, index) => {
    const unit = quadsOf.length === 1 ? `unit_${turn}` : `unit_${turn}_${index}`;
    block.lines.push(`let ${unit} = min(4u * ${quad} + ${lane.name}, ${size - 1}u);`);
    block.indices.add(unit);
    return unit;
  });
  const ofLanes = spots.map((spot) => ({
    ...spot,
    last: unitSpot([], units[quadsOf.indexOf(spot.last?.text ?? '0u')] ?? '').last,
  }));
  const results = sums(printer, node, ofLanes, block).map((sum, index) => {
    const result = spots.length === 1 ? `lanes_${turn}` : `lanes_${turn}_${index}`;
    block.lines.push(`${result}[${lane.name}] = ${across(sum, node.kind)};`);
    return result;
  });
  within.lines.push(
    ...results.map((result) => `var ${result} = vec4f(0);`),
    ...looped(lane, block.lines, printer.request.opaque),
  );
  return results;
}

/** Whether few values are behind this one before memory, and no loop. */
function isShort({ request: { builder, phase } }: Printer, id: NodeId): boolean {
  const seen = new Set<NodeId>();
  const queue = [id];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const node = builder.node(next);
    if (seen.size > UNROLLED || (isReduce(node) && !phase.loads.has(next))) return false;
    if (!phase.loads.has(next)) queue.push(...argumentsOf(node));
  }
  return true;
}

/** What all units of a row are summed to, each lane its share of them; numbers. */
function sharedSums(printer: Printer, node: Node & Reduce, spots: readonly Spot[], { lanes, together, row }: Summing): string[] {
  const combined = (parts: (lane: number) => string) => inPairs([...Array(lanes).keys()].map(parts), node.kind);
  if (together) {
    printer.tally.hands = true;
    const shape = printer.request.builder.node(node.arg).shape;
    const own =
      row?.shape.join() === shape.join()
        ? ownSums(printer, node, spots, row.own)
        : sums(printer, node, spots, printer.root, { first: `col % ${lanes}u`, stride: lanes });
    return own.map((sum) => {
      const part = `part_${printer.turn()}`;
      printer.root.lines.push(`let ${part} = ${across(sum, node.kind)};`);
      return combined((lane) => `subgroupBroadcast(${part}, ${lane}u)`);
    });
  }
  const turn = printer.turn();
  const counter = { name: `lane_${turn}`, count: lanes };
  // All rounds together go over the units once.
  const block = { ...blockIn(printer.root, counter), rounds: 1 };
  const parts = sums(printer, node, spots, block, { first: counter.name, stride: lanes }).map((sum, index) => {
    const part = `parts_${turn}_${index}`;
    printer.root.lines.push(`var ${part}: array<f32, ${lanes}>;`);
    block.lines.push(`${part}[${counter.name}] = ${across(sum, node.kind)};`);
    return part;
  });
  printer.root.lines.push(...looped(counter, block.lines, printer.request.opaque));
  return parts.map((part) => combined((lane) => `${part}[${lane}]`));
}

/** The sums of a lane's own units, as a loop over them adds them up. */
function ownSums(printer: Printer, node: Node & Reduce, spots: readonly Spot[], own: readonly Spot[]): string[] {
  const { storage, builder, opaque } = printer.request;
  const [dim = ''] = builder.node(node.arg).shape;
  const inner = spots.flatMap(({ step }) => own.map((spot) => ({ ...spot, step })));
  const values = printer
    .values(node.arg, inner, printer.root)
    .map((value, index) => masked(value, inner[index]?.last?.text ?? '0u', storage.size(dim), node.kind));
  printer.tally.flops += inner.length;
  if (node.kind === 'max') printer.tally.calls.add('rc_max');
  return spots.map((_, turn) => {
    const [first = '', ...others] = values.slice(turn * own.length, (turn + 1) * own.length);
    const sum = `own_${printer.turn()}`;
    // A zero that no compiler knows is added to, as it is in a loop: of minus zero it makes zero.
    const begin = node.kind === 'sum' ? `vec4f(f32(0u${opaque})) + ${first}` : first;
    const text = others.reduce(
      (sofar, other) => (node.kind === 'sum' ? `${sofar} + ${other}` : `rc_max(${sofar}, ${other})`),
      begin,
    );
    printer.root.lines.push(`let ${sum} = ${text};`);
    return sum;
  });
}

/**
 * The variables of sums, or of maxima, each of four parts where they are over units: one loop for all.
 * @param share which of the rounds are a lane's, where they are shared out
 */
function sums(printer: Printer, node: Node & Reduce, spots: readonly Spot[], within: Block, share?: Strided): string[] {
  const { storage, builder } = printer.request;
  const shape = builder.node(node.arg).shape;
  const innermost = shape.length - 1;
  const overUnits = node.axes.includes(innermost);
  const turn = printer.turn();
  const counters = node.axes.map((axis): Counter => {
    const size = storage.size(shape[axis] ?? '');
    return { name: `k${axis}_${turn}`, count: axis === innermost ? quads(size) : size, ...share };
  });
  if (share !== undefined) for (const { name } of counters) printer.uneven.add(name);
  const names = spots.map((_, index) => (spots.length === 1 ? `sum_${turn}` : `sum_${turn}_${index}`));
  const inner = spots.map(({ outer, last, step }): Spot => {
    const kept = last ? [...outer, last.text] : [];
    const indices = shape.map((_, axis) => {
      const reduced = node.axes.indexOf(axis);
      if (reduced >= 0) return counters[reduced]?.name ?? '0u';
      return kept[axis - node.axes.filter((other) => other < axis).length] ?? '0u';
    });
    const text = indices[innermost] ?? '0u';
    return { outer: indices.slice(0, -1), last: { kind: overUnits ? 'quad' : (last?.kind ?? 'quad'), text }, step };
  });
  const [counter] = counters;
  const { before } = node;
  const ends = before === undefined ? [] : inner.map(({ outer }) => outer[before] ?? '0u');
  // Positions of a lane are ascending.
  const last = ends.at(-1);
  const bounded = counter === undefined || last === undefined ? counters : [{ ...counter, until: last }];
  // A block for each: what only the outer ones change is computed there.
  const blocks: Block[] = [];
  for (const own of bounded) blocks.push(blockIn(blocks.at(-1) ?? within, own));
  const block = blocks.at(-1) ?? within;
  const values = printer.values(node.arg, inner, block).map((value, index) => {
    const end = ends[index];
    const own = end === undefined || end === last ? value : `select(vec4f(0), ${value}, ${counter?.name} < ${end})`;
    return overUnits ? masked(own, inner[index]?.last?.text ?? '0u', storage.size(shape.at(-1) ?? ''), node.kind) : own;
  });
  printer.tally.loops = true;
  printer.tally.flops += block.rounds * spots.length;
  if (node.kind === 'max') printer.tally.calls.add('rc_max');
  const first = counters.map((one) => `${one.name} == ${one.first ?? '0u'}`).join(' && ');
  for (const [index, sum] of names.entries()) {
    const value = values[index];
    block.lines.push(
      node.kind === 'sum' ? `${sum} += ${value};` : `${sum} = select(rc_max(${sum}, ${value}), ${value}, ${first});`,
    );
  }
  let loops: readonly string[] = [];
  for (const [depth, own] of [...bounded.entries()].reverse())
    loops = looped(own, (blocks[depth]?.lines ?? []).concat(loops), printer.request.opaque);
  within.lines.push(...names.map((sum) => `var ${sum} = vec4f(0);`), ...loops);
  return names;
}

/** Neighbours first, which rounds less than one after the other. */
function inPairs(parts: readonly string[], kind: Reduce['kind']): string {
  const [first = '', second] = parts;
  if (second === undefined) return first;
  const half = Math.ceil(parts.length / 2);
  const [left, right] = [inPairs(parts.slice(0, half), kind), inPairs(parts.slice(half), kind)];
  return kind === 'sum' ? `(${left} + ${right})` : `rc_max(vec4f(${left}), vec4f(${right})).x`;
}

/** What four parts come to. */
function across(sum: string, kind: Reduce['kind']): string {
  if (kind === 'sum') return `${sum}.x + ${sum}.y + ${sum}.z + ${sum}.w`;
  return `rc_max(rc_max(${sum}.xxxx, ${sum}.yyyy), rc_max(${sum}.zzzz, ${sum}.wwww)).x`;
}
