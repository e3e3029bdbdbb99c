/** The compiler, pass by pass: from a parsed cell to a plan. */

import { askedOfMemory, chunksOf, chunkwisePlan, inChunks, pays, whereThereIsRoom } from './chunkwise.js';
import { emitPlan } from './emit/plan.js';
import { RecurveError } from './errors.js';
import { lower, resolveSignature } from './frontend/index.js';
import { lowerModel } from './frontend/model/lower.js';
import type { CellTree, ModelTree, OptionValues, Signature, SpecTree } from './frontend/tree.js';
import { GraphBuilder } from './ir/builder.js';
import type { StepGraph } from './ir/graph.js';
import type { ModelGraph } from './ir/model.js';
import { verify } from './ir/verify.js';
import { type AdjointGraph, adjoint } from './passes/adjoint.js';
import { extract } from './passes/extract.js';
import { type RetimedAdjoint, retime } from './passes/retime.js';
import type { LoopStrategies, Plan, Sizes, Target } from './plan.js';
import type { Merging } from './schedule/merge.js';
import { scheduleModel } from './schedule/model.js';
import { type Program, scheduleProgram } from './schedule/program.js';
import { Shared } from './schedule/shared.js';

/** What a cell or model is compiled for. */
export interface CompileRequest {
  /** Values of all its options: `resolveOptions` fills in defaults. */
  readonly options: OptionValues;
  /** `T`, `B` and every dim of the signature. */
  readonly sizes: Sizes;
  /** Whether the plan goes backward, too. */
  readonly gradients: boolean;
  /** What the adapter offers; `recurve/node` knows it of a device that it opened. */
  readonly target: Target;
  /** Names of values of the step to keep for every step, with their cotangents where gradients are wanted. */
  readonly trace?: readonly string[];
  /** Limits every element of the state's cotangent to ±clip at each step back in time. */
  readonly clip?: number | undefined;
  /** Whether what is alike shares a kernel, as it does where nothing is said. The results are the same. */
  readonly merging?: Merging;
  /** How the loops over time run; where nobody says, each as its graph and the target suggest. The results are the same. */
  readonly strategy?: LoopStrategies | undefined;
  /** T of sequences that are cut into segments, whose T is that of `sizes`. Of cells only. */
  readonly segmentsOf?: number | undefined;
}

/** Every intermediate form of one compilation. */
export interface Stages {
  /** Tensors, dims and options. */
  readonly signature: Signature;
  /** One time step of one sequence, as a graph. */
  readonly step: StepGraph;
  /** The step with its derivative, in reverse mode. */
  readonly adjoint: AdjointGraph;
  /** The same, cut so that a step back in time takes fewest dispatches. */
  readonly retimed: RetimedAdjoint;
  /** Kernels, when each runs, and memory. */
  readonly program: Program;
  /** What `compile` gives. */
  readonly plan: Plan;
}

/** @throws SpecError, or RecurveError `LIMIT-*` and `DIMS-*` */
export function compileStages(tree: CellTree, request: CompileRequest): Stages {
  const signature = resolveSignature(tree, request.options);
  const lowered = verify('lower', lower(tree, signature, request.trace)); //           syntax tree → step graph, folded and hash-consed
  const differentiated = differentiate(lowered, signature, request.clip);
  const { builder, step } = differentiated;
  const retimed = retime(differentiated); //                            last phase of a step into the first of the next
  verify('retime', { ...step, nodes: builder.nodes });
  const stages = { signature, step: lowered, adjoint: differentiated, retimed };
  const stepByStep = (strategy: LoopStrategies | undefined, notChunked: string | undefined): Stages => {
    const asked = { ...request, strategy, notChunked };
    const shared = new Shared(signature, request.sizes, request.target, [step], { segmentsOf: request.segmentsOf });
    const program = scheduleProgram(step, retimed, signature, asked, shared); // time classes, residuals, phases, memory
    return { ...stages, program, plan: emitPlan(program, { ...asked, signature }) }; // WGSL and the manifest
  };
  const sections = chunksOf(lowered, signature, request); //                        many steps at once, where there is a memory
  if ('why' in sections) return stepByStep(request.strategy, sections.why);
  const asked = askedOfMemory(request);
  if (asked !== undefined && asked !== 'chunkwise') return stepByStep(request.strategy, undefined);
  const other = whereThereIsRoom(() => stepByStep(asked === undefined ? request.strategy : undefined, undefined));
  const inSections = inChunks(request);
  const program = scheduleModel(sections, signature, inSections);
  const plan = chunkwisePlan(emitPlan(program, { ...inSections, signature }), other?.plan, signature, request.sizes);
  const taken = asked !== undefined || other === undefined || pays(request.target, plan, other.plan);
  return taken ? { ...stages, program, plan } : other;
}

/** The reverse-mode adjoint of a lowered step. */
export function differentiate(lowered: StepGraph, { params }: Signature, clip?: number): AdjointGraph {
  const builder = new GraphBuilder();
  const step = verify('extract', extract(lowered, builder)); //         dead code
  const trained = new Set(params.filter(({ trainable }) => trainable).map(({ name }) => name));
  const differentiated = adjoint(builder, step, (name) => trained.has(name), clip); // reverse mode, rule by rule
  verify('adjoint', { ...step, nodes: builder.nodes });
  return differentiated;
}

/** Every intermediate form of a model. */
export interface ModelStages {
  /** Tensors, dims and options. */
  readonly signature: Signature;
  /** Its sections in order: each a step over one time axis. */
  readonly graph: ModelGraph;
  /** Kernels, when each runs, and memory. */
  readonly program: Program;
  /** What `compile` gives. */
  readonly plan: Plan;
}

/** @throws SpecError, or RecurveError `LIMIT-*`, `DIMS-*` and `TRACE-MODEL` */
export function compileModelStages(tree: ModelTree, request: CompileRequest): ModelStages {
  if ((request.trace ?? []).length > 0 || request.clip !== undefined) {
    throw new RecurveError({
      code: 'TRACE-MODEL',
      message: `${tree.name} is a model, and values are traced and cotangents clipped inside of cells`,
      fix: 'Return what you want to see from `run`, or compile the cell of one layer.',
      where: request.clip === undefined ? 'trace' : 'clip',
    });
  }
  const { signature, graph } = lowerModel(tree, request.options); //   run over whole sequences → sections
  const program = scheduleModel(graph, signature, { ...request, notChunked: 'it is a layer of a model' }); // an adjoint for each, all in one memory
  return { signature, graph, program, plan: { ...emitPlan(program, { ...request, signature }), model: true } };
}

/**
 * From a spec to kernels.
 * @throws SpecError for mistakes in the spec that its options bring to light; RecurveError `LIMIT-*`, `DIMS-*`,
 * `TRACE-*`
 */
export function compile(tree: SpecTree, request: CompileRequest): Plan {
  return tree.kind === 'cell' ? compileStages(tree, request).plan : compileModelStages(tree, request).plan;
}
