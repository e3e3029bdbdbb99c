/**
 * A whole loop over time as one kernel. A phase reads and writes memory only, so what a loop dispatches step by step can as
 * well be walked by lanes that stay where they are, if what one lane reads of another's has been written when it does:
 *   thread    no lane reads what another one wrote in the loop; each walks the steps of its own units of one sequence, and keeps
 *             in registers what it brings from step to step
 *   resident  lanes of a workgroup have its sequences to themselves, and wait for each other between phases
 * Sequences never meet in a loop, so no lane ever waits for another workgroup, which WGSL could not promise to run.
 * The arithmetic is the phases', in the same order, and so are the results.
 */
import type { Target } from '../plan.js';
import { type Carried, carriedOf, keyOf, writtenBy } from '../schedule/carried.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { accessTo, type Place, widthOf } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { handsOn } from './handing.js';
import { holdingOf } from './held.js';
import { assemble, type Emitted, instructionsOf, lanesFor, type Turns, turnIn, turnsOf } from './kernel.js';
import { orderFor, type PhaseText, phaseText, type Tiling, tileRows } from './phase.js';
import { carriedName, Registers } from './registers.js';
import { spotsTogether } from './sharing.js';
import { longestSum, powerFrom, slicesWithin } from './slices.js';
import { addressOf, NOWHERE } from './values/spots.js';

/** A loop of a section: its phases in order, and which way it counts. */
export interface Loop {
  readonly name: string;
  readonly by: 1 | -1;
  readonly passes: readonly PhasePass[];
}

export interface Walk extends Emitted {
  /** The most steps of one dispatch: beyond, a watchdog might take it for one that hangs. */
  readonly steps: number;
  readonly instructions: number;
  /** Rows that a lane has together. */
  readonly tile: number;
  /** Whether lanes load what they multiply at every step. */
  readonly weights: 'held' | 'loaded';
}

/** A part of the loop that a lane walks, where it is not all of it. */
export interface Stretch {
  /** How many there are, side by side. */
  readonly count: number;
  /** Lines that declare `begin`, its first step, and `end`, the one to stop before, by its number `stretch`. */
  readonly lines: readonly string[];
  /** What each carried value is before its first step. */
  readonly starts: (bindings: Bindings, carried: readonly Carried[]) => readonly string[];
  /** Phases that the lanes add to the loop's own at each step, and behind its last one, `to`. */
  readonly eachStep: readonly PhasePass[];
  readonly atEnd: readonly PhasePass[];
  readonly to: number;
}

/** What a step costs at least, in operations: its loads and stores. */
const LEAST_WORK = 2 ** 12;
/** Workgroups that keep a machine busy: tiles of rows are halved until there are as many. */
const BUSY = { software: 4, hardware: 64 };

/** Each lane its own units of one sequence. */
export function emitThread(section: Section, target: Target, loop: Loop, stretch?: Stretch): Walk {
  const { storage } = section;
  const { by } = loop;
  const { eachStep = [], atEnd = [] } = stretch ?? {};
  const walked = [...loop.passes, ...eachStep];
  const passes = [...walked, ...atEnd];
  const rows = storage.size('B');
  const bindings = new Bindings();
  const carried = carriedOf(loop);
  const registers = new Registers({ by, passes }, carried);
  const texts = passes.map((pass) => phaseText(section, target, pass, bindings, { tile: 1, order: 'as numbered', registers }));
  const widest = Math.max(...texts.map(({ width }) => width));
  const lanes = lanesFor(target, widest);
  const columns = Math.ceil(widest / lanes);
  const inside = (width: number, text: string) => (width === columns * lanes ? text : `if (col < ${width}u) { ${text} }`);
  const [from, until] = stretch === undefined ? ['span.x', 'span.y'] : ['begin', 'end'];
  const inMemory = (place: Place, shift: number) =>
    `${bindings.write(place.buffer)}[${addressOf(storage, accessTo(place, shift), NOWHERE, 'col')}]`;
  const initial = stretch?.starts(bindings, carried) ?? carried.map(({ place, before }) => inMemory(place, before));
  const ofCarried = carried.map(({ place, after }, index) => ({
    place,
    start: inside(widthIn(section, place.shape), `${carriedName(index)} = ${initial[index]};`),
    end: inside(widthIn(section, place.shape), `${inMemory(place, after)} = ${carriedName(index)};`),
  }));
  const ends = ofCarried.flatMap(({ place, end }) => (place.layout === 'alternating' ? [end] : []));
  // Of the stretches there may be some that have no step.
  const atLast = (lines: readonly string[]) => [
    `if (${from} ${by > 0 ? '<' : '>'} ${until} && ${until} == ${stretch?.to}) {`,
    ...[`time = ${until};`, ...lines].map((line) => `  ${line}`),
    '}',
  ];
  const calls = texts.map(({ width }, index) => inside(width, `phase${index}(col, first);`));
  const behind = calls.slice(walked.length);
  return assembleWalk(section, target, { ...loop, passes }, texts, bindings, {
    comment: `${stretch === undefined ? 'thread' : `scan, ${stretch.count} stretches`}, ${passes.length} phases, ${rows} rows`,
    registers: registers.declared(),
    lanes,
    columns,
    turns: rows * (stretch?.count ?? 1),
    tile: 1,
    setup: [
      `let col = group.x * ${lanes}u + lane;`,
      ...(stretch === undefined
        ? ['let first = turn;']
        : [`let first = turn % ${rows}u;`, `let stretch = i32(turn / ${rows}u);`, ...stretch.lines]),
      'let b = first;',
      `${ends.length === 0 ? 'let' : 'var'} t = ${from};`,
    ],
    filled: [...registers.filled(), ...ofCarried.map(({ start }) => start)],
    from,
    until,
    body: [...registers.moved(), ...calls.slice(0, walked.length)],
    ends: [
      ...(ends.length === 0 ? [] : [`t = ${until} ${by > 0 ? '-' : '+'} 1;`, ...ends]),
      ...(behind.length === 0 ? [] : atLast([...registers.moved(), ...behind])),
    ],
  });
}

/** All units of a tile of sequences to a workgroup. */
export function emitResident(section: Section, target: Target, loop: Loop): Walk {
  const { passes } = loop;
  const rows = section.storage.size('B');
  const order = orderFor(section, passes);
  let tile = Math.min(...passes.map((pass) => tileRows(pass, rows)));
  while (tile > 1 && Math.ceil(rows / tile) < (target.software ? BUSY.software : BUSY.hardware)) tile /= 2;
  const holding = emitHolding(section, target, loop, { rows, order, tile });
  if (holding !== undefined) return holding;
  const bindings = new Bindings();
  const lanes = residentLanes(
    target,
    Math.max(...passes.map((pass) => lanesWanted(section, target, pass, widthIn(section, pass.phase.shape)))),
  );
  const together = spotsTogether(section, target, passes, lanes);
  const widths = passes.map(({ phase }, index) => widthOf(together[index] ?? { extents: section.storage.extents(phase.shape) }));
  // Lanes of which some have nothing to do in the last turn of a phase could hand nothing on.
  const handing = widths.every((width) => handsOn(target, lanes, width)) ? lanes : undefined;
  const slices = passes.map((pass) => (target.software ? undefined : slicesWithin(section, pass, { lanes, tile })));
  const texts = passes.map((pass, index) =>
    phaseText(section, target, pass, bindings, {
      tile,
      order,
      handing,
      together: together[index],
      slices: slices[index],
    }),
  );
  const parts = Math.max(...texts.map((text) => text.parts));
  const hands = texts.some((text) => text.hands);
  return assembleWalk(section, target, loop, texts, bindings, {
    comment: `resident, ${passes.length} phases, ${rows} rows in tiles of ${tile}`,
    registers: [],
    lanes,
    columns: 1,
    turns: Math.ceil(rows / tile),
    tile,
    order: turnsOf(target, order, rows, 0),
    setup: [`let first = turn * ${tile}u;`],
    filled: [],
    from: 'span.x',
    until: 'span.y',
    body: widths.flatMap((width, index) => [
      slices[index] !== undefined
        ? `phase${index}(0u, lane, first);`
        : hands
          ? `for (var start = 0u; start < ${width}u; start += ${lanes}u) { phase${index}(start + lane, first); }`
          : `for (var col = lane; col < ${width}u; col += ${lanes}u) { phase${index}(col, first); }`,
      'storageBarrier();',
      ...(parts > 0 ? ['workgroupBarrier();'] : []),
    ]),
    parts,
    ...(hands && handing !== undefined ? { subgroup: handing } : {}),
    ends: [],
  });
}

/** The same, of lanes that hold what they multiply; `undefined` where they cannot. */
function emitHolding(section: Section, target: Target, loop: Loop, { rows, order, tile: most }: Rows): Walk | undefined {
  const { passes } = loop;
  const holding = holdingOf(section, target, passes, most);
  if (holding === undefined) return undefined;
  const { lanes, count, starts, tile } = holding;
  const bindings = new Bindings();
  const widths = passes.map(({ phase }) => widthIn(section, phase.shape));
  const handing = widths.every((width) => handsOn(target, lanes, width)) ? lanes : undefined;
  const together = handing === undefined ? [] : spotsTogether(section, target, passes, lanes);
  const full = target.broadcasts && lanes % target.subgroup === 0;
  const texts = passes.map((pass, index) =>
    phaseText(section, target, pass, bindings, {
      tile,
      order,
      handing,
      together: together[index],
      held:
        pass.phase.contractions.length === 0
          ? undefined
          : {
              start: starts[index] ?? 0,
              // All lanes of a subgroup are there.
              sharers: full && widths[index] === lanes ? target.subgroup : undefined,
            },
    }),
  );
  // Sums of all units are one lane's work for each of them, unless lanes of one subgroup share it out.
  if (handing === undefined && texts.some(({ loops }) => loops)) return undefined;
  const calls = (text: (index: number) => string) =>
    widths.map((width, index) => (width === lanes ? text(index) : `if (lane < ${width}u) { ${text(index)} }`));
  const hands = texts.some((text) => text.hands);
  return assembleWalk(section, target, loop, texts, bindings, {
    comment: `resident, ${passes.length} phases, ${rows} rows in tiles of ${tile}, weights held`,
    registers: [{ name: 'held', type: `array<vec4f, ${count}>` }, ...(hands ? [{ name: 'sharer', type: 'u32' }] : [])],
    lanes,
    columns: 1,
    turns: Math.ceil(rows / tile),
    tile,
    order: turnsOf(target, order, rows, 0),
    setup: [`let first = turn * ${tile}u;`, ...(hands ? ['sharer = invocation;'] : [])],
    filled: calls((index) => `hold${index}(lane);`).filter((_, index) => (passes[index]?.phase.contractions.length ?? 0) > 0),
    from: 'span.x',
    until: 'span.y',
    body: calls((index) => `phase${index}(lane, first);`).flatMap((call) => [call, 'storageBarrier();']),
    weights: 'held',
    ...(hands ? { shares: true, subgroup: target.subgroup } : {}),
    ends: [],
  });
}

interface Rows {
  readonly rows: number;
  readonly order: Tiling['order'];
  /** The most to a workgroup. */
  readonly tile: number;
}

interface WalkForm {
  readonly comment: string;
  readonly registers: readonly { readonly name: string; readonly type: string }[];
  readonly lanes: number;
  /** Workgroups along the units, and along everything else. */
  readonly columns: number;
  readonly turns: number;
  readonly tile: number;
  readonly order?: Turns;
  readonly setup: readonly string[];
  readonly filled: readonly string[];
  readonly from: string;
  readonly until: string;
  readonly body: readonly string[];
  readonly ends: readonly string[];
  readonly weights?: Walk['weights'];
  /** Whether lanes load for others of their subgroup, whichever these are. */
  readonly shares?: boolean;
  /** As in `KernelHead`. */
  readonly subgroup?: number;
  readonly parts?: number;
}

function assembleWalk(
  section: Section,
  target: Target,
  { name, by, passes }: Loop,
  texts: readonly PhaseText[],
  bindings: Bindings,
  form: WalkForm,
): Walk {
  const { comment, registers, lanes, columns, turns, tile, from, until } = form;
  const { turn, folded, gridY, gridZ } = turnIn(target, turns, form.order ?? 'as numbered');
  const lines = (all: readonly string[]) => all.map((text) => ({ text }));
  const kernel = assemble(
    'walk',
    { name, sees: 'span', parts: form.parts ?? 0, ...(form.subgroup === undefined ? {} : { subgroup: form.subgroup }) },
    target,
    bindings,
    new Set(texts.flatMap(({ calls }) => [...calls])),
    {
      comment,
      registers,
      phases: texts.map(({ data }, index) => data(`${index}`)),
      lanes,
      turn,
      folded,
      shares: form.shares ?? false,
      guard: turns % gridY === 0 ? '' : `turn >= ${turns}u`,
      setup: lines(form.setup),
      filled: lines(form.filled),
      from,
      until,
      before: by > 0 ? '<' : '>',
      advance: by > 0 ? '++' : '--',
      body: lines(form.body),
      ends: lines(form.ends),
    },
  );
  const total = (of: (text: PhaseText) => number) => texts.reduce((sum, text) => sum + of(text), 0);
  const flops = total(({ cost }) => cost.flops);
  const work = target.software ? flops : flops / (columns * turns);
  return {
    kernel,
    workgroups: [columns, gridY, gridZ],
    tile,
    weights: form.weights ?? 'loaded',
    steps: Math.max(1, Math.floor(target.maxDispatchWork / Math.max(LEAST_WORK, work))),
    instructions: texts.reduce((sum, text, index) => sum + instructionsIn(section, passes[index], text), 0),
    cost: { bytesRead: total(({ cost }) => cost.bytesRead), bytesWritten: total(({ cost }) => cost.bytesWritten), flops },
  };
}

/**
 * Why lanes of a loop cannot walk apart, for people; `undefined` where each reads of what the loop writes only the units that
 * it writes itself.
 */
export function meeting({ builder }: Section, { passes }: Pick<Loop, 'passes'>): string | undefined {
  const written = writtenBy({ passes });
  for (const { phase } of passes) {
    for (const { id, terms } of phase.contractions) {
      if (terms.some(({ operand }) => written.has(keyOf(operand.access.place))))
        return `a matrix mixes units of the step before (spec line ${builder.node(id).span.line})`;
    }
    for (const [id, { place }] of phase.loads) {
      if (!written.has(keyOf(place))) continue;
      if (phase.afar.has(id) || place.shape.join() !== phase.shape.join())
        return `units are read at other units (spec line ${builder.node(id).span.line})`;
    }
  }
  return undefined;
}

export function widthIn({ storage }: Section, shape: Place['shape']): number {
  return storage.extents(shape).reduce((product, extent) => product * extent, 1);
}

const instructionsIn = ({ builder }: Section, pass: PhasePass | undefined, { instructions }: PhaseText) =>
  pass === undefined ? instructions : instructionsOf(builder, pass.phase, instructions);

/** Lanes that a phase has work for: on a machine that runs many of them at once, some share a sum. */
function lanesWanted(section: Section, { software }: Target, pass: PhasePass, width: number): number {
  return software ? width : powerFrom(width) * powerFrom(longestSum(section, pass));
}

/** Of a workgroup that has all units: on a processor more lanes than one vector would only be run in turns. */
function residentLanes(target: Target, widest: number): number {
  const most = target.software ? target.subgroup : 256;
  return Math.min(most, Math.max(target.software ? 1 : target.subgroup, powerFrom(widest)));
}
