/** What the cells rnn, lstm and gru are without their extras, for peers that write them anew. */
import type { OptionValues, Signature } from '../../codegen/frontend/tree.js';
import type { CellData } from '../../runtime/data.js';
import { OP_FORMS } from '../../runtime/interop/onnx/options.js';
import type { PackedGate } from './keras.js';

/** Suffixes of our gates, in the order in which Keras packs them. */
export const GATES = {
  lstm: ['_i', '_f', '_g', '_o'],
  gru: ['_z', '_r', '_n'],
  rnn: [''],
} as const;
export type CellKind = keyof typeof GATES;

export const isCellKind = (name: string): name is CellKind => Object.hasOwn(GATES, name);

/** Our parameters of each gate; those of a layer of a model have a prefix, `first.`. */
export const gatesOf = (cell: CellKind, prefix = ''): PackedGate[] =>
  GATES[cell].map((gate) => ({ kernel: `${prefix}W${gate}`, recurrent: `${prefix}U${gate}`, bias: `${prefix}b${gate}` }));

const EXTRAS = [
  'peepholes',
  'coupled',
  'projection',
  'clip',
  'cellClip',
  'zoneout',
  'variationalDropout',
  'recurrentDropout',
  'dropConnect',
];

/** The first option under which a cell is more than its equations, but for those that the peer knows. */
export function extraIn(options: OptionValues, known: readonly string[] = []): string | undefined {
  const extra = EXTRAS.find((option) => !known.includes(option) && Boolean(options[option]));
  return extra ?? (options.layerNorm !== undefined && options.layerNorm !== 'none' ? 'layerNorm' : undefined);
}

/** A function by our name, and its constants where it has some. */
export interface ChosenActivation {
  readonly name: string;
  readonly alpha: number;
  readonly beta: number;
}

/** In ONNX's order: of an lstm those of the gates, of g and of h, of a gru those of the gates and of n. */
export function activationsOf(cell: CellKind, options: OptionValues): ChosenActivation[] {
  return OP_FORMS[OPERATORS[cell]].activations.map(({ option, alpha, beta, standard }) => ({
    name: String(options[option] ?? standard),
    alpha: Number(options[alpha]),
    beta: Number(options[beta]),
  }));
}

/** What ONNX calls them. */
export const OPERATORS = { lstm: 'LSTM', gru: 'GRU', rnn: 'RNN' } as const;

/** Why a peer that runs full sequences forward cannot run these, where it cannot. */
export function unevenness({ lengths, reverse }: CellData): string | undefined {
  return lengths !== undefined || reverse ? 'the comparison runs full sequences forward in time' : undefined;
}

/** A cell at its options, with its activations in a peer's own terms. */
export interface PlainCell<A = unknown> {
  readonly kind: CellKind;
  readonly gates: readonly PackedGate[];
  /** Our parameter that is the bias behind the reset gate, of a gru that resets after the product. */
  readonly inner?: string | undefined;
  /** In ONNX's order. */
  readonly activations: readonly A[];
}

/**
 * The cell that a signature is, or a sentence that says why the peer has not written it.
 * @param activation `undefined` where the peer has not written it
 */
export function plainCell<A>(
  { name, options, params }: Pick<Signature, 'name' | 'options' | 'params'>,
  activation: (chosen: ChosenActivation) => A | undefined,
): PlainCell<A> | string {
  if (!isCellKind(name)) return `${name} is not written in its operations`;
  const extra = extraIn(options);
  if (extra !== undefined) return `${extra} is not written in its operations`;
  const activations: A[] = [];
  for (const chosen of activationsOf(name, options)) {
    const found = activation(chosen);
    if (found === undefined) return `the activation ${chosen.name} is not written in its operations`;
    activations.push(found);
  }
  const gates = gatesOf(name);
  const inner = name === 'gru' && options.reset === 'after' ? 'c_n' : undefined;
  const own = [...gates.flatMap(({ kernel, recurrent, bias }) => [kernel, recurrent, bias]), ...(inner ? [inner] : [])];
  if (own.length !== params.length || params.some((param) => !own.includes(param.name)))
    return `this ${name} takes other parameters than the built-in cell of its name`;
  return { kind: name, gates, inner, activations };
}
