/**
 * A whole loop over time as one kernel. A phase reads and writes memory only, so what a loop dispatches step by step can as
 * well be walked by lanes that stay where they are, if what one lane reads of another's has been written when it does:
 *   thread    no lane reads what another one wrote in the loop; each walks the steps of its own units and sequences
 *   resident  lanes of a workgroup have its sequences to themselves, and wait for each other between phases
 * Sequences never meet in a loop, so no lane ever waits for another workgroup, which WGSL could not promise to run.
 * The arithmetic is the phases', in the same order, and so are the results.
 */
import type { LoopStrategy, Target } from '../plan.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import type { Place } from '../schedule/places.js';
import { Bindings } from './bindings.js';
import { assemble, type Emitted, instructionsOf, lanesFor } from './kernel.js';
import { type PhaseText, phaseText, tileRows } from './phase.js';

export type Walking = Exclude<LoopStrategy, 'stepwise'>;

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
}

/** What a step costs at least, in operations: its loads and stores. */
const LEAST_WORK = 2 ** 12;
/** Workgroups that keep a machine busy: tiles of rows are halved until there are as many. */
const BUSY = { software: 4, hardware: 64 };

export function emitWalk(section: Section, target: Target, loop: Loop, strategy: Walking): Walk {
  const { passes, by, name } = loop;
  const rows = section.storage.size('B');
  const bindings = new Bindings();
  const widest = Math.max(...passes.map(({ phase }) => widthIn(section, phase.shape)));
  const lanes = strategy === 'thread' ? lanesFor(target, widest) : residentLanes(target, widest);
  const columns = strategy === 'thread' ? Math.ceil(widest / lanes) : 1;
  let tile = Math.min(...passes.map((pass) => tileRows(pass, rows)));
  while (tile > 1 && columns * Math.ceil(rows / tile) < (target.software ? BUSY.software : BUSY.hardware)) tile /= 2;
  const tiles = Math.ceil(rows / tile);
  const gridY = Math.min(tiles, target.maxWorkgroupsPerDimension);
  const texts = passes.map((pass) => phaseText(section, target, pass, bindings, tile));
  const turns = texts.flatMap(({ width }, index) => {
    const call = `phase${index}(col, first);`;
    if (strategy === 'resident')
      return [`for (var col = lane; col < ${width}u; col += ${lanes}u) { ${call} }`, 'storageBarrier();'];
    return [width === columns * lanes ? call : `if (col < ${width}u) { ${call} }`];
  });
  const kernel = assemble('walk', { name, sees: 'span' }, target, bindings, new Set(texts.flatMap(({ calls }) => [...calls])), {
    comment: `${strategy}, ${passes.length} phases, ${rows} rows in tiles of ${tile}`,
    phases: texts.map(({ data }, index) => data(`${index}`)),
    lanes,
    gridY,
    tile,
    setup: strategy === 'thread' ? [{ text: `let col = group.x * ${lanes}u + lane;` }] : [],
    guard: tiles % gridY === 0 ? '' : `first >= ${rows}u`,
    before: by > 0 ? '<' : '>',
    advance: by > 0 ? '++' : '--',
    turns: turns.map((text) => ({ text })),
  });
  const total = (of: (text: (typeof texts)[number]) => number) => texts.reduce((sum, text) => sum + of(text), 0);
  const flops = total(({ cost }) => cost.flops);
  const work = target.software ? flops : flops / (columns * tiles);
  return {
    kernel,
    workgroups: [columns, gridY, Math.ceil(tiles / gridY)],
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
  const keyOf = ({ buffer, base }: Place) => `${buffer} ${base}`;
  const written = new Set(passes.flatMap(({ phase }) => phase.stores.map(({ place }) => keyOf(place))));
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

function widthIn({ storage }: Section, shape: Place['shape']): number {
  return storage.extents(shape).reduce((product, extent) => product * extent, 1);
}

const instructionsIn = ({ builder }: Section, pass: PhasePass | undefined, { instructions }: PhaseText) =>
  pass === undefined ? instructions : instructionsOf(builder, pass.phase, instructions);

/** Of a workgroup that has all units: on a processor more lanes than one vector would only be run in turns. */
function residentLanes(target: Target, widest: number): number {
  const most = target.software ? target.subgroup : 256;
  return Math.min(most, Math.max(target.software ? 1 : target.subgroup, 2 ** Math.ceil(Math.log2(widest))));
}
