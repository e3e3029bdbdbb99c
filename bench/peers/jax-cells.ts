/**
 * One step of the cells rnn, lstm and gru in the operations of jax-js. Its arrays count who holds them: whoever is given one gives it
 * away with its last use, and says `.ref` before any other.
 */
import type { Signature } from '../../codegen/frontend/tree.js';
import { type Jax, type JaxActivation, type JaxArray, jaxActivation } from './jax-activations.js';
import { type PlainCell, plainCell } from './plain.js';

/** `[B, H]` each: of an lstm h and c, of the others h. */
export type JaxState = readonly [h: JaxArray, c?: JaxArray];

export interface JaxWeights {
  /** `[H, gates·H]`. */
  readonly recurrent: JaxArray;
  /** The bias behind the reset gate, of a gru that resets after the product. */
  readonly inner?: JaxArray;
}

/**
 * The state after a step. It keeps the weights, and gives away the rest.
 * @param driven what each gate makes of x, `[B, H]`
 */
type Step = (driven: readonly JaxArray[], state: JaxState, weights: JaxWeights) => JaxState;

export interface JaxCell extends PlainCell<JaxActivation> {
  readonly step: Step;
}

/** A cell at its options, or a sentence that says why it is not written here. */
export function jaxCell(jax: Jax, signature: Signature): JaxCell | string {
  const cell = plainCell(signature, (chosen) => jaxActivation(jax, chosen));
  return typeof cell === 'string' ? cell : { ...cell, step: stepOf(jax, cell) };
}

type Two = readonly [JaxArray, JaxArray];
type Three = readonly [JaxArray, JaxArray, JaxArray];
type Four = readonly [JaxArray, JaxArray, JaxArray, JaxArray];

function stepOf(jax: Jax, { kind, inner, activations }: PlainCell<JaxActivation>): Step {
  const [first, second, third] = activations as unknown as readonly [JaxActivation, JaxActivation, JaxActivation];
  if (kind === 'rnn') return rnn(jax, first);
  if (kind === 'lstm') return lstm(jax, first, second, third);
  return inner === undefined ? gruBefore(jax, first, second) : gruAfter(jax, first, second);
}

function rnn({ numpy }: Jax, act: JaxActivation): Step {
  return ([x], [h], { recurrent }) => [act(numpy.add(x as JaxArray, numpy.dot(h, recurrent.ref)))];
}

function lstm({ numpy }: Jax, gate: JaxActivation, candidate: JaxActivation, output: JaxActivation): Step {
  return (driven, [h, c], { recurrent }) => {
    // The product is cut before x joins it: that lies elsewhere at every step, and each step would have a kernel of its own for products.
    const products = numpy.split(numpy.dot(h, recurrent.ref), 4, 1);
    const [i, f, g, o] = products.map((product, at) => numpy.add(driven[at] as JaxArray, product)) as unknown as Four;
    const next = numpy.add(numpy.multiply(gate(f), c as JaxArray), numpy.multiply(gate(i), candidate(g)));
    return [numpy.multiply(gate(o), output(next.ref)), next];
  };
}

function gruAfter({ numpy }: Jax, gate: JaxActivation, candidate: JaxActivation): Step {
  return (driven, [h], { recurrent, inner }) => {
    const [x_z, x_r, x_n] = driven as Three;
    const [h_z, h_r, h_n] = numpy.split(numpy.dot(h.ref, recurrent.ref), 3, 1) as unknown as Three;
    const z = gate(numpy.add(x_z, h_z));
    const r = gate(numpy.add(x_r, h_r));
    const n = candidate(numpy.add(x_n, numpy.multiply(r, numpy.add(h_n, (inner as JaxArray).ref))));
    return [numpy.add(n.ref, numpy.multiply(z, numpy.subtract(h, n)))];
  };
}

function gruBefore({ numpy }: Jax, gate: JaxActivation, candidate: JaxActivation): Step {
  return (driven, [h], { recurrent }) => {
    const [x_z, x_r, x_n] = driven as Three;
    const units = h.shape[1] ?? 0;
    const [rest, last] = numpy.split(recurrent.ref, [2 * units], 1) as unknown as Two;
    const [h_z, h_r] = numpy.split(numpy.dot(h.ref, rest), 2, 1) as unknown as Two;
    const z = gate(numpy.add(x_z, h_z));
    const r = gate(numpy.add(x_r, h_r));
    const n = candidate(numpy.add(x_n, numpy.dot(numpy.multiply(r, h.ref), last)));
    return [numpy.add(n.ref, numpy.multiply(z, numpy.subtract(h, n)))];
  };
}
