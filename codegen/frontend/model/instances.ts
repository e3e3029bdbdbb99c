/** The layers of a model once its options are known: which cell each is, with which dims and options. */

import { Diagnostics, type Report } from '../diagnostics/diagnostics.js';
import { Recovery } from '../diagnostics/recovery.js';
import { TRAINING } from '../language/training.js';
import { evaluate } from '../lower/evaluate.js';
import { completeOptions } from '../lower/options.js';
import { resolveSignature } from '../lower/resolve.js';
import { callHelper } from '../lower/run.js';
import { optionsValue, resolveWhen } from '../lower/signature.js';
import { resolveDim } from '../machine/arguments.js';
import { Machine } from '../machine/machine.js';
import { describe, Environment, type Value } from '../machine/values.js';
import type { CellTree, Expression, LayerDeclaration, LayerInstance, ModelTree, OptionValue, OptionValues } from '../tree.js';

/** A layer as `run` sees it: one, several of a repeated one, or none where its `when` does not hold. */
export interface Layers {
  readonly instances: readonly LayerInstance[];
  readonly values: ReadonlyMap<string, Value>;
}

const MOST_LAYERS = 1000;

export function resolveLayers(tree: ModelTree, options: OptionValues, recovery: Recovery, report: Report, note: string): Layers {
  const machine = new Machine(tree, options, recovery, report, note, callHelper);
  // What is wrong with a layer whatever the rest is was reported when the file was read.
  const silent = new Machine(tree, options, recovery, () => {}, note, callHelper);
  const speaker = (declaration: LayerDeclaration) => (recovery.isMisfit(declaration) ? silent : machine);
  const env = new Environment();
  if (tree.layersOptionsName !== undefined) env.declare(tree.layersOptionsName, optionsValue(tree, options, recovery));
  const instances: LayerInstance[] = [];
  const values = new Map<string, Value>();
  const make = (declaration: LayerDeclaration, name: string): Value => {
    const instance = instanceOf(speaker(declaration), tree, declaration, name, env);
    if (instance === undefined) return { kind: 'poison' };
    instances.push(instance);
    return { kind: 'layer', instance };
  };
  for (const declaration of tree.layers) {
    const { name, when, count } = declaration;
    const there = resolveWhen(speaker(declaration), when, env);
    if (there !== true) {
      values.set(name, there === false ? { kind: 'absent', group: 'params', name } : { kind: 'poison' });
    } else if (count === undefined) values.set(name, make(declaration, name));
    else {
      const number = staticNumber(speaker(declaration), count, env);
      const items = Array.from({ length: number ?? 0 }, (_, k) => make(declaration, `${name}.${k}`));
      values.set(name, number === undefined ? { kind: 'poison' } : { kind: 'array', items });
    }
  }
  return { instances, values };
}

function staticNumber(machine: Machine, count: Expression, env: Environment): number | undefined {
  const value = evaluate(machine, count, env);
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'static' && Number.isInteger(value.value) && Number(value.value) >= 0 && Number(value.value) <= MOST_LAYERS)
    return Number(value.value);
  const message = `\`repeat\` takes a whole number from 0 to ${MOST_LAYERS}, and this is ${describe(value, machine.builder)}`;
  machine.report('SPEC-LAYER-FORM', count.span, message, 'Write a number, or an `integer` option that is one.');
  return undefined;
}

function instanceOf(
  machine: Machine,
  tree: ModelTree,
  declaration: LayerDeclaration,
  name: string,
  env: Environment,
): LayerInstance | undefined {
  const chosen = evaluate(machine, declaration.cell, env);
  if (chosen.kind === 'poison') return undefined;
  const key = chosen.kind === 'static' ? String(chosen.value) : '';
  const cell = Object.hasOwn(tree.cells, key) ? tree.cells[key] : undefined;
  if (cell === undefined) {
    const message = `the layer \`${declaration.name}\` is ${describe(chosen, machine.builder)}, not a cell`;
    machine.report('SPEC-LAYER-CELL', declaration.cell.span, message, "Write the name of a built-in cell, e.g. 'gru'.");
    return undefined;
  }
  const options = optionsOf(machine, cell, declaration, env);
  const signature = signatureOf(cell, options);
  const dims = dimsOf(machine, tree, cell, signature.dims, declaration, env);
  return signature === undefined || dims === undefined ? undefined : { name, cell: key, signature, dims };
}

/** The cell's own mistakes were reported when it was parsed. */
function signatureOf(cell: CellTree, options: OptionValues): LayerInstance['signature'] {
  return resolveSignature(cell, options);
}

function optionsOf(machine: Machine, cell: CellTree, declaration: LayerDeclaration, env: Environment): OptionValues {
  const given: Record<string, OptionValue> = {};
  for (const { name, value: expression } of declaration.options) {
    const option = cell.options.find((one) => one.name === name);
    // Another of the cells that this layer may be has it.
    if (option === undefined) continue;
    const value = evaluate(machine, expression, env);
    if (value.kind === 'static' && fits(option, value.value)) given[name] = value.value;
    else if (value.kind !== 'poison') {
      const message = `the option \`${name}\` of \`${cell.name}\` cannot be ${describe(value, machine.builder)}`;
      machine.report('SPEC-LAYER-OPTION', expression.span, message, `See \`recurve list ${cell.name}\` for what it can be.`);
    }
  }
  const training = machine.options[TRAINING];
  if (training !== undefined && cell.options.some(({ name }) => name === TRAINING)) given[TRAINING] = training;
  return completeOptions(cell.options, given);
}

function fits(option: CellTree['options'][number], value: OptionValue): boolean {
  switch (option.kind) {
    case 'choice':
      return option.values.includes(String(value));
    case 'flag':
      return typeof value === 'boolean';
    case 'real':
    case 'integer': {
      if (typeof value !== 'number' || (option.kind === 'integer' && !Number.isInteger(value))) return false;
      return value >= (option.min ?? Number.NEGATIVE_INFINITY) && value <= (option.max ?? Number.POSITIVE_INFINITY);
    }
  }
}

function dimsOf(
  machine: Machine,
  tree: ModelTree,
  cell: CellTree,
  used: readonly string[],
  declaration: LayerDeclaration,
  env: Environment,
): LayerInstance['dims'] | undefined {
  const dims: Record<string, string> = {};
  for (const dim of used) {
    const entry = declaration.dims.find(({ name }) => name === dim);
    const given = entry && resolveDim(machine, evaluate(machine, entry.value, env), entry.value.span);
    if (entry !== undefined && given === undefined) return undefined;
    if (given !== undefined) dims[dim] = given;
    else if (tree.dims.some(({ name }) => name === dim)) dims[dim] = dim;
    else {
      const message = `\`${cell.name}\` has a dim \`${dim}\`, and the model has none of that name`;
      const fix = `Say what it is here: \`layer('${cell.name}', { ${dim}: … })\`, or add '${dim}' to \`dims\`.`;
      machine.report('SPEC-LAYER-DIM', declaration.cell.span, message, fix);
      return undefined;
    }
  }
  return dims;
}

/** @throws SpecError */
export function layersOf(tree: ModelTree, options: OptionValues): Layers {
  const diagnostics = new Diagnostics(tree.sources);
  const layers = resolveLayers(tree, options, new Recovery(), diagnostics.report, '');
  diagnostics.throwIfAny();
  return layers;
}
