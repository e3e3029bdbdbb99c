/**
 * The cells lstm, gru and rnn in the operations of tfjs, the gates of one side by side and the products of x for all steps at once:
 * the fastest way to write them there that we know.
 */
import type { OptionValue, OptionValues } from '../../../codegen/frontend/tree.js';
import type { Tensor, Tensors } from '../../../runtime/data.js';
import { packWeights, unpackWeights } from '../keras.js';
import { extraIn, gatesOf, isCellKind } from '../plain.js';
import type { TfCore } from '../tfjs-device.js';
import { type Core, type Named, unstack } from './network.js';

/** Of each sequence, `[B, H]` each. */
export type State = Named;

interface Unrolled {
  /** `[B, T, H]`. */
  readonly h: TfCore.Tensor;
  readonly final: State;
}

/** A layer with its weights in hand. */
export interface Cell {
  readonly units: number;
  /** What all gates make of x, `[N, I]` to `[N, gates · H]`: it needs no state. */
  project(x: TfCore.Tensor): TfCore.Tensor;
  step(projected: TfCore.Tensor, state: State): State;
}

export interface RecurrentLayer {
  /** Names of ours. */
  readonly params: readonly string[];
  /** Its weights, in Keras's layout but for a bias behind the reset gate, `<layer>.c_n` as ours. */
  pack(params: Tensors): Tensors;
  /** Their gradients, under our names. */
  unpack(gradients: Tensors): Tensors;
  bind(core: Core, weights: Named): Cell;
}

/** The layer of this name in a model, or a sentence that says why it is not written here. */
export function recurrentLayer(name: string, cell: OptionValue | undefined, options: OptionValues): RecurrentLayer | string {
  const kind = String(cell);
  if (!isCellKind(kind)) return `the cell ${kind} is not written in its operations`;
  const extra = extraIn(options);
  if (extra !== undefined) return `${extra} is not written in its operations`;
  const functions = activationsOf(String(cell), options);
  if (typeof functions === 'string') return functions;

  const parts = { gates: gatesOf(kind, `${name}.`) };
  const [kernel, recurrent, bias, inner] = ['kernel', 'recurrent', 'bias', 'c_n'].map((part) => `${name}.${part}`) as Names;
  const reset = cell === 'gru' ? (options.reset ?? 'after') : 'none';
  const names = parts.gates.flatMap((gate) => [gate.kernel, gate.recurrent, gate.bias]);
  return {
    params: reset === 'after' ? [...names, inner] : names,
    pack(params) {
      const packed = packWeights(parts, params);
      const own = reset === 'after' ? { [inner]: params[inner] as Tensor } : {};
      return { [kernel]: packed.kernel, [recurrent]: packed.recurrentKernel, [bias]: packed.bias, ...own };
    },
    unpack(gradients) {
      const found = (key: string) => gradients[key] as Tensor;
      const weights = { kernel: found(kernel), recurrentKernel: found(recurrent), bias: found(bias) };
      return { ...unpackWeights(parts, weights), ...(reset === 'after' ? { [inner]: found(inner) } : {}) };
    },
    bind(core, weights) {
      const weight = (key: string) => weights[key] as TfCore.Tensor2D;
      const units = weight(recurrent).shape[0];
      const project = (x: TfCore.Tensor) => core.fused.matMul({ a: x as TfCore.Tensor2D, b: weight(kernel), bias: weight(bias) });
      const made = { core, units, functions, recurrent: weight(recurrent), inner: weights[inner], reset };
      const step = cell === 'lstm' ? lstm(made) : cell === 'gru' ? gru(made) : rnn(made);
      return { units, project, step };
    },
  };
}

type Names = [kernel: string, recurrent: string, bias: string, inner: string];

/**
 * All steps of a layer.
 * @param x `[B, T, I]`
 * @param initial zeros where it is missing
 */
export function unroll(
  core: Core,
  cell: Cell,
  x: TfCore.Tensor,
  direction: 'forward' | 'reverse',
  initial?: Partial<State>,
): Unrolled {
  const [B = 1, T = 1, I = 1] = x.shape;
  const projected = unstack(core, core.reshape(cell.project(core.reshape(x, [B * T, I])), [B, T, -1]), 1);
  const zeros = core.zeros([B, cell.units]);
  let state: State = { h: initial?.h ?? zeros, c: initial?.c ?? zeros };
  const steps: TfCore.Tensor[] = [];
  for (const step of direction === 'forward' ? projected : projected.toReversed()) {
    state = cell.step(step, state);
    steps.push(state.h as TfCore.Tensor);
  }
  return { h: core.stack(direction === 'forward' ? steps : steps.toReversed(), 1), final: state };
}

/** What a step is made of. */
interface Made {
  readonly core: Core;
  readonly units: number;
  readonly functions: Functions;
  /** `[H, gates · H]`. */
  readonly recurrent: TfCore.Tensor2D;
  readonly inner: TfCore.Tensor | undefined;
  readonly reset: OptionValue;
}

function lstm({ core, functions: { gate, candidate, output }, recurrent }: Made): Cell['step'] {
  return (projected, { h, c }) => {
    const sums = core.add(projected, core.matMul(h as TfCore.Tensor, recurrent));
    const [i, f, g, o] = core.split(sums, 4, 1) as [TfCore.Tensor, TfCore.Tensor, TfCore.Tensor, TfCore.Tensor];
    const next = core.add(core.mul(gate(core, f), c as TfCore.Tensor), core.mul(gate(core, i), candidate(core, g)));
    return { h: core.mul(gate(core, o), output(core, next)), c: next };
  };
}

function gru({ core, units, functions: { gate, candidate }, recurrent, inner, reset }: Made): Cell['step'] {
  const [rest, last] = core.split(recurrent, [2 * units, units], 1) as [TfCore.Tensor, TfCore.Tensor];
  return (projected, state) => {
    const h = state.h as TfCore.Tensor;
    const [x_zr, x_n] = core.split(projected, [2 * units, units], 1) as [TfCore.Tensor, TfCore.Tensor];
    const [h_zr, h_n] =
      reset === 'after'
        ? (core.split(core.matMul(h, recurrent), [2 * units, units], 1) as [TfCore.Tensor, TfCore.Tensor])
        : [core.matMul(h, rest), undefined];
    const [z, r] = core.split(gate(core, core.add(x_zr, h_zr)), 2, 1) as [TfCore.Tensor, TfCore.Tensor];
    const driven = h_n ? core.mul(r, core.add(h_n, inner as TfCore.Tensor)) : core.matMul(core.mul(r, h), last);
    const n = candidate(core, core.add(x_n, driven));
    return { h: core.add(n, core.mul(z, core.sub(h, n))) };
  };
}

function rnn({ core, functions: { candidate }, recurrent }: Made): Cell['step'] {
  return (projected, { h }) => ({ h: candidate(core, core.add(projected, core.matMul(h as TfCore.Tensor, recurrent))) });
}

type Activation = (core: Core, x: TfCore.Tensor) => TfCore.Tensor;
interface Functions {
  readonly gate: Activation;
  readonly candidate: Activation;
  readonly output: Activation;
}

/** Those that a cell has: the option names the function, and what stands before its `alpha` and `beta`. */
function activationsOf(cell: string, options: OptionValues): Functions | string {
  const of = (option: string, prefix: string, standard: string) => {
    const constant = (name: string) => options[prefix === '' ? name : `${prefix}${name[0]?.toUpperCase()}${name.slice(1)}`];
    return activation(options[option] ?? standard, Number(constant('alpha')), Number(constant('beta')));
  };
  const gate = cell === 'rnn' ? linear : of('gateActivation', 'gate', 'sigmoid');
  const candidate =
    cell === 'rnn'
      ? of('activation', '', 'tanh')
      : cell === 'gru'
        ? of('candidateActivation', 'candidate', 'tanh')
        : of('cellActivation', 'cell', 'tanh');
  const output = cell === 'lstm' ? of('outputActivation', 'output', 'tanh') : linear;
  for (const found of [gate, candidate, output]) if (typeof found === 'string') return found;
  return { gate, candidate, output } as Functions;
}

const linear: Activation = (_, x) => x;

function activation(name: OptionValue, alpha: number, beta: number): Activation | string {
  switch (name) {
    case 'tanh':
    case 'sigmoid':
    case 'relu':
    case 'softplus':
      return (core, x) => core[name](x);
    case 'leakyRelu':
      return (core, x) => core.leakyRelu(x, alpha);
    case 'softsign':
      return (core, x) => core.div(x, core.add(core.abs(x), 1));
    case 'hardSigmoid':
      return (core, x) => core.clipByValue(core.add(core.mul(x, alpha), beta), 0, 1);
    case 'linear':
      return linear;
    default:
      return `the activation ${String(name)} is not written in its operations`;
  }
}
