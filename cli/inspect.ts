/** `recurve inspect`: every intermediate form of a cell, for people and as JSON. */

import { RecurveError } from '../codegen/errors.js';
import type { ModelTree, Signature, SpecTree, TensorDeclaration } from '../codegen/frontend/tree.js';
import {
  compileFor,
  compileStages,
  lower,
  lowerModel,
  printAdjoint,
  printGraph,
  printModel,
  resolveOptions,
  resolveSpec,
} from '../codegen/index.js';
import type { AdjointGraph } from '../codegen/passes/adjoint.js';
import type { Plan, Sizes, Target } from '../codegen/plan.js';
import { loadSpec } from '../runtime/node/cells.js';
import { fillSizes } from './arguments.js';
import type { Context, Outcome } from './context.js';
import type { Flags } from './flags.js';
import { chooseMachine, inspectPlan } from './inspect-plan.js';
import type { Stage } from './stages.js';
import { chooseTarget, genericTarget, type NamedTarget, targetText } from './target.js';
import { tensorNotes } from './tensors.js';

/** @throws RecurveError, SpecError */
export async function inspect(context: Context, cell: string, flags: Flags & { readonly stage: Stage }): Promise<Outcome> {
  const tree = loadSpec(cell, context.io.cwd);
  const signature = resolveSpec(tree, resolveOptions(tree, flags.set ?? {}));
  // Sizes are refused by name at every stage, also where the form does not depend on them.
  const sizes = fillSizes(signature, flags.dims);
  if (flags.stage === 'signature') return inspectSignature(tree.kind, signature, sizes);
  if (tree.kind === 'model') return inspectModel(context, tree, signature, sizes, flags);
  const graph = lower(tree, signature);
  if (flags.stage === 'graph') return { document: graph, text: printGraph(graph) };
  const request = { options: signature.options, sizes, gradients: true };
  if (flags.stage === 'adjoint') {
    // It is the same for every target.
    const { adjoint } = compileStages(tree, { ...request, target: genericTarget });
    return { document: adjointDocument(adjoint), text: printAdjoint(adjoint) };
  }
  const planFor = (target: Target) => compileFor(tree, { ...request, strategy: flags.strategy, target }, flags.memory);
  return inspectCompiled(context, planFor, flags);
}

/** The last two stages, for which it matters what runs it. */
async function inspectCompiled(
  context: Context,
  planFor: (target: Target) => Plan,
  flags: Flags & { readonly stage: Stage },
): Promise<Outcome> {
  if (flags.stage === 'plan') {
    const machine = await chooseMachine(context, flags);
    return inspectPlan(planFor(machine.target), machine);
  }
  const chosen = await chooseTarget(context, flags);
  return inspectKernels(planFor(chosen.target), chosen);
}

/** @throws RecurveError `STAGE-MODEL` */
async function inspectModel(
  context: Context,
  tree: ModelTree,
  signature: Signature,
  sizes: Sizes,
  flags: Flags & { readonly stage: Stage },
): Promise<Outcome> {
  if (flags.stage === 'graph') {
    const { graph } = lowerModel(tree, signature.options);
    return { document: graph, text: printModel(graph) };
  }
  if (flags.stage === 'adjoint') {
    throw new RecurveError({
      code: 'STAGE-MODEL',
      message: `${tree.name} is a model: each of its sections has an adjoint of its own, and there is no one to print`,
      fix: 'Print its sections with `--stage graph`, what runs with `--stage plan`, or the adjoint of a cell.',
      where: '--stage',
    });
  }
  const request = { options: signature.options, sizes, gradients: true, strategy: flags.strategy };
  return inspectCompiled(context, (target) => compileFor(tree, { ...request, target }, flags.memory), flags);
}

function inspectSignature(kind: SpecTree['kind'], signature: Signature, sizes: Sizes): Outcome {
  const group = (tensors: readonly TensorDeclaration[]) =>
    tensors.map(({ name, shape, init, range, trainable }) => ({
      name,
      shape,
      ...(init === undefined ? {} : { init }),
      ...(range === undefined ? {} : { range }),
      ...(trainable ? {} : { trainable }),
    }));
  const { name, options, dims, outputs } = signature;
  const document = {
    name,
    options,
    dims,
    sizes,
    inputs: group(signature.inputs),
    state: group(signature.state),
    params: group(signature.params),
    outputs,
  };
  const lines = (title: 'input' | 'state' | 'param', tensors: readonly TensorDeclaration[], leading: readonly string[]) =>
    tensors.map((tensor) => {
      const notes = tensorNotes(tensor, title);
      return `${title} ${tensor.name}: [${[...(tensor.leading ?? leading), ...tensor.shape].join(', ')}]${notes === '' ? '' : ` (${notes})`}`;
    });
  const text = [
    `${kind} ${name}`,
    ...Object.entries(options).map(([option, value]) => `option ${option} = ${value}`),
    ...Object.entries(sizes).map(([dim, size]) => `dim ${dim} = ${size}`),
    ...lines('input', signature.inputs, ['T', 'B']),
    ...lines('state', signature.state, ['B']),
    ...lines('param', signature.params, []),
    `outputs: ${outputs?.map((output) => withAxes(output, signature.outputAxes?.[output])).join(', ') ?? 'all that step returns'}`,
  ];
  return { document, text: text.join('\n') };
}

function withAxes(output: string, axes: readonly string[] | undefined): string {
  if (axes === undefined) return output;
  if (axes.length === 0) return `${output} (one for all sequences)`;
  return axes.length === 1 ? `${output} (no time)` : `${output} (over ${axes[0]})`;
}

/** All nodes, the forward step's first, and what they are cotangents of. */
function adjointDocument({ builder, step, state, inputs, params }: AdjointGraph) {
  return { nodes: builder.nodes, step: { next: step.next, outputs: step.outputs }, state, inputs, params };
}

function inspectKernels(plan: Plan, chosen: NamedTarget): Outcome {
  const document = {
    target: chosen.name,
    cell: plan.cell,
    kernels: plan.kernels.map(({ name, wgsl }) => ({ name, wgsl })),
  };
  const kernels = plan.kernels.map(({ name, wgsl }) => `// ${name}.wgsl\n${wgsl.trimEnd()}\n`);
  return { document, text: [`// ${targetText(chosen)}\n`, ...kernels].join('\n') };
}
