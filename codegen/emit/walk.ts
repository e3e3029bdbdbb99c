/**
 * A whole loop over time as one kernel. A phase reads and writes memory only, so what a loop dispatches step by step can as
 * well be walked by lanes that stay where they are, if what one lane reads of another's has been written when it does:
 *   thread    no lane reads what another one wrote in the loop; each walks the steps of its own units of one sequence, and keeps
 *             in registers what it brings from step to step
 *   resident  lanes of a workgroup have its sequences to themselves, and wait for each other between phases (`resident.ts`)
 * Sequences never meet in a loop, so no lane ever waits for another workgroup, which WGSL could not promise to run.
 * The arithmetic is the phases', in the same order, and so are the results.
 */
import type { Target } from '../plan.js';
import { type Carried, carriedOf, keyOf, writtenBy } from '../schedule/carried.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import { accessTo, type Place } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { assemble, type Emitted, instructionsOf, lanesFor, type Turns, turnIn } from './kernel.js';
import { type PhaseText, phaseText } from './phase-text.js';
import { carriedName, Registers } from './registers.js';
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

/** What a kernel that walks is made of, beside its phases. */
export interface WalkForm {
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
  /** As in `KernelHead`. */
  readonly subgroup?: number;
  readonly parts?: number;
}

export function assembleWalk(
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
      // Lanes that hold weights load for the others of their subgroup, whichever these are.
      shares: form.weights === 'held' && form.subgroup !== undefined,
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
