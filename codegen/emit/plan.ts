/** Turns a scheduled program into the plan that a runtime runs; what a plan holds is said in codegen/plan.ts. */
import { constantOf, fillingOf } from '../frontend/declare/constant.js';
import type { OptionValues, Signature, TensorDeclaration } from '../frontend/tree.js';
import {
  choicesIn,
  type KernelSpec,
  type LoopStrategies,
  type LoopStrategy,
  type PassSpec,
  type Plan,
  type ScheduleItem,
  type Target,
  type TensorSlot,
} from '../plan.js';
import { askedOf } from '../schedule/loops.js';
import type { Order, Pass, Program, Section } from '../schedule/passes.js';
import { emitAccrue } from './accrue.js';
import { LENGTHS } from './bindings.js';
import { emitCopy } from './copy.js';
import { emitGather, emitOuter, emitReduce } from './gradients.js';
import type { Emitted } from './kernel.js';
import { type EmittedLoop, emitLoop, type LoopOrder, requireTaken } from './loop.js';
import { emitPhase } from './phase.js';

export interface PlanRequest {
  /** Of the whole program. */
  readonly signature: Signature;
  readonly options: OptionValues;
  readonly gradients: boolean;
  readonly target: Target;
  /** How its loops run; the compiler chooses where nobody says. */
  readonly strategy?: LoopStrategies | undefined;
}

/** How passes of a section are emitted, and the time axis that they are along where it isn't T. */
interface Along {
  readonly time: string | undefined;
  readonly emit: (pass: Pass) => Emitted;
  readonly loop: (loop: LoopOrder) => EmittedLoop;
}

export function emitPlan(program: Program, { signature, options, gradients, target, strategy }: PlanRequest): Plan {
  const { shared, sections } = program;
  const passes: PassSpec[] = [];
  const kernels: KernelSpec[] = [];
  const add = (
    { name, region, direction }: Pick<PassSpec, 'name' | 'region' | 'direction'>,
    { kernel, workgroups, rowsPerWorkgroup, cost }: Emitted,
    how: Pick<PassSpec, 'strategy' | 'dispatches'> & { readonly steps: number },
    { time }: Along,
  ): string => {
    // What runs is found by its name.
    if (passes.some((pass) => pass.name === name)) throw new Error(`two passes are named ${name}`);
    kernels.push(kernel);
    passes.push({
      name,
      kernel: kernel.name,
      region,
      direction,
      strategy: how.strategy,
      workgroups,
      ...(rowsPerWorkgroup === undefined ? {} : { rowsPerWorkgroup, ...(time === undefined ? {} : { time }) }),
      dispatches: how.dispatches,
      bytesRead: cost.bytesRead * how.steps,
      bytesWritten: cost.bytesWritten * how.steps,
      flops: cost.flops * how.steps,
    });
    return name;
  };
  const items = (orders: readonly Order[], prefix: string, along: Along): ScheduleItem[] => {
    const named = <P extends Pass>(pass: P): P => (prefix === '' ? pass : { ...pass, name: `${prefix}_${pass.name}` });
    return orders.map((order): ScheduleItem => {
      if (order.kind === 'pass') {
        const pass = named(order.pass);
        return {
          kind: 'pass',
          pass: add(pass, along.emit(pass), { strategy: 'parallel', dispatches: 1, steps: 1 }, along),
          time: order.time ?? 0,
        };
      }
      const { from, to, by } = order;
      const loop = along.loop({ ...order, passes: order.passes.map(named) });
      const all = Math.abs(to - from);
      const dispatches = Math.ceil(all / loop.steps);
      return {
        kind: 'loop',
        from,
        to,
        by,
        ...(along.time === undefined ? {} : { axis: along.time }),
        choice: loop.choice,
        ...(strategyOf(loop) === 'stepwise' ? {} : { steps: loop.steps }),
        passes: loop.passes.map(({ pass, emitted }) =>
          add(pass, emitted, { strategy: strategyOf(loop), dispatches, steps: all }, along),
        ),
      };
    });
  };
  const inSection = (section: Section): Along => {
    const { time } = section.storage.links;
    return {
      time: time === 'T' ? undefined : time,
      emit: (pass) => emitPass(section, target, pass),
      loop: (loop) => emitLoop(section, target, loop, (name) => askedOf(strategy, name)),
    };
  };
  const [first] = sections;
  if (first === undefined) throw new Error('a program without sections');
  const forward = [
    ...items(program.pack, '', inSection(first)),
    ...sections.flatMap((section) => items(section.forward, section.prefix, inSection(section))),
  ];
  const backward = sections.toReversed().flatMap((section) => items(section.backward, section.prefix, inSection(section)));
  if (typeof strategy === 'string') requireTaken(signature.name, strategy, choicesIn({ forward, backward }));
  return {
    version: 1,
    cell: signature.name,
    options,
    sizes: shared.sizes,
    rates: signature.rates,
    gradients,
    buffers: [...shared.memory.buffers(), { name: LENGTHS, bytes: 4 * shared.seedAt + 16 }],
    tensors: withInits(shared.tensors, signature, (dim) => shared.size(dim)),
    lengths: Object.fromEntries(
      shared.times.map((time) => [time, { buffer: LENGTHS, offset: shared.lengthsAt(time), order: shared.orderAt(time) }]),
    ),
    ...(draws(program) ? { seed: { buffer: LENGTHS, offset: shared.seedAt } } : {}),
    ...(counts(program) ? { batch: { buffer: LENGTHS, offset: shared.batchAt } } : {}),
    kernels,
    passes,
    forward,
    backward,
    ...(shared.segmentsOf === undefined
      ? {}
      : {
          segments: {
            steps: shared.size('T'),
            whole: shared.segmentsOf,
            origin: { buffer: LENGTHS, offset: shared.originAt },
            ...shared.moves,
          },
        }),
  };
}

const strategyOf = ({ choice }: EmittedLoop): LoopStrategy => choice.allowed[0] ?? 'stepwise';

function emitPass(section: Section, target: Target, pass: Pass): Emitted {
  const { builder, storage } = section;
  switch (pass.kind) {
    case 'phase':
      return emitPhase(section, target, pass);
    case 'outer':
      return emitOuter(storage, target, pass);
    case 'reduce':
      return emitReduce(builder, storage, target, pass);
    case 'gather':
      return emitGather(storage, target, pass);
    case 'accrue':
      return emitAccrue(builder, storage, target, pass);
    case 'copy':
      return emitCopy(storage, target, pass);
  }
}

/** Tensors with what their declarations say of those that nobody gives. */
function withInits(
  tensors: Plan['tensors'],
  { inputs, state, params, rates }: Signature,
  size: (dim: string) => number,
): Plan['tensors'] {
  const counted = (group: 'inputs' | 'state', { name, symbols }: TensorDeclaration): [string, Partial<TensorSlot>][] =>
    symbols === undefined ? [] : [[`${group}.${name}`, { symbols: size(symbols) }]];
  const inits: [string, Partial<TensorSlot>][] = [
    ...inputs.flatMap((declaration) => counted('inputs', declaration)),
    ...state.flatMap((declaration): [string, Partial<TensorSlot>][] => {
      const fill = constantOf(declaration.init) ?? 0;
      const path = `state.${declaration.name}`;
      const [[, symbols] = []] = counted('state', declaration);
      return fill === 0 && symbols === undefined ? [] : [[path, { ...symbols, ...(fill === 0 ? {} : { fill }) }]];
    }),
    ...params.map((declaration): [string, Partial<TensorSlot>] => {
      const fill = declaration.trainable ? undefined : constantOf(declaration.init);
      const init = fillingOf(declaration, { rates });
      return [`params.${declaration.name}`, { init, ...(fill === undefined ? {} : { fill }) }];
    }),
  ];
  const known = new Map(inits);
  return Object.fromEntries(Object.entries(tensors).map(([path, slot]) => [path, { ...slot, ...known.get(path) }]));
}

function counts({ sections }: Program): boolean {
  return sections.some(({ builder }) => builder.nodes.some(({ op }) => op === 'batch'));
}

function draws({ shared, sections }: Program): boolean {
  return (
    sections.some(({ builder }) => builder.nodes.some(({ op }) => op === 'random')) ||
    shared.matrices.copies().some(({ common }) => common.partial?.drop !== undefined)
  );
}
