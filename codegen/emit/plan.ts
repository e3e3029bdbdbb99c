/** Turns a scheduled program into the plan that a runtime runs; what a plan holds is said in codegen/plan.ts. */
import { constantOf, fillingOf } from '../frontend/declare/constant.js';
import type { OptionValues, Signature } from '../frontend/tree.js';
import type { PassSpec, Plan, ScheduleItem, Target, TensorSlot } from '../plan.js';
import type { Order, Pass, Program } from '../schedule/passes.js';
import { quads } from '../schedule/places.js';
import { LENGTHS } from './bindings.js';
import { emitCopy } from './copy.js';
import { emitGather, emitOuter, emitReduce } from './gradients.js';
import type { Emitted } from './kernel.js';
import { emitPhase } from './phase.js';

export interface PlanRequest {
  readonly cell: string;
  readonly options: OptionValues;
  readonly gradients: boolean;
  readonly target: Target;
}

export function emitPlan(program: Program, { cell, options, gradients, target }: PlanRequest): Plan {
  const { builder, storage } = program;
  const emitted = new Map<Pass, Emitted>();
  const passes: PassSpec[] = [];
  const emit = (pass: Pass): Emitted => {
    switch (pass.kind) {
      case 'phase':
        return emitPhase(program, target, pass);
      case 'outer':
        return emitOuter(storage, target, pass);
      case 'reduce':
        return emitReduce(builder, storage, target, pass);
      case 'gather':
        return emitGather(storage, target, pass);
      case 'copy':
        return emitCopy(storage, target, pass);
    }
  };
  const add = (pass: Pass, dispatches: number): string => {
    // What runs is found by its name.
    if (passes.some(({ name }) => name === pass.name)) throw new Error(`two passes are named ${pass.name}`);
    const result = emit(pass);
    emitted.set(pass, result);
    passes.push({
      name: pass.name,
      kernel: result.kernel.name,
      region: pass.region,
      direction: pass.direction,
      strategy: pass.kind === 'phase' && pass.region === 'loop' ? 'stepwise' : 'parallel',
      workgroups: result.workgroups,
      ...(result.rowsPerWorkgroup === undefined ? {} : { rowsPerWorkgroup: result.rowsPerWorkgroup }),
      dispatches,
      bytesRead: result.cost.bytesRead * dispatches,
      bytesWritten: result.cost.bytesWritten * dispatches,
      flops: result.cost.flops * dispatches,
    });
    return pass.name;
  };
  const items = (orders: readonly Order[]): ScheduleItem[] =>
    orders.map((order) =>
      order.kind === 'pass'
        ? { kind: 'pass', pass: add(order.pass, 1), time: order.time ?? 0 }
        : {
            kind: 'loop',
            from: order.from,
            to: order.to,
            by: order.by,
            passes: order.passes.map((pass) => add(pass, Math.abs(order.to - order.from))),
          },
    );
  const forward = items(program.forward);
  const backward = items(program.backward);
  return {
    version: 1,
    cell,
    options,
    sizes: storage.sizes,
    rates: storage.signature.rates,
    gradients,
    buffers: [...storage.memory.buffers(), { name: LENGTHS, bytes: 16 * (quads(storage.size('B')) + 1) }],
    tensors: withInits(storage.tensors, storage.signature),
    lengths: { buffer: LENGTHS, offset: 0 },
    ...(draws(program) ? { seed: { buffer: LENGTHS, offset: 4 * quads(storage.size('B')) } } : {}),
    kernels: [...emitted.values()].map(({ kernel }) => kernel),
    passes,
    forward,
    backward,
  };
}

/** Tensors with what their declarations say of those that nobody gives. */
function withInits(tensors: Plan['tensors'], { state, params, rates }: Signature): Plan['tensors'] {
  const inits: [string, Partial<TensorSlot>][] = [
    ...state.flatMap((declaration): [string, Partial<TensorSlot>][] => {
      const fill = constantOf(declaration.init) ?? 0;
      return fill === 0 ? [] : [[`state.${declaration.name}`, { fill }]];
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

function draws({ builder, storage }: Program): boolean {
  return (
    builder.nodes.some(({ op }) => op === 'random') ||
    storage.matrices.copies().some(({ common }) => common.partial?.drop !== undefined)
  );
}
