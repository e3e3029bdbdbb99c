/** Central finite differences of the reference, and small edits of its data. */

import type { Signature, SpecTree } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellData, Tensor, Tensors } from '../../runtime/data.js';
import { lengthsAlong } from '../../runtime/lengths.js';
import { relativeError } from '../../runtime/norm.js';
import { runReference } from '../../runtime/reference/index.js';

type Group = 'inputs' | 'state' | 'params';

export interface Case {
  readonly tree: SpecTree;
  readonly signature: Signature;
  readonly sizes: Sizes;
}

/** Σ cotangent · result over all outputs and final states: the loss whose gradients `runReference` gives. */
export function loss({ tree, signature, sizes }: Case, data: CellData): number {
  const { outputs, state } = runReference(tree, signature, sizes, { ...data, cotangents: undefined });
  return inner(data.cotangents?.outputs ?? {}, outputs) + inner(data.cotangents?.state ?? {}, state);
}

function inner(cotangents: Tensors, values: Tensors): number {
  let sum = 0;
  for (const [name, { data }] of Object.entries(cotangents)) {
    const value = values[name];
    if (value === undefined) throw new Error(`no value called ${name}`);
    // Past a sequence's length outputs are zero, and cotangents anything.
    data.forEach((cotangent, i) => {
      if (value.data[i] !== 0) sum += cotangent * (value.data[i] as number);
    });
  }
  return sum;
}

/** Relative RMS between the reference's gradient and finite differences, for every tensor, by path. */
export function gradientErrors(subject: Case, data: CellData): Record<string, number> {
  const { gradients } = runReference(subject.tree, subject.signature, subject.sizes, data);
  if (gradients === undefined) throw new Error('no gradients');
  const errors: Record<string, number> = {};
  for (const group of ['inputs', 'state', 'params'] as const) {
    for (const [name, gradient] of Object.entries(gradients[group])) {
      errors[`${group}.${name}`] = relativeError(gradient.data, differences(subject, data, group, name));
    }
  }
  return errors;
}

function differences(subject: Case, data: CellData, group: Group, name: string): Float64Array {
  const original = data[group][name];
  if (original === undefined) throw new Error(`no tensor called ${group}.${name}`);
  return Float64Array.from(original.data, (value, i) => {
    // What lies past a sequence's length may be no number: nothing else there makes a difference either.
    const middle = Number.isFinite(value) ? value : 0;
    const step = 1e-5 * Math.max(1, Math.abs(middle));
    const at = (replacement: number) => loss(subject, withElement(data, group, name, i, replacement));
    const [up, down] = [middle + step, middle - step];
    return (at(up) - at(down)) / (up - down);
  });
}

export function withElement(data: CellData, group: Group, name: string, i: number, value: number): CellData {
  const original = data[group][name];
  if (original === undefined) throw new Error(`no tensor called ${group}.${name}`);
  const changed = Float64Array.from(original.data);
  changed[i] = value;
  return { ...data, [group]: { ...data[group], [name]: { shape: original.shape, data: changed } } };
}

/** One sequence of a batch, cut at its length. */
export function alone(data: CellData, b: number): CellData {
  const T = lengthsAlong(data.lengths, 'T')?.[b];
  const sequence = ({ shape, data: values }: Tensor): Tensor => {
    const [steps = 0, B = 0, ...rest] = shape;
    const row = rest.reduce((product, size) => product * size, 1);
    const length = T ?? steps;
    const cut = new Float64Array(length * row);
    for (let t = 0; t < length; t++) cut.set(values.slice((t * B + b) * row, (t * B + b + 1) * row), t * row);
    return { shape: [length, 1, ...rest], data: cut };
  };
  const single = ({ shape, data: values }: Tensor): Tensor => {
    const [, ...rest] = shape;
    const row = rest.reduce((product, size) => product * size, 1);
    return { shape: [1, ...rest], data: values.slice(b * row, (b + 1) * row) };
  };
  return {
    inputs: mapTensors(data.inputs, sequence),
    state: mapTensors(data.state, single),
    params: data.params,
    reverse: data.reverse,
    cotangents: data.cotangents && {
      outputs: mapTensors(data.cotangents.outputs, sequence),
      state: mapTensors(data.cotangents.state, single),
    },
  };
}

/** Every sequence turned around inside its own length; what is past it stays. */
export function flipped(tensors: Tensors, lengths: readonly number[]): Tensors {
  return mapTensors(tensors, ({ shape, data }) => {
    const [, B = 0, ...rest] = shape;
    const row = rest.reduce((product, size) => product * size, 1);
    const turned = Float64Array.from(data);
    lengths.forEach((length, b) => {
      for (let t = 0; t < length; t++) {
        const from = ((length - 1 - t) * B + b) * row;
        turned.set(data.slice(from, from + row), (t * B + b) * row);
      }
    });
    return { shape, data: turned };
  });
}

export function mapTensors(tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}
