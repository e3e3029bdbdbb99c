/**
 * The Keras layer that computes what one of our cells does, and how its packed weights map to our parameters.
 *
 * A Keras `kernel` is `[I, G·H]`, `recurrent_kernel` `[H, G·H]` and `bias` `[G·H]`: our matrices transposed, the gates
 * side by side (LSTM i f c o, GRU z r n).
 */
import type { OptionValue, Signature } from '../../codegen/frontend/tree.js';
import { elements, type Tensor, type Tensors } from '../../runtime/data.js';

/** Our parameters of one gate. */
export interface PackedGate {
  readonly kernel: string;
  readonly recurrent: string;
  readonly bias: string;
}

export interface KerasLayer {
  readonly kind: 'simpleRNN' | 'lstm' | 'gru';
  readonly activation: KerasActivation;
  readonly recurrentActivation: KerasActivation;
  /** Our parameters' names, one per gate, in the order in which Keras packs them. */
  readonly gates: readonly PackedGate[];
  /** Where its mathematics is not quite ours. */
  readonly differs?: string;
}

/** A layer's three tensors in Keras's layout. */
export interface KerasWeights {
  readonly kernel: Tensor;
  readonly recurrentKernel: Tensor;
  readonly bias: Tensor;
}

const ACTIVATIONS = ['tanh', 'sigmoid', 'relu', 'elu', 'softplus', 'softsign', 'hardSigmoid'] as const;
export type KerasActivation = (typeof ACTIVATIONS)[number];

/** The layer for a built-in cell at its options, or a sentence that says why Keras has none. */
export function kerasLayer(signature: Signature): KerasLayer | string {
  const { name, options } = signature;
  const extra = ['peepholes', 'coupled', 'projection', 'clip'].find((option) => Boolean(options[option]));
  if (extra !== undefined) return `Keras's ${name} has no ${extra}`;
  switch (name) {
    case 'rnn':
      return layer('simpleRNN', options.activation, 'sigmoid', [''], { kernel: 'W', recurrent: 'U', bias: 'b' });
    case 'lstm':
      if (options.cellActivation !== options.outputActivation) return "Keras's lstm has one activation for g and h";
      return layer('lstm', options.cellActivation, options.gateActivation, ['_i', '_f', '_g', '_o'], GATED);
    case 'gru': {
      const found = layer('gru', options.candidateActivation, options.gateActivation, ['_z', '_r', '_n'], GATED);
      if (typeof found === 'string' || options.reset !== 'after') return found;
      return { ...found, differs: "it runs reset: 'before'; tfjs refuses reset_after" };
    }
    default:
      return `Keras has no layer for the cell ${name}`;
  }
}

const GATED = { kernel: 'W', recurrent: 'U', bias: 'b' };

function layer(
  kind: KerasLayer['kind'],
  activation: OptionValue | undefined,
  recurrentActivation: OptionValue | undefined,
  gates: readonly string[],
  prefix: PackedGate,
): KerasLayer | string {
  if (!isActivation(activation)) return `Keras has no activation ${String(activation)}`;
  if (!isActivation(recurrentActivation)) return `Keras has no activation ${String(recurrentActivation)}`;
  return {
    kind,
    activation,
    recurrentActivation,
    gates: gates.map((gate) => ({
      kernel: prefix.kernel + gate,
      recurrent: prefix.recurrent + gate,
      bias: prefix.bias + gate,
    })),
  };
}

function isActivation(value: OptionValue | undefined): value is KerasActivation {
  return ACTIVATIONS.some((name) => name === value);
}

/** Our parameters in Keras's layout. */
export function packWeights(layer: Pick<KerasLayer, 'gates'>, params: Tensors): KerasWeights {
  const { gates } = layer;
  return {
    kernel: packMatrices(gates.map((gate) => param(params, gate.kernel))),
    recurrentKernel: packMatrices(gates.map((gate) => param(params, gate.recurrent))),
    bias: packVectors(gates.map((gate) => param(params, gate.bias))),
  };
}

/** Weights, or their gradients, in our layout. */
export function unpackWeights(layer: Pick<KerasLayer, 'gates'>, weights: KerasWeights): Tensors {
  const count = layer.gates.length;
  return Object.fromEntries(
    layer.gates.flatMap((gate, index) => [
      [gate.kernel, unpackMatrix(weights.kernel, index, count)],
      [gate.recurrent, unpackMatrix(weights.recurrentKernel, index, count)],
      [gate.bias, unpackVector(weights.bias, index, count)],
    ]),
  );
}

/** `[rows, columns]` each to `[columns, gates·rows]`. */
function packMatrices(matrices: readonly Tensor[]): Tensor {
  const [rows, columns] = matrixSize(matrices[0]);
  const width = matrices.length * rows;
  const data = new Float32Array(columns * width);
  matrices.forEach((matrix, gate) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        data[column * width + gate * rows + row] = matrix.data[row * columns + column] ?? Number.NaN;
      }
    }
  });
  return { shape: [columns, width], data };
}

function unpackMatrix(packed: Tensor, gate: number, count: number): Tensor {
  const [columns, width] = matrixSize(packed);
  const rows = width / count;
  const data = Float32Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return packed.data[column * width + gate * rows + row] ?? Number.NaN;
  });
  return { shape: [rows, columns], data };
}

function packVectors(vectors: readonly Tensor[]): Tensor {
  const data = Float32Array.from(vectors.flatMap((vector) => [...vector.data]));
  return { shape: [data.length], data };
}

function unpackVector(packed: Tensor, gate: number, count: number): Tensor {
  const size = packed.data.length / count;
  return { shape: [size], data: Float32Array.from(packed.data.slice(gate * size, (gate + 1) * size)) };
}

/** `[T, B, …]` to `[B, T, …]`, or back: Keras puts the batch first. */
export function swapTimeAndBatch(tensor: Tensor): Tensor {
  const [first, second] = matrixSize(tensor);
  const width = tensor.data.length / (first * second);
  const data = new Float32Array(tensor.data.length);
  for (let i = 0; i < first; i++) {
    for (let j = 0; j < second; j++) {
      const from = (i * second + j) * width;
      data.set(tensor.data.subarray(from, from + width), (j * first + i) * width);
    }
  }
  return { shape: [second, first, ...tensor.shape.slice(2)], data };
}

/** What the data leave out is zero. */
export function orZeros(tensor: Tensor | undefined, shape: readonly number[]): Tensor {
  return tensor ?? { shape, data: new Float32Array(elements(shape)) };
}

function param(params: Tensors, name: string): Tensor {
  const found = params[name];
  if (found === undefined) throw new Error(`the layer needs the parameter ${name}`);
  return found;
}

function matrixSize(tensor: Tensor | undefined): [number, number] {
  const [rows, columns] = tensor?.shape ?? [];
  if (rows === undefined || columns === undefined) throw new Error('the layer needs matrices');
  return [rows, columns];
}
