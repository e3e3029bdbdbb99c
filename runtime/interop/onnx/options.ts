/** A node's attributes in our terms: the cell, its options, the order of its gates' activations. */
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import { quote } from '../describe.js';
import type { CellName } from '../weights/layout.js';
import { attributeError, binary, float, floats, texts } from './attributes.js';
import type { RecurrentNode, RecurrentOp } from './walk.js';

export type Options = Readonly<Record<string, OptionValue>>;

interface OpForm {
  readonly cell: CellName;
  /** As ONNX calls them, in the order of the blocks of rows in W and R. */
  readonly gates: readonly string[];
  /** Our options for each activation and its constants, in ONNX's order, with the operator's default, which is ours too. */
  readonly activations: readonly ActivationOptions[];
  /** What it has besides the attributes of all. */
  readonly attributes: readonly string[];
  /** Behind X. */
  readonly inputs: readonly string[];
}

interface ActivationOptions {
  readonly option: string;
  readonly alpha: string;
  readonly beta: string;
  readonly standard: string;
}

const SHARED_INPUTS = ['W', 'R', 'B', 'sequence_lens', 'initial_h'];
const SHARED_ATTRIBUTES = ['activation_alpha', 'activation_beta', 'activations', 'clip', 'direction', 'hidden_size'];

function activation(prefix: string, standard: string): ActivationOptions {
  return { option: `${prefix}Activation`, alpha: `${prefix}Alpha`, beta: `${prefix}Beta`, standard };
}

const LSTM: OpForm = {
  cell: 'lstm',
  gates: ['i', 'o', 'f', 'c'],
  activations: [activation('gate', 'sigmoid'), activation('cell', 'tanh'), activation('output', 'tanh')],
  attributes: [...SHARED_ATTRIBUTES, 'input_forget', 'layout', 'output_sequence'],
  inputs: [...SHARED_INPUTS, 'initial_c', 'P'],
};

export const OP_FORMS: Readonly<Record<RecurrentOp, OpForm>> = {
  LSTM,
  DynamicQuantizeLSTM: {
    ...LSTM,
    attributes: [...SHARED_ATTRIBUTES, 'input_forget'],
    inputs: [...LSTM.inputs, 'W_scale', 'W_zero_point', 'R_scale', 'R_zero_point'],
  },
  GRU: {
    cell: 'gru',
    gates: ['z', 'r', 'h'],
    activations: [activation('gate', 'sigmoid'), activation('candidate', 'tanh')],
    // `output_sequence` of version 1 chose among the outputs; `layout` came with version 14.
    attributes: [...SHARED_ATTRIBUTES, 'linear_before_reset', 'layout', 'output_sequence'],
    inputs: SHARED_INPUTS,
  },
  RNN: {
    cell: 'rnn',
    gates: ['h'],
    activations: [{ option: 'activation', alpha: 'alpha', beta: 'beta', standard: 'tanh' }],
    attributes: [...SHARED_ATTRIBUTES, 'layout', 'output_sequence'],
    inputs: SHARED_INPUTS,
  },
};

interface OnnxActivation {
  readonly ours: string;
  /** Takes an `activation_alpha`; the value is the operator's default, and ours. */
  readonly alpha?: number;
  readonly beta?: number;
  /** What ONNX Runtime has as a default instead. */
  readonly elsewhere?: string;
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
  affine: { ours: 'affine', alpha: 1, beta: 0, elsewhere: '0' },
  scaledtanh: { ours: 'scaledTanh', alpha: 1, beta: 1, elsewhere: '0' },
  thresholdedrelu: { ours: 'thresholdedRelu', alpha: 1, elsewhere: '0' },
};

interface ChosenOptions {
  readonly options: Options;
  /** What was assumed, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The options of one direction that are not our defaults, and a GRU's `reset`, which the two sides default differently.
 *
 * @param place 0, or 1 for the second direction of two
 * @param directions 1 or 2
 * @throws RecurveError `ONNX-ATTRIBUTE` where our cell cannot do what the node does
 */
export function optionsOf(node: RecurrentNode, place: number, directions: number): ChosenOptions {
  refuseUnknown(node);
  const options: Record<string, OptionValue> = {};
  const form = OP_FORMS[node.op];
  if (form.cell === 'gru') options.reset = binary(node, 'linear_before_reset') === 1 ? 'after' : 'before';
  const { chosen, notes } = activationsOf(node, directions);
  form.activations.forEach(({ option, alpha, beta, standard }, index) => {
    const found = chosen?.[place * form.activations.length + index];
    if (found === undefined) return;
    if (found.ours !== standard) options[option] = found.ours;
    if (found.alpha !== undefined) options[alpha] = found.alpha;
    if (found.beta !== undefined) options[beta] = found.beta;
  });
  if (form.cell === 'lstm' && binary(node, 'input_forget') === 1) options.coupled = true;
  const clip = float(node, 'clip');
  if (clip !== undefined) {
    if (!(clip > 0 && Number.isFinite(clip))) throw attributeError(node, 'clip', `is ${clip}; it is above 0`);
    options.clip = shortest(clip);
  }
  return { options, notes };
}

function refuseUnknown(node: RecurrentNode): void {
  const { attributes } = OP_FORMS[node.op];
  const unknown = node.proto.attribute.find(({ name }) => !attributes.includes(name));
  if (unknown) throw attributeError(node, quote(unknown.name), `is not an attribute of ${node.op}`, OWN_CELL);
}

/** Constants are there where they are not the default. */
interface ChosenActivation {
  readonly ours: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/**
 * The activations of all directions. Alphas and betas go to those that take one, in order.
 *
 * @throws RecurveError `ONNX-ATTRIBUTE`
 */
function activationsOf(
  node: RecurrentNode,
  directions: number,
): { readonly chosen?: readonly ChosenActivation[]; readonly notes: readonly string[] } {
  const alphas = constantsOf(node, 'activation_alpha');
  const betas = constantsOf(node, 'activation_beta');
  const names = texts(node, 'activations');
  if (names === undefined || names.length === 0) return { notes: [...alphas.left(), ...betas.left()] };
  const expected = OP_FORMS[node.op].activations.length * directions;
  if (names.length !== expected) throw attributeError(node, 'activations', `has ${names.length} names; it takes ${expected}`);
  const notes = new Set<string>();
  const chosen = names.map((name): ChosenActivation => {
    const key = name.toLowerCase();
    const known = Object.hasOwn(ACTIVATIONS, key) ? ACTIVATIONS[key] : undefined;
    if (known === undefined) throw attributeError(node, 'activations', `has ${quote(name)}, which ONNX does not name`, OWN_CELL);
    const take = (given: Constants, standard: number | undefined) => {
      const value = standard === undefined ? undefined : given.next();
      if (standard !== undefined && value === undefined && known.elsewhere !== undefined) {
        notes.add(
          `${given.name} of ${name} is not given: read as the operator's default ${standard}; ONNX Runtime takes ${known.elsewhere}`,
        );
      }
      return value === undefined || value === shortest(Math.fround(standard ?? 0)) ? undefined : value;
    };
    const [alpha, beta] = [take(alphas, known.alpha), take(betas, known.beta)];
    return { ours: known.ours, ...(alpha === undefined ? {} : { alpha }), ...(beta === undefined ? {} : { beta }) };
  });
  return { chosen, notes: [...notes, ...alphas.left(), ...betas.left()] };
}

interface Constants {
  readonly name: string;
  next(): number | undefined;
  /** A sentence where some were not taken. */
  left(): readonly string[];
}

function constantsOf(node: RecurrentNode, name: string): Constants {
  const values = floats(node, name) ?? [];
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw attributeError(node, name, `holds ${wrong}`);
  let taken = 0;
  return {
    name,
    next() {
      const value = values[taken++];
      return value === undefined ? undefined : shortest(value);
    },
    left: () => (taken < values.length ? [`${name} has ${values.length} values, of which ${taken} are taken, in order`] : []),
  };
}

/** The shortest decimal number that float32 rounds to the same. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

const OWN_CELL = 'Write the cell with it, `recurve new <name>`, and give it the weights as "params".';
