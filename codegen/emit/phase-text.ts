/** What a phase is in WGSL, apart from who runs which of its tiles of rows: for the templates `tile`, `finish` and `stage`. */
import type { WgslFunction } from '../ops/wgsl/index.js';
import type { Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { quads, widthOf } from '../schedule/places.js';
import { type Bindings, sequenceOf, stepsOf } from './bindings.js';
import { printBody } from './body.js';
import { clocksIn, notZero } from './clocks.js';
import { shared, summing } from './handing.js';
import { type HeldWeight, heldOf, heldText } from './held.js';
import { type Emitted, pick, rolled } from './kernel.js';
import { inLoops, type OperandGroup, operandGroups, operandLines, sumBounds } from './operands.js';
import { loadersIn, wholeRow } from './sharing.js';
import { slicedText } from './slices.js';
import { type HeldBy, rowsOf, sameForAll, type Tiling } from './tiles.js';
import { indexLines, lastIndex } from './values/indices.js';
import { name } from './values/texts.js';

/**
 * Accumulators that one loop adds to. LLVM has more of them in registers where there are fewer, which is worth loading what is multiplied
 * once for each: an LSTM of 128 units, 32 sequences forward, takes a third less time on lavapipe. SwiftShader's compiler spills them
 * all, and there it takes a fifth more.
 */
const sumsInLoop = ({ software, subgroup }: Target): number => (software && subgroup >= 8 ? 16 : Number.POSITIVE_INFINITY);

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
  /** Whether they do so in loops that are as long for all of them only as far as is known here. */
  readonly votes: boolean;
  /** Whether there are loops in what follows the sums. */
  readonly loops: boolean;
  /** `vec4f` of workgroup memory. */
  readonly parts: number;
  readonly units: number;
  /** For one dispatch over all rows. */
  readonly cost: Emitted['cost'];
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
  const merged = operandGroups(phase.contractions, storage, pass.rows, merging);
  const groups = held === undefined ? inLoops(merged, Math.floor(sumsInLoop(target) / tile)).map(contraction) : [];
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
      opaque,
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
