/** The kernels of a loop that is a scan; what they do is said in schedule/scan.ts. */
import type { Target } from '../plan.js';
import type { Order, PhasePass, Section } from '../schedule/passes.js';
import { accessTo, type Place, type Store } from '../schedule/places.js';
import type { Scan, ScanGroup } from '../schedule/scan.js';
import { algebraText, composition, letter, nameOf, type Part, rest } from './algebra.js';
import { Bindings } from './bindings.js';
import { printBody } from './body.js';
import { type Follower, type Followers, NO_FOLLOWERS } from './followers.js';
import { summing } from './handing.js';
import { assemble, type Emitted, lanesFor, rolled } from './kernel.js';
import { type Register, Registers } from './registers.js';
import { addressOf, NOWHERE, slotStart } from './values/spots.js';
import { emitThread, type Loop, type Stretch, type Walk, widthIn } from './walk.js';

export interface EmittedScan {
  readonly passes: readonly { readonly pass: Pick<PhasePass, 'name' | 'region' | 'direction'>; readonly emitted: Emitted }[];
  /** Of one round of dispatches, at most. */
  readonly steps: number;
  /** What its lanes do besides. */
  readonly absorbed: readonly Order[];
}

export type ScanLoop = Loop & Pick<PhasePass, 'name' | 'region' | 'direction'> & { readonly to: number };

/**
 * Where the sums of a group's stretches lie: the factors, of affine ones each with what float32 leaves out of it, and the rests, which
 * become what each stretch begins with. The product of a stretch's factors is rounded at every step, in stretches that are alike in the
 * same direction: over many stretches that would be more than the steps' own rounding.
 */
interface Sums {
  readonly parts: ReadonlyMap<Part, readonly (readonly Place[])[]>;
  readonly rests: readonly Place[];
}

/** @param thread the same loop walked by lanes on their own, which says how much one dispatch may do */
export function emitScan(
  section: Section,
  target: Target,
  loop: ScanLoop,
  { scan, thread, followers }: { readonly scan: Scan; readonly thread: Walk; readonly followers: Followers },
): EmittedScan {
  const { storage } = section;
  const { stretch } = scan;
  const count = Math.ceil(Math.min(storage.steps, Math.max(stretch, thread.steps)) / stretch);
  const pool = loop.direction === 'forward' ? 'values' : 'adjoints';
  const sums = scan.groups.map((group): Sums => {
    const { shape, carried } = group;
    const place = () => storage.place(pool, 'sequence', shape, count, 'the sums of a scan');
    const parts = algebraText(group).parts.map((part) => [part, carried.map(() => carried.map(place))] as const);
    return { parts: new Map(parts), rests: carried.map(place) };
  });
  const { by } = loop;
  const lines = [
    // Stretches are cut at the same steps wherever a run begins: its bits are then the same.
    `let cut = (span.x / ${stretch} ${by > 0 ? '+' : '-'} stretch) * ${stretch};`,
    ...(by > 0
      ? ['let begin = max(cut, span.x);', `let end = min(cut + ${stretch}, span.y);`]
      : [`let begin = min(cut + ${stretch - 1}, span.x);`, 'let end = max(cut - 1, span.y);']),
  ];
  const steps = { count, lines, stretch };
  const own = scan.groups.flatMap((group, index) => {
    const parts = { section, target, loop, group, sums: sums[index] ?? nowhere(), steps };
    return [
      { pass: { ...loop, name: `${loop.name}_sums_${index}` }, emitted: emitSums(parts, `${loop.name}_sums_${index}`) },
      { pass: { ...loop, name: `${loop.name}_starts_${index}` }, emitted: emitStarts(parts, `${loop.name}_starts_${index}`) },
    ];
  });
  const stretches: Omit<Stretch, 'eachStep' | 'atEnd'> = {
    count,
    lines,
    to: loop.to,
    starts: (bindings, carried) =>
      carried.map(({ place }): string => {
        const group = scan.groups.findIndex(({ carried: own }) => own.some((one) => one.place === place));
        const index = scan.groups[group]?.carried.findIndex((one) => one.place === place) ?? -1;
        return at(section, bindings, sums[group]?.rests[index] ?? nowhere());
      }),
  };
  const walkWith = ({ eachStep, atEnd }: Followers): Walk => {
    const passesOf = (own: readonly Follower[]) => own.map(({ pass }) => pass);
    return emitThread(section, target, loop, { ...stretches, eachStep: passesOf(eachStep), atEnd: passesOf(atEnd) });
  };
  const all = walkWith(followers);
  const fits = all.instructions <= 2 * target.maxKernelInstructions && all.kernel.bindings.length <= target.maxStorageBuffers;
  return {
    passes: [...own, { pass: loop, emitted: fits ? all : walkWith(NO_FOLLOWERS) }],
    steps: count * stretch,
    absorbed: fits ? [...followers.eachStep, ...followers.atEnd].map(({ order }) => order) : [],
  };
}

interface Parts {
  readonly section: Section;
  readonly target: Target;
  readonly loop: ScanLoop;
  readonly group: ScanGroup;
  readonly sums: Sums;
  readonly steps: { readonly count: number; readonly lines: readonly string[]; readonly stretch: number };
}

function emitSums(parts: Parts, name: string): Emitted {
  const { section, group, sums, steps } = parts;
  const rows = section.storage.size('B');
  const own = scanned(parts);
  const { bindings } = own;
  const all = indices(group);
  const text = algebraText(group);
  const results = all.flatMap((i) => [
    ...all.flatMap((j) => text.kept(`${i}_${j}`, (part) => at(section, bindings, placeOf(sums, part, i, j)))),
    `${at(section, bindings, sums.rests[i] ?? nowhere())} = ${text.keptRest(rest(i))};`,
  ]);
  return assembled(parts, 'sums', name, own, rows * steps.count, {
    comment: `scan, ${steps.count} stretches of ${steps.stretch} steps, ${group.carried.length} carried`,
    rows,
    stretch: lines(steps.lines),
    identity: lines(
      all.flatMap((i) => [
        ...all.flatMap((j) => {
          const values = { factor: i === j ? text.one : text.none, tail: 'vec4f(0)' };
          return text.parts.map((part) => `${nameOf(part, i, j)} = ${values[part]};`);
        }),
        `${rest(i)} = ${text.none};`,
      ]),
    ),
    results: lines(results),
  });
}

function emitStarts(parts: Parts, name: string): Emitted {
  const { section, group, sums, steps } = parts;
  const own = scanned(parts);
  const { bindings } = own;
  const all = indices(group);
  const text = algebraText(group);
  const restOf = (i: number) => at(section, bindings, sums.rests[i] ?? nowhere());
  const reads = all.flatMap((i) => [
    ...all.flatMap((j) =>
      text.parts.map((part) => `let ${letter[part]}${i}_${j} = ${at(section, bindings, placeOf(sums, part, i, j))};`),
    ),
    `let r${i} = ${restOf(i)};`,
  ]);
  const { storage } = section;
  const begins = group.carried.map(({ place, before }, i) => {
    return `var h${i} = ${bindings.read(place.buffer)}[${addressOf(storage, accessTo(place, before), NOWHERE, 'col')}];`;
  });
  return assembled(parts, 'starts', name, own, storage.size('B'), {
    comment: `scan, ${group.carried.length} carried through ${steps.count} stretches`,
    stretches: steps.count,
    stretch: lines(steps.lines),
    begins: lines(begins),
    reads: lines(reads),
    writes: lines(all.map((i) => `${restOf(i)} = h${i};`)),
    sure: text.sure(all),
    onward: lines([...all.map((i) => `let n${i} = ${text.onward(all, i)};`), ...all.map((i) => `h${i} = n${i};`)]),
    anew: lines(all.map((i) => `${rest(i)} = h${i};`)),
    arrived: lines(all.map((i) => `h${i} = ${rest(i)};`)),
  });
}

/** The function that puts one step behind those before, and what it needs. */
interface Scanned {
  readonly bindings: Bindings;
  readonly registers: Registers;
  readonly variables: readonly Register[];
  readonly body: ReturnType<typeof printBody>;
  readonly loads: number;
}

function scanned({ section: { builder, storage }, target, loop, group, sums }: Parts): Scanned {
  const bindings = new Bindings();
  const registers = new Registers(loop, []);
  const all = indices(group);
  const names = new Map<Store, string>();
  // Where they would be stored counts for their width alone: they are composed at once. Behind a sequence's end they are zeros, so that of
  // an affine step nothing is left, and of another what nobody reads: its loop goes forward.
  const stored = (value: number, place: Place, name: string) => {
    const store: Store = { value, place, shift: 0, when: 'active' };
    names.set(store, name);
    return store;
  };
  const { parts } = algebraText(group);
  const stores = all.flatMap((i) => {
    const own = group.rests[i];
    return [
      ...all.flatMap((j) => {
        const value = group.factors[i]?.[j];
        return value === undefined ? [] : [stored(value, placeOf(sums, 'factor', i, j), `a${i}_${j}`)];
      }),
      ...(own === undefined ? [] : [stored(own, sums.rests[i] ?? nowhere(), `b${i}`)]),
    ];
  });
  const { shape, loads, afar } = group;
  const phase = { level: 0, shape, contractions: [], loads, afar, stores, instructions: 0 };
  const request = { builder, storage, phase, bindings, opaque: rolled(target), registers, summing: summing(target, false) };
  const body = printBody(request, (store, _, value) => `let ${names.get(store)} = ${value};`);
  const variables = all.flatMap((i): Register[] =>
    [...all.flatMap((j) => parts.map((part) => nameOf(part, i, j))), rest(i)].map((name) => ({ name, type: 'vec4f' })),
  );
  return { bindings, registers, variables, body, loads: loads.size };
}

function assembled(
  { section, target, loop, group, steps }: Parts,
  template: 'sums' | 'starts',
  name: string,
  { bindings, registers, variables, body, loads }: Scanned,
  turns: number,
  data: Readonly<Record<string, unknown>> & { readonly comment: string },
): Emitted {
  const { storage } = section;
  const width = widthIn(section, group.shape);
  const lanes = lanesFor(target, width);
  const gridY = Math.min(turns, target.maxWorkgroupsPerDimension);
  const k = group.carried.length;
  const { parts, tropical } = algebraText(group);
  const kernel = assemble(template, { name, sees: 'span' }, target, bindings, body.calls, {
    ...data,
    registers: [...variables, ...registers.declared()],
    filled: lines(registers.filled()),
    lines: body.lines,
    composed: lines(composition(group)),
    tropical,
    lanes,
    gridY,
    guard: [width % lanes === 0 ? [] : `col >= ${width}u`, turns % gridY === 0 ? [] : `turn >= ${turns}u`].flat().join(' || '),
    before: loop.by > 0 ? '<' : '>',
    advance: loop.by > 0 ? '++' : '--',
  });
  const row = 16 * width * storage.size('B');
  const words = (row * (parts.length * k * k + k)) / steps.stretch;
  return {
    kernel,
    workgroups: [Math.ceil(width / lanes), gridY, Math.ceil(turns / gridY)],
    cost:
      template === 'sums'
        ? {
            bytesRead: row * loads,
            bytesWritten: Math.ceil(words),
            flops: storage.size('B') * storage.elements(group.shape) * (body.flops + 10 * k * k * k + 2 * k * k),
          }
        : {
            bytesRead: Math.ceil(words),
            bytesWritten: Math.ceil(words),
            flops: Math.ceil((8 * width * storage.size('B') * (k * k + k)) / steps.stretch),
          },
  };
}

const indices = ({ carried }: ScanGroup): number[] => carried.map((_, index) => index);
const lines = (all: readonly string[]) => all.map((text) => ({ text }));

/** A stretch's slot of a place, as a `sequence` has one for each step. */
function at({ storage }: Section, bindings: Bindings, place: Place): string {
  return `${bindings.write(place.buffer)}[${slotStart(storage, place, 'u32(stretch)')} + col]`;
}

const placeOf = ({ parts }: Sums, part: Part, i: number, j: number): Place => parts.get(part)?.[i]?.[j] ?? nowhere();

function nowhere(): never {
  throw new Error('a carried value without a place');
}
