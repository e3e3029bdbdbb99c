/** Turns a scheduled program into the plan that a runtime runs; what a plan holds is said in codegen/plan.ts. */
import { constantOf, fillingOf } from '../frontend/declare/constant.js';
import type { OptionValues, Signature, TensorDeclaration } from '../frontend/tree.js';
import type { KernelSpec, PassSpec, Plan, ScheduleItem, Target, TensorSlot } from '../plan.js';
import type { Order, Pass, Program, Section } from '../schedule/passes.js';
import { LENGTHS } from './bindings.js';
import { emitCopy } from './copy.js';
import { emitGather, emitOuter, emitReduce } from './gradients.js';
import type { Emitted } from './kernel.js';
import { emitPhase } from './phase.js';

export interface PlanRequest {
  /** Of the whole program. */
  readonly signature: Signature;
  readonly options: OptionValues;
  readonly gradients: boolean;
  readonly target: Target;
}

/** How passes of a section are emitted, and the time axis that they are along where it isn't T. */
interface Along {
  readonly time: string | undefined;
  readonly emit: (pass: Pass) => Emitted;
}

export function emitPlan(program: Program, { signature, options, gradients, target }: PlanRequest): Plan {
  const { shared, sections } = program;
  const passes: PassSpec[] = [];
  const kernels: KernelSpec[] = [];
  const add = (pass: Pass, dispatches: number, { time, emit }: Along): string => {
    // What runs is found by its name.
    if (passes.some(({ name }) => name === pass.name)) throw new Error(`two passes are named ${pass.name}`);
    const result = emit(pass);
    kernels.push(result.kernel);
    passes.push({
      name: pass.name,
      kernel: result.kernel.name,
      region: pass.region,
      direction: pass.direction,
      strategy: pass.kind === 'phase' && pass.region === 'loop' ? 'stepwise' : 'parallel',
      workgroups: result.workgroups,
      ...(result.rowsPerWorkgroup === undefined
        ? {}
        : { rowsPerWorkgroup: result.rowsPerWorkgroup, ...(time === undefined ? {} : { time }) }),
      dispatches,
      bytesRead: result.cost.bytesRead * dispatches,
      bytesWritten: result.cost.bytesWritten * dispatches,
      flops: result.cost.flops * dispatches,
    });
    return pass.name;
  };
  const items = (orders: readonly Order[], prefix: string, along: Along): ScheduleItem[] => {
    const named = (pass: Pass): Pass => (prefix === '' ? pass : { ...pass, name: `${prefix}_${pass.name}` });
    return orders.map((order) =>
      order.kind === 'pass'
        ? { kind: 'pass', pass: add(named(order.pass), 1, along), time: order.time ?? 0 }
        : {
            kind: 'loop',
            from: order.from,
            to: order.to,
            by: order.by,
            ...(along.time === undefined ? {} : { axis: along.time }),
            passes: order.passes.map((pass) => add(named(pass), Math.abs(order.to - order.from), along)),
          },
    );
  };
  const inSection = (section: Section): Along => {
    const { time } = section.storage.links;
    return { time: time === 'T' ? undefined : time, emit: (pass) => emitPass(section, target, pass) };
  };
  const [first] = sections;
  if (first === undefined) throw new Error('a program without sections');
  const forward = [
    ...items(program.pack, '', inSection(first)),
    ...sections.flatMap((section) => items(section.forward, section.prefix, inSection(section))),
  ];
  const backward = sections.toReversed().flatMap((section) => items(section.backward, section.prefix, inSection(section)));
  return {
    version: 1,
    cell: signature.name,
    options,
    sizes: shared.sizes,
    rates: signature.rates,
    gradients,
    buffers: [...shared.memory.buffers(), { name: LENGTHS, bytes: 4 * shared.seedAt + 16 }],
    tensors: withInits(shared.tensors, signature, (dim) => shared.size(dim)),
    lengths: Object.fromEntries(shared.times.map((time) => [time, { buffer: LENGTHS, offset: shared.lengthsAt(time) }])),
    ...(draws(program) ? { seed: { buffer: LENGTHS, offset: shared.seedAt } } : {}),
    kernels,
    passes,
    forward,
    backward,
  };
}

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

function draws({ shared, sections }: Program): boolean {
  return (
    sections.some(({ builder }) => builder.nodes.some(({ op }) => op === 'random')) ||
    shared.matrices.copies().some(({ common }) => common.partial?.drop !== undefined)
  );
}
