/** The typed module that `generate` writes beside the kernels. */

import { isKeyword } from '../codegen/frontend/index.js';
import type { Signature } from '../codegen/frontend/tree.js';
import type { StepGraph } from '../codegen/ir/graph.js';
import { isFixed } from '../codegen/ir/sizes.js';
import type { Plan } from '../codegen/plan.js';
import { visible } from '../codegen/visible.js';
import { outputShapes } from '../runtime/check/outputs.js';
import { fillOf, startOf } from '../runtime/data.js';

export interface ModuleOrigin {
  /** The spec's file name. */
  readonly source: string;
  readonly version: string;
}

interface Member {
  readonly name: string;
  readonly shape: readonly string[];
  readonly optional?: boolean;
  /** What all of it is where a run leaves it out. */
  readonly start?: number;
}

/** A dim as the label of an element of a tuple, where some of TypeScript's own words cannot stand. */
function label(dim: string): string {
  return isKeyword(dim) ? `${dim}_` : dim;
}

/**
 * TypeScript source that exports `plan` (kernels included, so that a bundler needs no loader for WGSL), `sizes`,
 * and the types of everything a run takes and gives, shapes as literal tuples.
 */
export function typedModule(plan: Plan, signature: Signature, graph: StepGraph, { source, version }: ModuleOrigin): string {
  const shape = (dims: readonly string[], leading: readonly string[]) =>
    `Tensor<readonly [${[...leading, ...dims].map((dim) => (isFixed(dim) ? `size: ${dim}` : `${label(dim)}: ${plan.sizes[dim]}`)).join(', ')}]>`;
  const record = (name: string, about: string, tensors: readonly Member[], leading: readonly string[]) => [
    `/** ${about} */`,
    `export interface ${name} {`,
    ...tensors.flatMap((tensor) => [
      ...(tensor.start ? [`  /** Starts at ${tensor.start}. */`] : []),
      `  readonly ${tensor.name}${tensor.optional ? '?' : ''}: ${shape(tensor.shape, leading)};`,
    ]),
    '}',
    '',
  ];
  // A parameter that holds its init where nobody gives it, and those that have no gradient.
  const params = signature.params.map((param) => ({ ...param, optional: fillOf(param) !== undefined }));
  const state = signature.state.map((declaration) => ({ ...declaration, start: startOf(declaration) }));
  const untrained = signature.params.filter(({ trainable }) => !trainable).map(({ name }) => `'${name}'`);
  const gradients = untrained.length === 0 ? 'Params' : `Omit<Params, ${untrained.join(' | ')}>`;
  const outputs = Object.entries(outputShapes(signature, graph)).map(([name, dims]) => ({ name, shape: dims }));
  return [
    `// Written by recurve ${version} from ${visible(source)}; run \`recurve generate\` again instead of editing it.`,
    "import type { Plan } from 'recurve/codegen';",
    '',
    'export interface Tensor<S extends readonly number[]> {',
    '  readonly shape: S;',
    '  /** Row-major, the last axis runs fastest. */',
    '  readonly data: Float32Array;',
    '}',
    '',
    ...record('Inputs', 'Sequences, by step and sequence.', signature.inputs, ['T', 'B']),
    ...record('State', 'Initial and final state of every sequence.', state, ['B']),
    ...record('Params', untrained.length === 0 ? 'What training changes.' : 'What the cell computes with.', params, []),
    ...record('Outputs', "Output sequences, zero past a sequence's length.", outputs, ['T', 'B']),
    '/** What one run takes. */',
    'export interface Data {',
    '  readonly inputs: Inputs;',
    '  readonly state: Partial<State>;',
    '  readonly params: Params;',
    '  readonly lengths?: readonly number[];',
    '  readonly reverse: boolean;',
    ...(signature.options.training === true ? ['  readonly seed?: number;'] : []),
    '  readonly cotangents?: { readonly outputs: Partial<Outputs>; readonly state: Partial<State> };',
    '}',
    '',
    '/** What one run gives. */',
    'export interface Result {',
    '  readonly outputs: Outputs;',
    '  readonly state: State;',
    `  readonly gradients?: { readonly inputs: Inputs; readonly state: State; readonly params: ${gradients} };`,
    '}',
    '',
    `export const sizes = ${JSON.stringify(plan.sizes)} as const;`,
    '',
    `export const plan = ${JSON.stringify(plan, null, 2)} as const satisfies Plan;`,
    '',
  ].join('\n');
}
