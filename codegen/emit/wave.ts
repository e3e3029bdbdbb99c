/**
 * Kernels of a wave, one for each of its slots: workgroups share out the stages among them, and stages that differ only in where
 * their tensors lie share one text. Their arithmetic is that of their own kernels, in the same order, and so are the results.
 */
import type { KernelSpec, Target } from '../plan.js';
import type { Section } from '../schedule/passes.js';
import type { Stage, Wave } from '../schedule/wave.js';
import { type Alike, alike } from './alike.js';
import { Bindings } from './bindings.js';
import { assemble, checkSize, type Emitted, instructionsOf, lanesFor, MOST_LANES, pick } from './kernel.js';
import { type PhaseText, phaseText } from './phase-text.js';
import { render } from './render.js';
import { type Slices, slicesFilling } from './slices.js';
import { orderFor, rowsOf, tileRows } from './tiles.js';

/** One stage by itself. */
interface Single {
  readonly stage: Stage;
  readonly phase: PhaseText;
  readonly bindings: KernelSpec['bindings'];
  readonly instructions: number;
  readonly text: string;
  /** What its workgroups are. */
  readonly form: {
    readonly width: number;
    readonly slices: Slices | undefined;
    readonly tile: number;
    readonly tiles: number;
    /** Steps that it takes together, with so many rows of so many in all. */
    readonly every: number;
    readonly batch: number;
    readonly rows: number;
  };
  /** In a run. */
  readonly cost: Emitted['cost'];
}

export interface EmittedWave {
  /** How many waves there are beside the steps. */
  readonly delay: number;
  /** In the order of their slots, with what they cost in a run. */
  readonly kernels: readonly Emitted[];
}

/** @param nameOf the name of a wave's `turn`-th kernel */
export function emitWave({ loops, slots, stages }: Wave, target: Target, nameOf: (turn: number) => string): EmittedWave {
  const by = loops[0]?.order.by ?? 1;
  const delay = Math.max(...stages.map(({ behind }) => behind));
  const kernels: Emitted[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const singles = stages.filter((stage) => stage.slot === slot).map((stage) => single(stage, target));
    for (const fitting of inKernels(singles, target)) kernels.push(waveKernel(fitting, target, by, nameOf(kernels.length)));
  }
  return { delay, kernels };
}

function single(stage: Stage, target: Target): Single {
  const { section, pass, every } = stage;
  const { storage } = section;
  const batch = storage.size('B');
  const rows = every * batch;
  const most = tileRows(pass, rows);
  const { tile, slices } = slicesFilling(section, target, pass, { rows, tile: most }) ?? { tile: most, slices: undefined };
  const bindings = new Bindings();
  const phase = phaseText(section, target, pass, bindings, { tile, order: orderFor(section, [pass]), slices });
  checkSize(section.builder, target, pass, phase.instructions);
  const turns = pass.rows === 'all' ? 1 : storage.steps;
  return {
    stage,
    phase,
    bindings: bindings.spec(),
    instructions: instructionsOf(section.builder, pass.phase, phase.instructions),
    text: textOf(phase, SUFFIX),
    form: { width: phase.width, slices, tile, tiles: Math.ceil(rows / tile), every, batch, rows: rowsOf(section, pass) },
    cost: {
      bytesRead: phase.cost.bytesRead * turns,
      bytesWritten: phase.cost.bytesWritten * turns,
      flops: phase.cost.flops * turns,
    },
  };
}

/** Behind the names of a text's functions, until it is known which kind of stages it is of. */
const SUFFIX = '_of_kind';

const textOf = ({ data }: PhaseText, suffix: string): string => render('stage', data(suffix)).trimEnd();

/** Stages in the order of a slot, as few kernels as its buffers and instructions allow. */
function inKernels(singles: readonly Single[], target: Target): Single[][] {
  const kernels: Single[][] = [];
  for (const one of singles) {
    const last = kernels.at(-1);
    if (last !== undefined && fits([...last, one], target)) last.push(one);
    else kernels.push([one]);
  }
  return kernels;
}

function fits(singles: readonly Single[], { maxStorageBuffers, maxKernelInstructions }: Target): boolean {
  const instructions = alike(singles, () => '').reduce((sum, { members: [first] }) => sum + (first?.instructions ?? 0), 0);
  return mergedBindings(singles).spec().length <= maxStorageBuffers && instructions <= 2 * maxKernelInstructions;
}

function mergedBindings(singles: readonly Single[]): Bindings {
  const bindings = new Bindings();
  for (const { bindings: own } of singles) {
    for (const { buffer, access } of own) {
      if (access === 'read') bindings.read(buffer);
      else bindings.write(buffer);
    }
  }
  return bindings;
}

function waveKernel(singles: readonly Single[], target: Target, by: 1 | -1, name: string): Emitted {
  const groups = alike(singles, (group, number) => `n${group}_${number}`);
  const lanes = Math.max(
    ...singles.map(({ form: { width, slices } }) => (slices === undefined ? lanesFor(target, width) : MOST_LANES)),
  );
  const ends: number[] = [];
  for (const { members } of groups) ends.push((ends.at(-1) ?? 0) + members.length * workgroupsOf(members[0], lanes).count);
  const turns = ends.at(-1) ?? 1;
  const gridX = Math.min(turns, target.maxWorkgroupsPerDimension);
  const sum = (of: (cost: Emitted['cost']) => number) => singles.reduce((total, { cost }) => total + of(cost), 0);
  const kernel = assemble(
    'wave',
    { name, sees: 'wave', parts: Math.max(...singles.map(({ phase }) => phase.parts)) },
    target,
    mergedBindings(singles),
    new Set(singles.flatMap(({ phase }) => [...phase.calls])),
    {
      comment: `wavefront, ${singles.length} stages in ${turns} workgroups`,
      lanes,
      gridX,
      kinds: groups.map((group, index) => kindOf(group, index, { lanes, by, from: ends[index - 1] ?? 0, to: ends[index] ?? 0 })),
    },
  );
  return {
    kernel,
    workgroups: [gridX, Math.ceil(turns / gridX), 1],
    cost: {
      bytesRead: sum(({ bytesRead }) => bytesRead),
      bytesWritten: sum(({ bytesWritten }) => bytesWritten),
      flops: sum(({ flops }) => flops),
    },
  };
}

function workgroupsOf(one: Single | undefined, lanes: number): { readonly columns: number; readonly count: number } {
  const { width = 1, tiles = 1, slices } = one?.form ?? {};
  const columns = Math.ceil(width / (slices?.columns ?? lanes));
  return { columns, count: columns * tiles };
}

/** The part of a kernel that stages of one text share. */
function kindOf(
  { members, text, numbers }: Alike<Single>,
  index: number,
  { lanes, by, from, to }: { readonly lanes: number; readonly by: 1 | -1; readonly from: number; readonly to: number },
): object {
  const [first] = members;
  if (first === undefined) throw new Error('a kind of stages without members');
  const { width, slices, tile, every, batch, rows } = first.form;
  const { columns, count } = workgroupsOf(first, lanes);
  const behind = pick(
    members.map(({ stage }) => stage.behind),
    'stage',
  );
  const wave = `span.x - i32(${behind})`;
  const own = `part / ${columns}u * ${tile}u`;
  const row = every === 1 ? own : `u32(now) / ${every}u * ${every * batch}u + ${own}`;
  const inside = [
    ...(slices !== undefined || width % lanes === 0 ? [] : [`col < ${width}u`]),
    ...(every === 1 || rows % (every * batch) === 0 ? [] : [`first < ${rows}u`]),
  ];
  const call = `phase${index}(${slices === undefined ? 'col' : 'start, lane'}, first);`;
  const turn = by > 0 ? `now % ${every} == ${every - 1} || now == span.y - 1` : `now % ${every} == 0`;
  return {
    comment: members.map(({ stage: { section, pass } }) => nameIn(section, pass.name)).join(', '),
    // The same text, under names of its own.
    text: text.replaceAll(SUFFIX, `${index}`),
    numbers: numbers.map(({ name, values }) => ({ name, value: pick(values, 'stage') })),
    range: from === 0 ? `turn < ${to}u` : `turn >= ${from}u && turn < ${to}u`,
    from,
    count,
    columns,
    lanes,
    slices,
    step: by > 0 ? wave : `span.y - 1 - (${wave})`,
    turn: `now >= 0 && now < span.y${every === 1 ? '' : ` && (${turn})`}`,
    row,
    call: inside.length === 0 ? call : `if (${inside.join(' && ')}) { ${call} }`,
  };
}

const nameIn = ({ prefix }: Section, name: string): string => (prefix === '' ? name : `${prefix}_${name}`);
