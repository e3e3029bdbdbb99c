/** Requests of the model `stack` for a case of its frameworks, and answers held to the frameworks' own equations. */
import { expect } from 'vitest';
import { streamOf } from '../../runtime/random.js';
import { bytes, recurve } from './harness.js';
import { type Case, type Data, LENGTHS, lossOf, type Named, type Numbers, runFramework } from './stack-frameworks.js';

export const titleOf = ({ format, cell, layers, direction, options }: Case) =>
  `${format} ${cell} of ${layers} ${direction} ${JSON.stringify(options)}`;

export function requestOf(kase: Case, { x, state, weights, cotangents }: Data): object {
  const { format, cell, layers, direction, options } = kase;
  const nodes = Array.from({ length: layers }, (_, k) =>
    Object.fromEntries(
      Object.entries(weights).flatMap(([name, tensor]) => (name.startsWith(`layers.${k}.`) ? [[name.slice(9), tensor]] : [])),
    ),
  );
  return {
    cell: 'stack',
    options: { cell, layers, bidirectional: direction === 'both', ...options },
    inputs: { x },
    lengths: LENGTHS,
    ...(direction === 'reverse' ? { reverse: true } : {}),
    ...(Object.keys(state).length > 0 ? { state } : {}),
    weights: { format, ...(format === 'onnx' && layers > 1 ? { layers: nodes } : { tensors: weights }) },
    cotangents: { outputs: { h: cotangents.h }, state: cotangents.state },
  };
}

export interface Answer {
  readonly outputs: Named;
  readonly state: Named;
  readonly gradients: {
    readonly inputs: Named;
    readonly state: Named;
    readonly weights: Named & { readonly layers?: readonly Named[] };
  };
}

export async function answers(requests: readonly object[], ...flags: readonly string[]): Promise<unknown[]> {
  const lines = bytes(...requests.map((request) => `${JSON.stringify(request)}\n`));
  const { stdout } = await recurve(['run', '--data', '-', ...flags], { stdin: lines });
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

/** What a request's names call the gradients of a chain. */
export function flat({ weights }: Answer['gradients']): Named {
  const { layers, ...others } = weights;
  return layers === undefined
    ? others
    : Object.fromEntries(
        layers.flatMap((node, k) => Object.entries(node).map(([name, tensor]) => [`layers.${k}.${name}`, tensor])),
      );
}

/** ‖a − b‖ / ‖b‖. */
export function distance(a: Numbers | undefined, b: Numbers): number {
  expect(a?.shape).toEqual(b.shape);
  const norm = (values: readonly number[]) => Math.hypot(...values);
  return norm(b.data.map((value, k) => value - (a?.data[k] ?? Number.NaN))) / (norm(b.data) || 1);
}

/** The derivative of the loss as one group of tensors moves, against the gradients that were given. */
function expectSlope(
  kase: Case,
  data: Data,
  group: (data: Data, moved: (name: string, tensor: Numbers) => Numbers) => Data,
  gradients: Named,
) {
  for (const name of Object.keys(gradients)) {
    const stream = streamOf(7, name);
    const gradient = gradients[name] ?? { shape: [], data: [] };
    const way = gradient.data.map(() => 2 * stream() - 1);
    const at = (step: number) =>
      lossOf(
        kase,
        group(data, (other, tensor) =>
          other === name ? { ...tensor, data: tensor.data.map((value, k) => value + step * (way[k] ?? Number.NaN)) } : tensor,
        ),
      );
    const step = 2 ** -19;
    const expected = (at(step) - at(-step)) / (2 * step);
    const told = gradient.data.reduce((sum, value, k) => sum + value * (way[k] ?? Number.NaN), 0);
    expect(Math.abs(told - expected), `${titleOf(kase)}: ${name}`).toBeLessThan(1e-7 * Math.max(1, Math.abs(expected)));
  }
}

function each(tensors: Named, moved: (name: string, tensor: Numbers) => Numbers): Named {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, moved(name, tensor)]));
}

/** Initial states that were not given are zeros. */
function whole(data: Data, { state }: Answer): Data {
  const zeros = each(state, (_, { shape, data: values }) => ({ shape, data: values.map(() => 0) }));
  return { ...data, state: { ...zeros, ...data.state } };
}

/** Everything that a run gives against the framework's equations, and every gradient against the slope of the loss. */
export function expectFramework(kase: Case, given: Data, answer: Answer): void {
  const data = whole(given, answer);
  const { h, state } = runFramework(kase, data);
  expect(Object.keys(answer.outputs)).toEqual(['h']);
  expect(Object.keys(answer.state)).toEqual(Object.keys(state));
  expect(distance(answer.outputs.h, h), titleOf(kase)).toBeLessThan(1e-12);
  for (const [name, expected] of Object.entries(state)) {
    expect(distance(answer.state[name], expected), `${titleOf(kase)}: ${name}`).toBeLessThan(1e-12);
  }
  const { inputs, state: initial } = answer.gradients;
  expect([Object.keys(inputs), Object.keys(initial)]).toEqual([['x'], Object.keys(state)]);
  expect(Object.keys(flat(answer.gradients)).sort()).toEqual(Object.keys(data.weights).sort());
  expectSlope(kase, data, (one, moved) => ({ ...one, x: moved('x', one.x) }), inputs);
  expectSlope(kase, data, (one, moved) => ({ ...one, state: each(one.state, moved) }), initial);
  expectSlope(kase, data, (one, moved) => ({ ...one, weights: each(one.weights, moved) }), flat(answer.gradients));
}
