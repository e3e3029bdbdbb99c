/** Turns a scheduled program into the plan that a runtime runs; what a plan holds is said in codegen/plan.ts. */
import { constantOf, fillingOf } from '../frontend/declare/constant.js';
import type { OptionValues, Signature, TensorDeclaration } from '../frontend/tree.js';
import { choicesIn, type LoopStrategies, type Plan, type Target, type TensorSlot } from '../plan.js';
import { askedOf } from '../schedule/loops.js';
import type { Program } from '../schedule/passes.js';
import type { Item } from '../schedule/wave.js';
import { LENGTHS } from './bindings.js';
import { requireTaken } from './loop.js';
import { Passes } from './passes.js';

export interface PlanRequest {
  /** Of the whole program. */
  readonly signature: Signature;
  readonly options: OptionValues;
  readonly gradients: boolean;
  readonly target: Target;
  /** How its loops run; the compiler chooses where nobody says. */
  readonly strategy?: LoopStrategies | undefined;
}

export function emitPlan(program: Program, { signature, options, gradients, target, strategy }: PlanRequest): Plan {
  const { shared, sections } = program;
  const plan = new Passes(target, (loop) => askedOf(strategy, loop));
  const [first] = sections;
  if (first === undefined) throw new Error('a program without sections');
  const pack = program.pack.map((order): Item => ({ kind: 'order', section: { ...first, prefix: '' }, order }));
  const forward = [...plan.items(pack), ...plan.direction(sections, 'forward')];
  const backward = plan.direction(sections, 'backward');
  if (typeof strategy === 'string') requireTaken(signature.name, strategy, choicesIn({ forward, backward }));
  return {
    version: 1,
    cell: signature.name,
    options,
    sizes: shared.sizes,
    ...(shared.chunk === 1 ? {} : { chunk: shared.chunk }),
    rates: signature.rates,
    gradients,
    buffers: [...shared.memory.buffers(), { name: LENGTHS, bytes: 4 * shared.seedAt + 16 }],
    tensors: withInits(shared.tensors, signature, (dim) => shared.size(dim)),
    lengths: Object.fromEntries(
      shared.times.map((time) => [time, { buffer: LENGTHS, offset: shared.lengthsAt(time), order: shared.orderAt(time) }]),
    ),
    ...(draws(program) ? { seed: { buffer: LENGTHS, offset: shared.seedAt } } : {}),
    ...(counts(program) ? { batch: { buffer: LENGTHS, offset: shared.batchAt } } : {}),
    kernels: plan.kernels,
    passes: plan.passes,
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
