/** Signatures of the three cells, written out by hand, so that these tests need no compiler. */
import type { OptionValues, Signature } from '../../codegen/frontend/tree.js';
import type { CellInterface, RunRequest } from '../../runtime/interop/index.js';

const span = { file: 'test', line: 1, column: 1, length: 1 };

function declare(shapes: Readonly<Record<string, readonly string[]>>): Signature['params'] {
  return Object.entries(shapes).map(([name, shape]) => ({ name, shape, init: undefined, trainable: true, span }));
}

function gates(names: readonly string[], state: string): Record<string, readonly string[]> {
  return Object.fromEntries(
    names.flatMap((gate) => [
      [`W_${gate}`, ['H', 'I']],
      [`U_${gate}`, ['H', state]],
      [`b_${gate}`, ['H']],
    ]),
  );
}

export function rnn(): CellInterface {
  return {
    signature: {
      name: 'rnn',
      options: { activation: 'tanh', clip: 0 },
      dims: ['I', 'H'],
      rules: [],
      rates: [],
      inputs: declare({ x: ['I'] }),
      state: declare({ h: ['H'] }),
      params: declare({ W: ['H', 'I'], U: ['H', 'H'], b: ['H'] }),
      outputs: undefined,
    },
    outputs: { h: ['H'] },
  };
}

export function lstm(given: OptionValues = {}): CellInterface {
  const options = { peepholes: false, coupled: false, projection: false, clip: 0, ...given };
  const state = options.projection ? 'P' : 'H';
  const peepholes = options.coupled ? ['i', 'o'] : ['i', 'f', 'o'];
  return {
    signature: {
      name: 'lstm',
      options,
      dims: options.projection ? ['I', 'H', 'P'] : ['I', 'H'],
      rules: [],
      rates: [],
      inputs: declare({ x: ['I'] }),
      state: declare({ h: [state], c: ['H'] }),
      params: declare({
        ...gates(options.coupled ? ['i', 'g', 'o'] : ['i', 'f', 'g', 'o'], state),
        ...(options.peepholes ? Object.fromEntries(peepholes.map((gate) => [`p_${gate}`, ['H']])) : {}),
        ...(options.projection ? { W_h: ['P', 'H'] } : {}),
      }),
      outputs: ['h'],
    },
    outputs: { h: [state] },
  };
}

export function gru(given: OptionValues = {}): CellInterface {
  const options = { reset: 'after', clip: 0, ...given };
  return {
    signature: {
      name: 'gru',
      options,
      dims: ['I', 'H'],
      rules: [],
      rates: [],
      inputs: declare({ x: ['I'] }),
      state: declare({ h: ['H'] }),
      params: declare({ ...gates(['r', 'z', 'n'], 'H'), ...(options.reset === 'after' ? { c_n: ['H'] } : {}) }),
      outputs: undefined,
    },
    outputs: { h: ['H'] },
  };
}

/** A tensor of the data file, filled with 1, 2, 3, … */
export function count(...shape: number[]): { shape: number[]; data: number[] } {
  const length = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Array.from({ length }, (_, k) => k + 1) };
}

/** A good request for `rnn()`: T 2, B 3, I 2, H 4. */
export function goodDocument(): Record<string, unknown> {
  return {
    options: { activation: 'relu', clip: 0.5 },
    inputs: { x: count(2, 3, 2) },
    state: { h: count(3, 4) },
    params: { W: count(4, 2), U: count(4, 4), b: count(4) },
    lengths: [2, 1, 2],
    reverse: true,
    cotangents: { outputs: { h: count(2, 3, 4) }, state: { h: count(3, 4) } },
  };
}

export function request(given: Partial<RunRequest>): RunRequest {
  return { options: {}, inputs: {}, state: {}, reverse: false, ...given };
}

export function f32(shape: readonly number[], ...data: number[]): { shape: readonly number[]; data: Float32Array } {
  return { shape, data: Float32Array.from(data) };
}
