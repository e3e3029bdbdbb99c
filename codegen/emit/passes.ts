/** What a plan runs, in order: every pass of a program with its kernel, its loops as they are asked for. */
import type { KernelSpec, LoopStrategy, PassSpec, ScheduleItem, Target } from '../plan.js';
import { loopNameOf } from '../schedule/loops.js';
import type { LoopOrder, Order, Pass, Section } from '../schedule/passes.js';
import { type Chains, chainsIn, type Item, ordersOf, type Wave, withWaves } from '../schedule/wave.js';
import { emitAccrue } from './accrue.js';
import { emitCopy } from './copy.js';
import { emitGather, emitOuter, emitReduce } from './gradients.js';
import type { Emitted } from './kernel.js';
import { choiceInWave, emitLoop } from './loop.js';
import { emitPhase } from './phase.js';
import { emitWave } from './wave.js';

type Along = Pick<PassSpec, 'time' | 'chunk'>;
type Head = Pick<PassSpec, 'name' | 'region' | 'direction'>;

export class Passes {
  readonly passes: PassSpec[] = [];
  readonly kernels: KernelSpec[] = [];
  private readonly names = new Set<string>();
  /** What loops do besides. */
  private readonly absorbed = new Set<Order>();

  /** @param asked what is asked of a loop, by its name */
  constructor(
    private readonly target: Target,
    private readonly asked: (loop: string) => LoopStrategy | undefined,
  ) {}

  /** All that sections run in one direction. */
  direction(sections: readonly Section[], direction: 'forward' | 'backward'): ScheduleItem[] {
    const items = ordersOf(sections, direction);
    const chains = chainsIn(items);
    return this.items(
      withWaves(items, chains, (loop) => this.asked(loop) === 'wavefront'),
      chains,
    );
  }

  items(items: readonly Item[], chains: Chains = new Map()): ScheduleItem[] {
    return items.flatMap((item, index): ScheduleItem[] => {
      if (item.kind === 'wave') return [this.wave(item.wave, chains)];
      const { section, order } = item;
      if (this.absorbed.has(order)) return [];
      return [
        order.kind === 'loop' ? this.loop(section, order, { chains, behind: behind(items, index) }) : this.pass(section, order),
      ];
    });
  }

  private pass(section: Section, { pass, time = 0 }: Extract<Order, { kind: 'pass' }>): ScheduleItem {
    const named = withPrefix(section, pass);
    const emitted = emitPass(section, this.target, named);
    const along = axisOf(section);
    return { kind: 'pass', pass: this.add(named, emitted, { strategy: 'parallel', dispatches: 1, steps: 1 }, along), time };
  }

  private loop(
    section: Section,
    order: LoopOrder,
    { chains, behind }: { readonly chains: Chains; readonly behind: readonly Order[] },
  ): ScheduleItem {
    const { from, to, by } = order;
    const name = loopNameOf(section, order);
    const loop = emitLoop(
      section,
      this.target,
      { ...order, passes: order.passes.map((pass) => withPrefix(section, pass)) },
      { asked: this.asked(name), chain: chainOf(chains, name), behind },
    );
    for (const other of loop.absorbed) this.absorbed.add(other);
    const [strategy = 'stepwise'] = loop.choice.allowed;
    const steps = Math.abs(to - from);
    const dispatches = Math.ceil(steps / loop.steps);
    const along = axisOf(section);
    return {
      kind: 'loop',
      from,
      to,
      by,
      ...(along.time === undefined ? {} : { axis: along.time }),
      ...(along.chunk === undefined ? {} : { chunk: along.chunk }),
      choice: loop.choice,
      ...(strategy === 'stepwise' ? {} : { steps: loop.steps }),
      passes: loop.passes.map(({ pass, emitted }) => this.add(pass, emitted, { strategy, dispatches, steps }, along)),
    };
  }

  private wave(wave: Wave, chains: Chains): ScheduleItem {
    const { loops } = wave;
    const [first, last] = [loops[0], loops.at(-1)];
    if (first === undefined || last === undefined) throw new Error('a wave without loops');
    const direction = first.order.by > 0 ? 'forward' : 'backward';
    const steps = first.section.storage.steps;
    const along = axisOf(first.section);
    const [from, to] = [first.section.prefix, last.section.prefix];
    const between = from === to ? from : `${from}_to_${to}`;
    const nameOf = (turn: number) => `${between === '' ? '' : `${between}_`}${direction}_wave_${turn}`;
    const { delay, kernels } = emitWave(wave, this.target, nameOf);
    const dispatches = steps + delay;
    return {
      kind: 'wave',
      ...(along.time === undefined ? {} : { axis: along.time }),
      waves: dispatches,
      delay,
      choices: loops.map(({ section, order }) =>
        choiceInWave(section, this.target, order, chainOf(chains, loopNameOf(section, order))),
      ),
      passes: kernels.map((emitted, turn) =>
        this.add(
          { name: nameOf(turn), region: 'loop', direction },
          emitted,
          { strategy: 'wavefront', dispatches, steps: 1 },
          along,
        ),
      ),
    };
  }

  /** @param steps how often what one dispatch costs is paid in a run */
  private add(
    { name, region, direction }: Head,
    { kernel, workgroups, rowsPerWorkgroup, stepsAtOnce, cost }: Emitted,
    { strategy, dispatches, steps }: Pick<PassSpec, 'strategy' | 'dispatches'> & { readonly steps: number },
    along: Along,
  ): string {
    // What runs is found by its name.
    if (this.names.has(name)) throw new Error(`two passes are named ${name}`);
    this.names.add(name);
    this.kernels.push(kernel);
    this.passes.push({
      name,
      kernel: kernel.name,
      region,
      direction,
      strategy,
      workgroups,
      ...(rowsPerWorkgroup === undefined ? {} : { rowsPerWorkgroup, ...along }),
      ...(stepsAtOnce === undefined ? {} : { stepsAtOnce }),
      dispatches,
      bytesRead: cost.bytesRead * steps,
      bytesWritten: cost.bytesWritten * steps,
      flops: cost.flops * steps,
    });
    return name;
  }
}

/** What the same section runs behind an item, until its next loop. */
function behind(items: readonly Item[], index: number): Order[] {
  const own = items[index];
  const found: Order[] = [];
  for (const item of items.slice(index + 1)) {
    if (own?.kind !== 'order' || item.kind !== 'order' || item.section !== own.section || item.order.kind === 'loop') break;
    found.push(item.order);
  }
  return found;
}

function chainOf(chains: Chains, loop: string): readonly string[] | string {
  const chain = chains.get(loop);
  if (chain === undefined) throw new Error(`nothing is known of what runs beside ${loop}`);
  return chain;
}

/** What a section's passes are along, where it isn't T step by step. */
function axisOf({ storage }: Section): Along {
  const { time, chunk } = storage.links;
  return { ...(time === undefined || time === 'T' ? {} : { time }), ...(chunk === undefined ? {} : { chunk }) };
}

const withPrefix = <P extends Pass>({ prefix }: Section, pass: P): P =>
  prefix === '' ? pass : { ...pass, name: `${prefix}_${pass.name}` };

function emitPass(section: Section, target: Target, pass: Pass): Emitted {
  const { builder, storage } = section;
  switch (pass.kind) {
    case 'phase':
      return emitPhase(section, target, pass);
    case 'outer':
      return emitOuter(section, target, pass);
    case 'reduce':
      return emitReduce(builder, storage, target, pass);
    case 'gather':
      return emitGather(target, pass);
    case 'accrue':
      return emitAccrue(builder, storage, target, pass);
    case 'copy':
      return emitCopy(storage, target, pass);
  }
}
