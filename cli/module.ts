/** The typed module that `generate` writes beside the kernels. */

import { sizesOf } from '../codegen/checkpoints.js';
import { isKeyword } from '../codegen/frontend/index.js';
import type { Signature } from '../codegen/frontend/tree.js';
import type { StepGraph } from '../codegen/ir/graph.js';
import { isFixed } from '../codegen/ir/sizes.js';
import type { Plan } from '../codegen/plan.js';
import { visible } from '../codegen/visible.js';
import { outputShapes } from '../runtime/check/outputs.js';
import { fillOf, startOf } from '../runtime/data.js';
import { timesOf } from '../runtime/lengths.js';

export interface ModuleOrigin {
  /** The spec's file name. */
  readonly source: string;
  readonly version: string;
}

interface Member {
  readonly name: string;
  readonly shape: readonly string[];
  /** Axes in front of it, where they are not those of its group. */
  readonly leading?: readonly string[] | undefined;
  /** What all of it is where a run leaves it out, if it may. */
  readonly start?: number | undefined;
}

/** A tensor's name as a property: a layer's parameter has a dot in it. */
function key(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name}'`;
}

/** A dim as the label of an element of a tuple, where some of TypeScript's own words cannot stand. */
function label(dim: string): string {
  return isKeyword(dim) ? `${dim}_` : dim;
}

/** How every module begins, by which it is known as one of ours. */
export const WRITTEN_BY = '// Written by recurve ';

/**
 * TypeScript source that exports `plan` (kernels included, so that a bundler needs no loader for WGSL), which knows the names
 * and shapes of what a layer of it takes and gives, these as `Types`, and `sizes`. T and B are `number` in them: a plan
 * serves smaller ones.
 */
export function typedModule(plan: Plan, signature: Signature, graph: StepGraph, { source, version }: ModuleOrigin): string {
  const times = timesOf(signature);
  const sizes = sizesOf(plan);
  const element = (dim: string) => {
    if (isFixed(dim)) return `size: ${dim}`;
    return `${label(dim)}: ${dim === 'B' || times.includes(dim) ? 'number' : sizes[dim]}`;
  };
  const shape = (dims: readonly string[], leading: readonly string[]) =>
    `Tensor<readonly [${[...leading, ...dims].map(element).join(', ')}]>`;
  // Types, for an interface does not fit where names may be any.
  const record = (name: string, about: string, tensors: readonly Member[], leading: readonly string[]) => [
    `/** ${about} */`,
    `export type ${name} = {`,
    ...tensors.flatMap((tensor) => [
      ...(tensor.start === undefined ? [] : [`  /** ${tensor.start} where it is left out. */`]),
      `  readonly ${key(tensor.name)}: ${shape(tensor.shape, tensor.leading ?? leading)};`,
    ]),
    '};',
    '',
  ];
  const params = signature.params.map((param) => ({ ...param, start: fillOf(param) }));
  const state = signature.state.map((declaration) => ({ ...declaration, start: startOf(declaration) || undefined }));
  const untrained = signature.params.filter(({ trainable }) => !trainable).map(({ name }) => `'${name}'`);
  const gradients = untrained.length === 0 ? 'Params' : `Omit<Params, ${untrained.join(' | ')}>`;
  const outputs = Object.entries(outputShapes(signature, graph)).map(([name, dims]) => ({
    name,
    shape: dims,
    leading: signature.outputAxes?.[name],
  }));
  const traces = Object.entries(graph.traces).map(([name, node]) => ({ name, shape: graph.nodes[node]?.shape ?? [] }));
  const most = [...times, 'B'].map((axis) => `${axis} up to ${sizes[axis]}`).join(', ');
  return [
    `${WRITTEN_BY}${version} from ${visible(source)}; run \`recurve generate\` again instead of editing it.`,
    "import type { Tensor, TypedPlan } from 'recurve/runtime';",
    '',
    ...record('Inputs', `Sequences, by step and sequence: ${most}.`, signature.inputs, ['T', 'B']),
    ...record('State', 'Initial and final state of every sequence.', state, ['B']),
    ...record('Params', untrained.length === 0 ? 'What training changes.' : 'What the cell computes with.', params, []),
    ...record('Outputs', "Output sequences, zero past a sequence's length.", outputs, ['T', 'B']),
    ...(traces.length === 0 ? [] : record('Traces', 'Values of every step, and their cotangents.', traces, ['T', 'B'])),
    '/** Of the parameters that are trained. */',
    `export type Gradients = ${gradients};`,
    '',
    '/** What `Layer`, `RunRequest` and `RunResult` of `recurve/runtime` are over. */',
    'export type Types = {',
    '  readonly inputs: Inputs;',
    '  readonly state: State;',
    '  readonly params: Params;',
    '  readonly outputs: Outputs;',
    '  readonly gradients: Gradients;',
    ...(traces.length === 0 ? [] : ['  readonly traces: Traces;']),
    '};',
    '',
    '/** What the plan was compiled for. */',
    `export const sizes = ${JSON.stringify(sizes)} as const;`,
    '',
    '/** `const layer = await load(device, plan)` knows what it takes and gives. */',
    `export const plan: TypedPlan<Types> = ${JSON.stringify(plan, null, 2)};`,
    '',
  ].join('\n');
}
