/** A step of the cells rnn, lstm and gru as operations on a tape. Gates that lie side by side have one activation. */
import type { PlainCell } from '../plain.js';
import type { Activation, Value } from './operations.js';
import type { Tape } from './tape.js';

export interface Weights {
  /** `[H, gates·H]`. */
  readonly recurrent: Value;
  /** The bias behind the reset gate, `[1, H]`, of a gru that resets after the product. */
  readonly inner?: Value | undefined;
}

type State = readonly [h: Value, c?: Value];
/** @param driven what the gates make of x, side by side, `[B, gates·H]` */
type Step = (driven: Value, state: State) => State;
type Two = readonly [Value, Value];
type Three = readonly [Value, Value, Value];

/**
 * A step of a cell.
 * @param tape takes what all steps share at once: views of the weights
 */
export function stepOf(tape: Tape, { kind, activations }: PlainCell<Activation>, weights: Weights): Step {
  const [first, second, third] = activations as readonly [Activation, Activation, Activation];
  if (kind === 'rnn') return rnn(tape, first, weights);
  if (kind === 'lstm') return lstm(tape, first, second, third, weights);
  return weights.inner === undefined ? gruBefore(tape, first, second, weights) : gruAfter(tape, first, second, weights);
}

function rnn({ add, activate, product }: Tape, activation: Activation, { recurrent }: Weights): Step {
  return (driven, [h]) => [activate(activation, add(driven, product(h, recurrent)))];
}

function lstm(tape: Tape, gate: Activation, candidate: Activation, output: Activation, { recurrent }: Weights): Step {
  const { add, multiply, product, activate } = tape;
  return (driven, [h, c]) => {
    const units = h.columns;
    const gates = add(driven, product(h, recurrent));
    const [both, g, o] = tape.splitColumns(gates, [2 * units, units, units]) as unknown as Three;
    const [i, f] = tape.splitColumns(activate(gate, both), [units, units]) as unknown as Two;
    const next = add(multiply(f, c as Value), multiply(i, activate(candidate, g)));
    return [multiply(activate(gate, o), activate(output, next)), next];
  };
}

function gruAfter(tape: Tape, gate: Activation, candidate: Activation, { recurrent, inner }: Weights): Step {
  const { add, addRow, multiply, product, activate } = tape;
  return (driven, [h]) => {
    const widths = [2 * h.columns, h.columns];
    const [x_zr, x_n] = tape.splitColumns(driven, widths) as unknown as Two;
    const [h_zr, h_n] = tape.splitColumns(product(h, recurrent), widths) as unknown as Two;
    const [z, r] = tape.splitColumns(activate(gate, add(x_zr, h_zr)), [h.columns, h.columns]) as unknown as Two;
    const n = activate(candidate, add(x_n, multiply(r, addRow(h_n, inner as Value))));
    return [mixed(tape, z, n, h)];
  };
}

function gruBefore(tape: Tape, gate: Activation, candidate: Activation, { recurrent }: Weights): Step {
  const { add, multiply, product, activate } = tape;
  const units = recurrent.rows;
  const [ofGates, ofCandidate] = tape.splitColumns(recurrent, [2 * units, units]) as unknown as Two;
  return (driven, [h]) => {
    const [x_zr, x_n] = tape.splitColumns(driven, [2 * units, units]) as unknown as Two;
    const [z, r] = tape.splitColumns(activate(gate, add(x_zr, product(h, ofGates))), [units, units]) as unknown as Two;
    const n = activate(candidate, add(x_n, product(multiply(r, h), ofCandidate)));
    return [mixed(tape, z, n, h)];
  };
}

/** (1 − z) ⊙ n + z ⊙ h. */
const mixed = ({ add, multiply, subtract }: Tape, z: Value, n: Value, h: Value) => add(n, multiply(z, subtract(h, n)));
