/** What the options of the built-in model `stack` make of it: its layers in order, and the axes of what a request holds. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import { type Axis, axisOf } from '../sizes.js';

/** A layer in one direction. */
export interface StackLayer {
  /** From 0. */
  readonly layer: number;
  readonly reverse: boolean;
  /** What its parameters' names start with in the model: `first.`, `deepReverse.0.`. */
  readonly prefix: string;
  /** Of the cell, its parameters over the cell's dims. */
  readonly cell: Signature;
  /** The same over the dims of the model. */
  readonly signature: Signature;
}

export interface Structure {
  readonly cell: string;
  /** How many, each in all directions. */
  readonly layers: number;
  readonly directions: 1 | 2;
  readonly merge: string;
  /** Layer 0 forward, layer 0 reverse, layer 1 forward, …: the rows of states. */
  readonly rows: readonly StackLayer[];
  /** Axes of what the model gives at every step, N. */
  readonly output: Axis;
  /** By state, its last axis. */
  readonly states: Readonly<Record<string, Axis>>;
}

export function structureOf(signature: Signature): Structure {
  const { cell, layers, bidirectional, merge, projection } = signature.options;
  const hidden = cell === 'lstm' && projection === true ? 'P' : 'H';
  const directions = bidirectional === true ? 2 : 1;
  const rows = Array.from({ length: Number(layers) * directions }, (_, row) =>
    layerAt(signature, Math.floor(row / directions), row % directions === 1),
  );
  return {
    cell: String(cell),
    layers: Number(layers),
    directions,
    merge: String(merge),
    rows,
    output: { times: merge === 'concat' ? directions : 1, dim: hidden },
    states: { h: axisOf(hidden), ...(cell === 'lstm' ? { c: axisOf('H') } : {}) },
  };
}

function layerAt(signature: Signature, layer: number, reverse: boolean): StackLayer {
  const kind = `${layer === 0 ? 'first' : 'deep'}${reverse ? 'Reverse' : ''}`;
  const name = layer === 0 ? kind : `${kind}.${layer - 1}`;
  const instance = signature.layers?.find((each) => each.name === name);
  if (instance === undefined) throw new Error(`the model has no layer ${name}`);
  const prefix = `${name}.`;
  const params = signature.params
    .filter((param) => param.name.startsWith(prefix))
    .map((param) => ({ ...param, name: param.name.slice(prefix.length) }));
  return { layer, reverse, prefix, cell: instance.signature, signature: { ...instance.signature, params } };
}
