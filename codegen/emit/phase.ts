/**
 * A phase: every lane holds a register tile of some rows by four units for each contraction, and runs down the
 * contracted units. Rows depend on the workgroup alone, so that hardware loads them once for all lanes; a processor's driver does
 * not see it, so there each lane loads rows of its own and hands them to the others. Weights lie side by side for neighbouring
 * lanes. Then each row's per-unit part runs on the sums.
 */
import type { WgslFunction } from '../ops/wgsl/index.js';
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { quads, widthOf } from '../schedule/places.js';
import { Bindings, sequenceOf, stepsOf } from './bindings.js';
import { printBody } from './body.js';
import { clocksIn, notZero } from './clocks.js';
import { handsOn, shared, summing } from './handing.js';
import { type HeldWeight, heldOf, heldText } from './held.js';
import {
  assemble,
  checkSize,
  type Emitted,
  gridOver,
  lanesFor,
  pick,
  rolled,
  type Spread,
  spreadOver,
  turnsOf,
} from './kernel.js';
import { inLoops, type OperandGroup, operandGroups, operandLines, sumBounds } from './operands.js';
import type { Registers } from './registers.js';
import { emitRows } from './rows.js';
import { loadersIn, type Sharing, wholeRow } from './sharing.js';
import { type Slices, slicedText, slicesOver } from './slices.js';
import { emitTogether } from './together.js';
import { indexLines, lastIndex } from './values/indices.js';
import { name } from './values/texts.js';

/** Accumulators of `vec4f`, and rows, that a lane has at most: beyond, they spill. */
const OWN = { accumulators: 32, rows: 8 };
/**
 * With operands handed around, what a lane loads is mostly weights, once for all rows of its tile: more rows are worth their spilled
 * accumulators. An LSTM's products with its inputs, I = H = 128, on lavapipe: 21 GFLOP/s with 8 rows and own loads, 28 handed around,
 * 18 and 38 with 16 rows.
 */
const HANDED = { accumulators: 64, rows: 16 };
/**
 * Accumulators that one loop adds to. LLVM has more of them in registers where there are fewer, which is worth loading what is multiplied
 * once for each: an LSTM of 128 units, 32 sequences forward, takes a third less time on lavapipe. SwiftShader's compiler spills them
 * all, and there it takes a fifth more.
 */
const sumsInLoop = ({ software, subgroup }: Target): number => (software && subgroup >= 8 ? 16 : Number.POSITIVE_INFINITY);

/** Workgroups of such tiles that there must be at least: fewer leave cores idle. */
const FEWEST = 4;

export function emitPhase(section: Section, target: Target, pass: PhasePass): Emitted {
  if (pass.phase.rows !== undefined) return emitRows(section, target, pass);
  const together = pass.phase.contractions.length === 0 ? emitTogether(section, target, pass) : undefined;
  if (together !== undefined) return together;
  const bindings = new Bindings();
  const rows = rowsOf(section, pass);
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  const full = lanesFor(target, width);
  const hands = handsOn(target, full, width);
  const most = largestTile(section, target, pass);
  const { tile, slices } = slicesOver(section, target, pass, { rows, tile: most }) ?? { tile: most, slices: undefined };
  const order = orderFor(section, [pass]);
  const { data, calls, instructions, units, cost, ...text } = phaseText(section, target, pass, bindings, {
    tile,
    order,
    slices,
    ...(hands ? { handing: full } : {}),
  });
  checkSize(section.builder, target, pass, instructions);
  const tiles = Math.ceil(rows / tile);
  const spread: Spread = slices === undefined ? spreadOver(target, width, tiles) : spreadIn(slices);
  const { head, workgroups } = gridOver(
    target,
    spread,
    width,
    tiles,
    turnsOf(target, order, rows, 4 * width * pass.phase.contractions.length),
  );
  const { contractions, stores } = pass.phase;
  const kernel = assemble(
    'phase',
    {
      name: pass.name,
      sees: pass.rows === 'step' ? 'step' : 'nothing',
      ...(text.hands ? { subgroup: full, votes: text.votes } : {}),
      parts: text.parts,
    },
    target,
    bindings,
    calls,
    {
      ...data(''),
      comment: `${contractions.length} contractions, ${stores.length} stores, ${rows} rows of ${units} units`,
      ...head,
    },
  );
  return {
    kernel,
    workgroups,
    ...(pass.rows === 'all' ? { rowsPerWorkgroup: tile * spread.across } : {}),
    cost,
  };
}

/** The most rows that a lane has in a dispatch of its own. */
export function largestTile(section: Section, target: Target, pass: PhasePass): number {
  const rows = rowsOf(section, pass);
  const width = widthOf({ extents: section.storage.extents(pass.phase.shape) });
  const lanes = lanesFor(target, width);
  const handed = handsOn(target, lanes, width) && multipliesTheSame(section, pass, lanes);
  const many = (width / lanes) * Math.floor(rows / HANDED.rows) >= FEWEST;
  return tileRows(pass, rows, handed && many ? HANDED : OWN);
}

/** Rows one below the other, for all lanes of a workgroup add up what they share. */
const spreadIn = ({ columns, count }: Slices): Spread => ({
  lanes: columns * count,
  perRow: columns,
  across: 1,
  whole: true,
});

/** How many rows a phase runs over. */
export function rowsOf({ storage }: Section, { rows }: PhasePass): number {
  return rows === 'step' ? storage.size('B') : storage.size('B') * storage.steps;
}

/** The text of a phase, apart from who runs which of its tiles of rows. */
export interface PhaseText {
  /** For the templates `finish` and `tile`. */
  readonly data: (suffix: string) => object;
  readonly calls: ReadonlySet<WgslFunction>;
  readonly instructions: number;
  /** `vec4f` of one row. */
  readonly width: number;
  /** Whether lanes hand each other what they loaded. */
  readonly hands: boolean;
  /** Whether there are loops in what follows the sums. */
  readonly loops: boolean;
  /** Whether they do so in loops that are as long for all of them only as far as is known here. */
  readonly votes: boolean;
  /** `vec4f` of workgroup memory. */
  readonly parts: number;
  readonly units: number;
  /** For one dispatch over all rows. */
  readonly cost: Emitted['cost'];
}

/** Which rows a lane has. */
export interface Tiling {
  /** How many. */
  readonly tile: number;
  /** Whose: sequences as they are numbered, or the longest first, so that tiles of them end together. Of phases of one walk the same. */
  readonly order: 'as numbered' | 'longest first';
  /** Of a lane that walks over steps and has one row. */
  readonly registers?: Registers;
  /** Of how many lanes each loads some of the rows, or sums some of the units, and hands that to the others, where all need the same. */
  readonly handing?: number;
  /** Of lanes that share out what they sum over; all lanes of a workgroup come there. */
  readonly slices?: Slices | undefined;
  /** Of lanes that have several positions, or several units of a row, each. */
  readonly together?: Sharing | undefined;
  /** Of lanes that hold their weights. */
  readonly held?: HeldBy | undefined;
}

/** Where what a lane holds of a phase begins, and of how many lanes each loads some of what all multiply. */
export interface HeldBy {
  readonly start: number;
  readonly sharers: number | undefined;
}

/** Sequences are ordered where there are several and it may save products. */
export function orderFor({ storage }: Section, passes: readonly PhasePass[]): Tiling['order'] {
  const saves = passes.some(({ phase }) => phase.contractions.length > 0);
  return saves && storage.size('B') > 1 && storage.links.time !== undefined ? 'longest first' : 'as numbered';
}

export function phaseText(
  section: Section,
  target: Target,
  pass: PhasePass,
  bindings: Bindings,
  { tile, order, registers, handing, slices, together, held }: Tiling,
): PhaseText {
  const { builder, storage, merging } = section;
  const { phase } = pass;
  const own = widthOf({ extents: storage.extents(phase.shape) });
  const width = together === undefined ? own : widthOf(together);
  const batch = storage.size('B');
  const rows = rowsOf(section, pass);
  const perRow = [...Array(tile).keys()];
  // What one row reads is read once anyhow.
  const share = handing === undefined || tile === 1 ? undefined : shared(tile, handing, `(col % ${handing}u)`);
  const ownRows = share?.loads ?? [];
  const opaque = rolled(target);

  const { step, clocks, atStep, dueText } = clocksIn(section, pass, bindings, { tile, rows, opaque });
  const given = atStep.map(({ id }) => id);
  const shares = summing(
    target,
    handing !== undefined,
    handing === undefined ? undefined : wholeRow(section, phase.shape, together, handing),
  );
  const ordered = order === 'longest first';
  // What a tile of rows stores is zero where all of its sequences have ended, whatever its sums are: they are left out.
  const ends = ordered && phase.contractions.length > 0 && phase.stores.every(({ when }) => when !== 'always');
  // Where a step's sums are all that there is, what follows them costs less than to ask.
  const skips = ends && pass.rows === 'step';
  const body = printBody(
    {
      builder,
      storage,
      phase,
      bindings,
      opaque,
      registers,
      given,
      summing: shares,
      loaders: handing === undefined ? undefined : loadersIn(together, handing),
      skips: skips ? 'ended sequences' : undefined,
    },
    (store, address, value) => {
      const carried = registers?.write(store);
      if (carried === undefined) return `${bindings.write(store.place.buffer)}[${address}] = ${value};`;
      // What only the next step reads is in memory once, behind the last one.
      if (store.place.layout === 'alternating') return `${carried} = ${value};`;
      return `${carried} = ${value}; ${bindings.write(store.place.buffer)}[${address}] = ${carried};`;
    },
    together,
  );
  const sequence = (turn: string) => (ordered ? sequenceOf(storage, bindings, turn) : turn);
  // Looked up once for each row of a tile: a load costs as much as the products of several units.
  const row = ordered ? 'rows[i]' : 'at';
  const position = pass.rows === 'step' ? `time, ${row}` : `i32(at / ${batch}u), ${row} % ${batch}u`;
  const rowOf = (at: string) =>
    pass.rows === 'step' || !ordered ? sequence(at) : `${at} / ${batch}u * ${batch}u + ${sequence(`${at} % ${batch}u`)}`;
  const merged = inLoops(operandGroups(phase.contractions, storage, pass.rows, merging), Math.floor(sumsInLoop(target) / tile));
  const groups = held === undefined ? merged.map(contraction) : [];
  const holds = held === undefined ? [] : merged.map((group, index) => holding(group, merged.slice(0, index), held));
  const asked = groups.flatMap(({ due }, group) => (step === undefined && due !== '' ? [{ group, tile, text: due }] : []));
  const multiplied = groups.some(({ shares }) => shares.length > 0) || holds.some(({ handed }) => handed);
  const contractions = phase.contractions.length;
  const accumulators = perRow.flatMap((row) => phase.contractions.map(({ id }) => `${name(id)}_${row}`));
  const sliced = slices === undefined ? undefined : slicedText(accumulators, slices, width);
  const summed = (index: string) => sliced?.total(index) ?? `sums[${index}]`;
  const passed = [
    ...phase.contractions.map((_, index) => `, ${summed(`i * ${contractions}u + ${index}u`)}`),
    ...atStep.map((clock) => `, ${clock.name}`),
  ].join('');
  const units = storage.elements(phase.shape);
  const terms = phase.contractions.flatMap((contraction) => contraction.terms);
  const summedOver = terms.map((term) => storage.matrix(term.matrix, term.transposed).summed);
  const sums = summedOver.map(({ sum }) => sum);
  // Of a matrix in triangular blocks half is multiplied, and half of the blocks on its diagonal.
  const products = summedOver.reduce(
    (total, { sum, range }) => total + storage.size(sum) * (range === undefined ? 1 : (range.blocks + 1) / (2 * range.blocks)),
    0,
  );
  // What lanes hold they load once, before the first step.
  const loaded = held === undefined ? 4 * width : 0;
  const words = sums.reduce((total, sum) => total + 4 * quads(storage.size(sum)) * (loaded + rows), 0);
  const rowAt = (offset: string) => (rows % tile === 0 ? `(first + ${offset})` : `min(first + ${offset}, ${rows - 1}u)`);
  const data = (suffix: string) => {
    const call = `finish${suffix}(${position}, col${passed});`;
    const there = [
      ...(rows % tile === 0 ? [] : [`at < ${rows}u`]),
      ...(slices === undefined || width % slices.columns === 0 ? [] : [`start + column < ${width}u`]),
    ];
    return {
      suffix,
      opaque,
      accumulators: [...phase.contractions.map(({ id }) => ({ name: name(id), type: 'vec4f' })), ...atStep],
      clocks,
      atStep: atStep.map((clock) => ({ ...clock, step })),
      asked,
      lines: body.lines,
      positions: contractions === 0 ? [] : indexLines(phase.shape, storage).map((text) => ({ text })),
      tile,
      width,
      tileRows: perRow.map((row) => ({
        row,
        index: rowOf(row === 0 ? 'first' : rowAt(`${row}u`)),
      })),
      ownRows: (multiplied && held === undefined ? ownRows : []).map((offset, turn) => ({
        row: ownName(turn),
        index: rowOf(rowAt(`(${offset})`)),
      })),
      accumulatorRows: accumulators.map((name, slot) => ({ name, slot })),
      groups,
      multiplied: holds.flatMap((one) => one.multiplied).map((text) => ({ text })),
      filled: holds.flatMap((one) => one.filled).map((text) => ({ text })),
      sums: sliced === undefined ? contractions * tile : 0,
      slices: sliced?.data,
      parameters: sliced === undefined ? 'col: u32' : 'start: u32, lane: u32',
      ...(slices === undefined ? { turn: '0u', next: 'i++' } : { turn: 'slice', next: `i += ${slices.count}u` }),
      call: there.length === 0 ? call : `if (${there.join(' && ')}) { ${call} }`,
      alive: ends ? aliveText() : '',
      ordered,
    };
  };
  return {
    data,
    calls: new Set([...clocks.flatMap(({ calls }) => [...calls]), ...body.calls]),
    instructions: body.instructions,
    width,
    hands: body.hands || multiplied,
    loops: body.loops,
    votes: multiplied && groups.some(({ alike }) => !alike),
    parts: sliced?.memory ?? 0,
    units,
    cost: {
      bytesRead: 4 * (words + phase.loads.size * rows * own * 4),
      bytesWritten: 16 * phase.stores.length * rows * own,
      flops: rows * units * (body.flops / (together?.count ?? 1) + 2 * products),
    },
  };

  /** Of the rows that a lane loads for others, the first, the second … */
  function ownName(turn: number): string {
    return `Own${turn}`;
  }

  /** Whether some row of the tile is a step of its sequence: the first is of the longest, unless the tile goes on to the next step. */
  function aliveText(): string {
    const longest = (turn: string) => stepsOf(storage, bindings, `(${sequence(turn)})`);
    if (pass.rows === 'step') return `time < ${longest('first')}`;
    const step = `i32(first / ${batch}u)`;
    const own = `${step} < ${longest(`first % ${batch}u`)}`;
    return batch % tile === 0 ? own : `(${own}) || (first % ${batch}u + ${tile}u > ${batch}u && ${step} + 1 < ${longest('0u')})`;
  }

  function contraction(group: OperandGroup, index: number) {
    const { view, summed, weights, idle } = group.common;
    const buffer = bindings.read(view.buffer);
    const bounds = sumBounds(storage, summed, lastIndex(phase.shape.length));
    const handed = share !== undefined && handing !== undefined && sameForAll(section, pass, group.common, handing);
    const loaded = handed ? ownRows.map((_, turn) => ownName(turn)) : perRow.map(String);
    const { lines, bases, inside } = operandLines({ storage, bindings }, group, pass.rows, loaded);
    const due = dueText(weights.map(({ id }) => id));
    const voted = (text: string) => (handed ? `subgroupAny(${text})` : text);
    const wanted = [ends ? 'alive' : [], due === '' ? [] : voted(step === undefined ? `due${index}` : due)].flat();
    return {
      due,
      alike: due === '' && !idle && summed.range === undefined,
      some: idle ? voted(notZero(loaded.map((row) => `x${row}`))) : '',
      comment: `${group.members.length} × ${storage.size(summed.sum)} units`,
      operands: group.members.length,
      from: slices === undefined ? bounds.from : `${bounds.from} + slice`,
      to: wanted.length === 0 ? bounds.to : `select(0u, ${bounds.to}, ${wanted.join(' & ')})`,
      advance: slices === undefined ? 'k++' : `k += ${slices.count}u`,
      opaque,
      lines: lines.map((text) => ({ text })),
      bases,
      loads: loaded.map((row) => {
        const load = `${buffer}[base${row} + k]`;
        const valid = inside(row);
        return { row, text: valid === undefined ? load : `select(vec4f(0), ${load}, ${valid})` };
      }),
      shares: handed
        ? perRow.map((row) => {
            const { load, lane } = share.owner(row);
            return { row, owner: ownName(load), lane };
          })
        : [],
      weights: weightsOf(group).map(({ accumulators: own, row, ...weight }) => ({
        ...weight,
        row1: row,
        row2: 2 * row,
        row3: 3 * row,
        updates: perRow.map((row) => ({ row, accumulator: own[row] })),
      })),
    };
  }

  /** The matrices that operands meet, and whose sums their products are added to. */
  function weightsOf({ common, members }: OperandGroup): HeldWeight[] {
    const extent = storage.extents(phase.shape).at(-1) ?? 1;
    return common.weights.map(({ id, buffer, headStride }, turn) => {
      const start = pick(
        members.map(({ bases: own }) => own[turn] ?? 0),
        'g',
      );
      return {
        buffer: bindings.read(buffer),
        base: headStride === 0 ? start : `${start} + i${phase.shape.length - 2} * ${headStride}u`,
        unit: lastIndex(phase.shape.length),
        stride: 4 * extent,
        row: extent,
        accumulators: perRow.map((row) => `${name(id)}_${row}`),
      };
    });
  }

  /** Products whose weights lanes hold; those of other groups lie before. */
  function holding(group: OperandGroup, before: readonly OperandGroup[], { start, sharers: most }: HeldBy) {
    const sharers = most !== undefined && sameForAll(section, pass, group.common, most) ? most : undefined;
    const { lines, bases, inside } = operandLines({ storage, bindings }, group, pass.rows, perRow.map(String));
    const text = heldText({
      group,
      summed: quads(storage.size(group.common.summed.sum)),
      start: before.reduce((sum, other) => sum + heldOf(section, other), start),
      lines,
      buffer: bindings.read(group.common.view.buffer),
      rows: perRow.map((row) => ({ row, base: bases[row]?.text ?? '0u', inside: inside(`${row}`) })),
      sharers,
      weights: weightsOf(group),
      when: ends ? 'alive' : undefined,
    });
    return { ...text, handed: sharers !== undefined };
  }
}

/** Whether so many lanes read an operand at the same position and units, of however many rows: then what one loads serves all. */
function sameForAll(
  { storage }: Section,
  { phase }: PhasePass,
  { view, summed }: OperandGroup['common'],
  lanes: number,
): boolean {
  const { units, range } = summed;
  const atOne = view.extents.length === 0 || (storage.extents(phase.shape).at(-1) ?? 1) % lanes === 0;
  return atOne && (range === undefined || storage.size(units) % (4 * lanes * range.blocks) === 0);
}

/** Whether some operand of a phase is the same for all lanes. */
function multipliesTheSame(section: Section, pass: PhasePass, lanes: number): boolean {
  const groups = operandGroups(pass.phase.contractions, section.storage, pass.rows, section.merging);
  return groups.some(({ common }) => sameForAll(section, pass, common, lanes));
}

/** As many rows as the registers hold, or as are worth it. */
export function tileRows({ phase }: PhasePass, rows: number, { accumulators, rows: most } = OWN): number {
  const contractions = phase.contractions.length;
  const fitting = contractions === 0 ? most : Math.max(1, Math.min(most, Math.floor(accumulators / contractions)));
  let tile = 1;
  while (tile * 2 <= fitting && tile * 2 <= rows) tile *= 2;
  return tile;
}
