/** The kernels of the parameters' gradients; which products and sums they hold is decided in schedule/gradients.ts. */
import type { GraphBuilder } from '../ir/builder.js';
import type { NodeId, Shape } from '../ir/graph.js';
import type { Target } from '../plan.js';
import { productRows } from '../schedule/gradients.js';
import type { Start } from '../schedule/operands.js';
import type { OuterProduct, OuterTerm, Pass, Section } from '../schedule/passes.js';
import { quads, widthOf } from '../schedule/places.js';
import { TILE } from '../schedule/split.js';
import type { Storage } from '../schedule/storage.js';
import { Bindings, sequenceOf, stepsOf } from './bindings.js';
import { printBody } from './body.js';
import { allHold, type Clock, clockOf, notZero } from './clocks.js';
import { entriesLeft } from './entries.js';
import { handsOn, shared, summing } from './handing.js';
import { assemble, byGroup, checkSize, type Emitted, indexed, lanesFor, rolled } from './kernel.js';
import { positionLines } from './operands.js';
import { addedUp } from './slices.js';
import { isOwn, plus, rowNumber, stepAt } from './values/spots.js';
import { name } from './values/texts.js';

type PassOf<K extends Pass['kind']> = Extract<Pass, { kind: K }>;

/** Rows summed in one go before they join the total. */
const BLOCK = 256;
const LANE = ['x', 'y', 'z', 'w'];

/** dW = Σ left · rightᵀ: a lane holds up to thirty-two rows by four columns; z is the parameter. */
export function emitOuter({ builder, storage }: Section, target: Target, pass: PassOf<'outer'>): Emitted {
  const bindings = new Bindings();
  const { common, members } = pass.products;
  const [n, k] = [storage.size(common.rows), storage.size(common.columns)];
  const stride = quads(n);
  const width = quads(k);
  const { split } = common;
  const { columns, slices, chunks } = split ?? { columns: lanesFor(target, width), slices: 1, chunks: 1 };
  const lanes = columns * slices;
  const handed = split === undefined && handsOn(target, lanes, width);
  const quadsPerTile = tileQuads(target, stride, handed ? QUADS.handed : QUADS.own);
  const rows = productRows(storage, common.terms);
  // Parts take turns at the steps, and, where these are fewer, at the rows of a step.
  const turns = Math.min(slices * chunks, 2 ** Math.floor(Math.log2(storage.steps)));
  const across = (slices * chunks) / turns;
  const groups = Math.ceil(width / columns);
  const tiles = stride / quadsPerTile;
  // A processor's cores take workgroups that lie beside each other: each should have rows of all kinds, where some are idle.
  const rowsFirst = split === undefined && common.terms.some(({ idle }) => idle?.side === 'left');
  const opaque = rolled(target);
  const accumulators = [...Array(4 * quadsPerTile).keys()].map((index) => ({
    index,
    quad: Math.floor(index / 4),
    lane: LANE[index % 4] ?? 'x',
  }));
  const voted = (text: string) => (handed ? `subgroupAny(${text})` : text);
  const clocks = new Map<NodeId, Clock>();
  /** Whether a lane's part of a factor may be anything but zero at step t; lanes that need the same rows look at some of them each. */
  const dueText = ({ idle, left, right }: OuterTerm): string => {
    if (idle === undefined) return '';
    const [view, dim] = idle.side === 'left' ? [left, common.rows] : [right, common.columns];
    const telling = idle.conditions.filter(({ test }) => ['', dim].includes(builder.node(test).shape.join()));
    if (telling.length === 0 || view.shift !== 0 || view.own !== undefined) return '';
    for (const { test } of telling) clocks.set(test, clockOf({ builder, storage }, [dim], test, bindings, opaque));
    const at = (unit: string) => allHold(telling, (test) => `${name(test)}_at(i32(t), ${unit})`);
    if (idle.side === 'right') return voted(at('col'));
    const turns = handed ? Math.ceil(quadsPerTile / lanes) : quadsPerTile;
    const own = (turn: number) => (handed ? `(lane + ${turn * lanes}u) % ${quadsPerTile}u` : `${turn}u`);
    return voted([...Array(turns).keys()].map((turn) => at(`quad + ${own(turn)}`)).join(' | '));
  };
  const terms = common.terms.map((term, index) => {
    const starts = (side: 'left' | 'right') => members.map((member) => startOf(member, index, side));
    const left = factorRows(storage, bindings, term, 'left', starts('left'));
    const right = factorRows(storage, bindings, term, 'right', starts('right'));
    const buffer = bindings.read(term.left.buffer);
    // Drivers look a number up again for every row, unless it has a name outside of the loops.
    const bases = { left: `leftStart${index}`, right: `rightStart${index}` };
    // Where there is no step the number of a symbol is 0, which is one like others.
    const number = `${buffer}[${bases.left} + ${left.row}].x`;
    const symbol = left.inside === undefined ? number : `select(0.0, ${number}, ${left.inside})`;
    const inside = [term.chosen ? undefined : left.inside, right.inside]
      .filter((one) => one !== undefined)
      .map((one) => `(${one})`)
      .join(' & ');
    const load = `${bindings.read(term.right.buffer)}[${bases.right} + ${right.row} + col]`;
    const batch = storage.size('B');
    const positions = storage.elements(term.positions);
    // Steps whose rows are summed in one go: a processor computes what a condition guards, whether or not it holds.
    const inBlock = Math.floor((BLOCK * across) / (batch * positions));
    const leftNames = handed
      ? [...Array(shared(quadsPerTile, lanes, 'lane').loads.length).keys()].map((turn) => `own${turn}`)
      : [...Array(quadsPerTile).keys()].map((quad) => `y${quad}`);
    const timed = storage.links.time !== undefined;
    const nth = (turn: string) => (timed ? sequenceOf(storage, bindings, turn) : turn);
    const sequence = nth(positions === 1 ? 'at' : `at / ${positions}u`);
    return {
      batch,
      positions,
      steps: storage.steps,
      firstStep: split === undefined ? '0u' : across === 1 ? 'part' : `part % ${turns}u`,
      nextStep: turns === 1 ? 't++' : `t += ${turns}u`,
      firstRow: across === 1 ? '0u' : `part / ${turns}u`,
      nextRow: across === 1 ? 'at++' : `at += ${across}u`,
      shortest: stepsOf(storage, bindings, nth('running - 1u')),
      row: positions === 1 ? `t * ${batch}u + ${sequence}` : `(t * ${batch}u + ${sequence}) * ${positions}u + at % ${positions}u`,
      stepsOfBlock: turns * Math.max(1, inBlock),
      several: inBlock > 1,
      single: batch * positions * across === 1,
      length: stepsOf(storage, bindings, '0u'),
      stretch: BLOCK * across,
      opaque,
      starts: [
        { name: bases.left, text: left.base },
        { name: bases.right, text: right.base },
      ],
      lines: [...positionIndices(storage, term.positions), ...left.lines, ...right.lines].map((text) => ({ text })),
      right: inside === '' ? load : `select(vec4f(0), ${load}, ${inside})`,
      due: dueText(term),
      some: term.idle === undefined ? '' : voted(notZero(term.idle.side === 'right' ? ['x'] : leftNames)),
      // What lanes look at they must have.
      looksLeft: !handed && term.idle?.side === 'left',
      ...leftsOf(quadsPerTile, handed && !term.chosen ? lanes : undefined, (i) =>
        term.chosen
          ? `vec4f(vec4u(4u * (quad + ${i})) + vec4u(0, 1, 2, 3) == vec4u(${rowNumber(symbol, n)}))`
          : `${buffer}[${bases.left} + ${left.row} + quad + ${i}]`,
      ),
      accumulators: accumulators.map(({ index, quad, lane }) => ({
        index,
        text: entryOf(term.gate, `y${quad}.${lane}`),
      })),
    };
  });
  const toBuffer = bindings.write(common.to);
  const entries = entriesLeft(storage, common.partial, bindings, byGroup(members.map(({ head }) => head)));
  const store = (at: string, row: string, value: string) =>
    `${toBuffer}[to + ${at}] ${pass.onto === 'nothing' ? '=' : '+='} ${entries.apply(value, `4u * quad + ${row}`, 'col')};`;
  const added = addedUp(
    accumulators.map(({ index }) => `total${index}`),
    { columns, count: slices },
  );
  const head = {
    name: pass.name,
    sees: 'nothing',
    ...(handed && common.terms.some(({ chosen }) => !chosen)
      ? { subgroup: lanes, votes: common.terms.some(({ idle }) => idle !== undefined) }
      : {}),
    ...(split === undefined ? {} : { parts: added.memory }),
  } as const;
  const calls = [...entries.calls, ...[...clocks.values()].flatMap((clock) => [...clock.calls])];
  const kernel = assemble('outer', head, target, bindings, calls, {
    suffix: '',
    clocks: [...clocks.values()],
    comment: `gradients of ${[...new Set(members.map(({ param }) => param))].join(', ')} over ${rows} rows`,
    lanes,
    quadsPerTile,
    ...(rowsFirst ? { below: 'group.x', beside: 'group.y' } : { below: 'group.y', beside: 'group.x' }),
    width,
    guard: width % columns === 0 ? '' : `col >= ${width}u`,
    split: split && {
      ...split,
      // The chunks of a row of workgroups lie beside each other.
      groups,
      stride: 4 * stride * width,
      rounds: added.rounds.map((round, turn) => ({
        ...round,
        more: turn + 1 < added.rounds.length,
        store: store(`(${round.from}u + slice) * ${width}u`, `${round.from}u + slice`, `added${turn}`),
      })),
    },
    setup: entries.setup.map((text) => ({ text })),
    accumulators: accumulators.map(({ index }) => ({
      index,
      text: store(`${index * width}u`, `${index}u`, `total${index}`),
    })),
    terms,
    toBase: byGroup(members.map(({ to }) => to)),
    rowStride: 4 * width,
  });
  return {
    kernel,
    workgroups: rowsFirst ? [tiles, groups, members.length] : [groups * chunks, tiles, members.length],
    cost: {
      bytesRead: 4 * members.length * rows * (n + k),
      bytesWritten: 4 * members.length * n * k * chunks,
      flops: 2 * members.length * rows * n * k,
    },
  };
}

/** How many times four rows of the matrix a lane holds at most, where it loads their factors itself, and where lanes hand them around. */
const QUADS = { own: 4, handed: 8 };

/**
 * How many times four rows of the matrix a lane holds. On a processor what is loaded for one product costs as much as the
 * products themselves, and there are few enough of lanes that deep tiles leave work for all.
 */
function tileQuads({ software }: Target, stride: number, most: number): number {
  let tile = 1;
  while (tile * 2 <= (software ? most : TILE) && stride % (tile * 2) === 0) tile *= 2;
  return tile;
}

/** The left factors of a tile: each lane loads all, or (`handing` lanes) some, which the others get from it. */
function leftsOf(count: number, handing: number | undefined, load: (turn: string) => string) {
  const all = [...Array(count).keys()];
  if (handing === undefined) return { own: [], lefts: all.map((index) => ({ index, text: load(`${index}u`) })) };
  const { loads, owner } = shared(count, handing, 'lane');
  return {
    own: loads.map((offset, turn) => ({ turn, text: load(offset) })),
    lefts: all.map((index) => ({ index, text: `subgroupBroadcast(own${owner(index).load}, ${owner(index).lane}u)` })),
  };
}

function startOf({ terms, param }: OuterProduct, index: number, side: 'left' | 'right'): Start {
  const term = terms[index];
  if (!term) throw new Error(`the gradient of ${param} has no term ${index}`);
  return term[side];
}

/** What a row adds to the entries of one row of the matrix; a gate's zero adds zero, be the other factor infinite or NaN. */
function entryOf(gate: OuterTerm['gate'], left: string): string {
  if (gate === undefined) return `${left} * x`;
  return `select(${left} * x, vec4f(0), ${gate === 'left' ? `${left} == 0.0` : 'x == vec4f(0)'})`;
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
function factorRows(storage: Storage, bindings: Bindings, term: OuterTerm, side: 'left' | 'right', starts: readonly Start[]) {
  const { layout, shift, guarded, own, width, stride } = term[side];
  const batch = storage.size('B');
  const row = term.positions.length === 0 ? 'row' : 'r';
  const last = storage.steps - 1;
  const sequence = `(${row} % ${batch}u)`;
  const { lines, lead, inside } = positionLines(term[side], starts, { prefix: side, turn: 'group.z' });
  const slotOf = (): string => {
    if (own !== undefined) {
      const at = stepAt(shift, `i32(${row} / ${batch}u)`);
      const step = own === 'back' ? `${stepsOf(storage, bindings, sequence)} - 1 - (${at})` : at;
      return `(u32(clamp(${step}, 0, ${last})) * ${batch}u + ${sequence})`;
    }
    return guarded ? `u32(clamp(i32(${row}) + ${shift * batch}, 0, ${(last + 1) * batch - 1}))` : row;
  };
  const rowText =
    layout === 'shared' ? '0u' : layout === 'row' || layout === 'memory' ? `${sequence} * ${width}u` : `${slotOf()} * ${width}u`;
  const step = `${row} / ${batch}u`;
  const reachesOf = (): string | undefined => {
    if (own !== undefined) return isOwn(stepAt(shift, `i32(${step})`), stepsOf(storage, bindings, sequence));
    if (!guarded) return undefined;
    return shift < 0 ? `${step} >= ${-shift}u` : `${step} + ${shift}u <= ${last}u`;
  };
  const reaches = reachesOf();
  const both = [inside, reaches].filter((one) => one !== undefined);
  return {
    base: byGroup(starts.map(({ base }) => base)),
    row: lead === '0u' ? rowText : plus(rowText, `${lead} * ${stride}u`),
    lines,
    inside: both.length === 0 ? undefined : both.map((one) => `(${one})`).join(' & '),
  };
}

/** Sums of per-unit values over a chunk of rows. */
export function emitReduce(builder: GraphBuilder, storage: Storage, target: Target, pass: PassOf<'reduce'>): Emitted {
  const bindings = new Bindings();
  const rows = storage.steps * storage.size('B');
  const { phase } = pass;
  const width = widthOf({ extents: storage.extents(phase.shape) });
  const lanes = lanesFor(target, width);
  const { stores } = phase;
  const opaque = rolled(target);
  const chunkRows = Math.ceil(rows / pass.chunks);
  const together = handsOn(target, lanes, width);
  const request = { builder, storage, phase, bindings, opaque, summing: summing(target, together) };
  const body = printBody(request, (store, _address, value) => {
    return `part${stores.indexOf(store)} += ${value};`;
  });
  checkSize(builder, target, pass, body.instructions);
  const head = { name: pass.name, sees: 'nothing', ...(body.hands ? { subgroup: lanes } : {}) } as const;
  const kernel = assemble('reduce', head, target, bindings, body.calls, {
    comment: `${stores.length} sums over ${rows} rows in ${pass.chunks} chunks`,
    lanes,
    width,
    rows,
    batch: storage.size('B'),
    chunkRows,
    // Two short sums round less than one long one.
    block: pass.chunks === 1 ? Math.ceil(Math.sqrt(rows)) : chunkRows,
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
export function emitGather(target: Target, pass: PassOf<'gather'>): Emitted {
  const bindings = new Bindings();
  const { common, members } = pass.sums;
  const { shape, chunks, width } = common;
  const scalar = shape.length === 0;
  const lanes = lanesFor(target, width);
  const sums = members.map(({ partials, to }) => ({
    buffer: bindings.write(to.buffer),
    base: to.base,
    // A scalar's partial sums are over units still.
    assign: pass.onto === 'nothing' ? '=' : '+=',
    result: scalar ? 'vec4f(sum.x + sum.y + sum.z + sum.w, 0, 0, 0)' : 'sum',
    partials: partials.map((partial) => ({
      buffer: bindings.read(partial.buffer),
      base: partial.base,
      count: scalar ? chunks * widthOf(partial) : chunks,
      stride: width,
      opaque: rolled(target),
    })),
  }));
  const kernel = assemble('gather', { name: pass.name, sees: 'nothing' }, target, bindings, [], {
    comment: `adds ${chunks} chunks`,
    lanes,
    width,
    sums,
  });
  const words = members.length * chunks * width * 4;
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), 1, 1],
    cost: { bytesRead: 4 * words, bytesWritten: 16 * members.length * width, flops: words },
  };
}
