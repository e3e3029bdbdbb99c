/** A node's attributes in our terms: the cell, its options, the order of its gates' activations. */
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import { quote } from '../describe.js';
import type { CellName } from '../weights/layout.js';
import { attributeError, binary, float, floats, texts } from './attributes.js';
import type { RecurrentNode, RecurrentOp } from './walk.js';

export type Options = Readonly<Record<string, OptionValue>>;

interface OpForm {
  readonly cell: CellName;
  /** Blocks of rows in W and R. */
  readonly gates: number;
  /** Our option for each activation, in ONNX's order, with the operator's default, which is ours too. */
  readonly activations: readonly { readonly option: string; readonly standard: string }[];
}

export const OP_FORMS: Readonly<Record<RecurrentOp, OpForm>> = {
  LSTM: {
    cell: 'lstm',
    gates: 4,
    activations: [
      { option: 'gateActivation', standard: 'sigmoid' },
      { option: 'cellActivation', standard: 'tanh' },
      { option: 'outputActivation', standard: 'tanh' },
    ],
  },
  GRU: {
    cell: 'gru',
    gates: 3,
    activations: [
      { option: 'gateActivation', standard: 'sigmoid' },
      { option: 'candidateActivation', standard: 'tanh' },
    ],
  },
  RNN: { cell: 'rnn', gates: 1, activations: [{ option: 'activation', standard: 'tanh' }] },
};

interface OnnxActivation {
  /** Ours; absent where we have none. */
  readonly ours?: string;
  /** Takes an `activation_alpha`; the value is ONNX's default and the constant of ours. */
  readonly alpha?: number;
  readonly beta?: number;
}

/** By lower-case name: exporters differ in capitals. */
const ACTIVATIONS: Readonly<Record<string, OnnxActivation>> = {
  tanh: { ours: 'tanh' },
  sigmoid: { ours: 'sigmoid' },
  relu: { ours: 'relu' },
  leakyrelu: { ours: 'leakyRelu', alpha: 0.01 },
  elu: { ours: 'elu', alpha: 1 },
  softplus: { ours: 'softplus' },
  softsign: { ours: 'softsign' },
  hardsigmoid: { ours: 'hardSigmoid', alpha: 0.2, beta: 0.5 },
  affine: { alpha: 1, beta: 0 },
  scaledtanh: { alpha: 1, beta: 1 },
  thresholdedrelu: { alpha: 1 },
};

/**
 * The options of one direction that are not our defaults, and a GRU's `reset`, which the two sides default differently.
 *
 * @param place 0, or 1 for the second direction of two
 * @param directions 1 or 2
 * @throws RecurveError `ONNX-ATTRIBUTE` where our cell cannot do what the node does
 */
export function optionsOf(node: RecurrentNode, place: number, directions: number): Options {
  const options: Record<string, OptionValue> = {};
  if (node.op === 'GRU') options.reset = binary(node, 'linear_before_reset') === 1 ? 'after' : 'before';
  const form = OP_FORMS[node.op];
  const names = activationsOf(node, directions);
  form.activations.forEach(({ option, standard }, index) => {
    const name = names?.[place * form.activations.length + index] ?? standard;
    if (name !== standard) options[option] = name;
  });
  if (node.op === 'LSTM') {
    if (node.scope.find(node.proto.input[7] ?? '')) options.peepholes = true;
    if (binary(node, 'input_forget') === 1) options.coupled = true;
  }
  const clip = float(node, 'clip');
  if (clip !== undefined) {
    if (!(clip > 0 && Number.isFinite(clip))) throw attributeError(node, 'clip', `is ${clip}; it is above 0`);
    options.clip = clip;
  }
  return options;
}

/**
 * Our names of the activations of all directions. Alphas and betas go to those that take one, in order.
 *
 * @throws RecurveError `ONNX-ATTRIBUTE`
 */
function activationsOf(node: RecurrentNode, directions: number): readonly string[] | undefined {
  const names = texts(node, 'activations');
  if (names === undefined || names.length === 0) return undefined;
  const expected = OP_FORMS[node.op].activations.length * directions;
  if (names.length !== expected) throw attributeError(node, 'activations', `has ${names.length} names; it takes ${expected}`);
  const alphas = floats(node, 'activation_alpha').values();
  const betas = floats(node, 'activation_beta').values();
  return names.map((name) => {
    const key = name.toLowerCase();
    const known = Object.hasOwn(ACTIVATIONS, key) ? ACTIVATIONS[key] : undefined;
    if (known?.ours === undefined) {
      throw attributeError(node, 'activations', `has ${quote(name)}, which no cell of ours has`, OWN_CELL);
    }
    for (const [parameter, fixed, given] of [
      ['activation_alpha', known.alpha, alphas],
      ['activation_beta', known.beta, betas],
    ] as const) {
      const value = fixed === undefined ? undefined : given.next().value;
      if (fixed === undefined || value === undefined || value === Math.fround(fixed)) continue;
      throw attributeError(node, parameter, `is ${value} for ${quote(name)}; ours has ${fixed}`, OWN_CELL);
    }
    return known.ours;
  });
}

const OWN_CELL = 'Write the cell with this activation, `recurve new <name>`, and give it the weights as "params".';
