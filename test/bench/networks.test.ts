import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { benchData } from '../../bench/bench.js';
import { openPeer } from '../../bench/peers/open.js';
import { parseSpec, resolveOptions, resolveSpec } from '../../codegen/frontend/index.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import { completeSizes } from '../../codegen/ir/sizes.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellResult } from '../../runtime/data.js';
import { runReference } from '../../runtime/reference/index.js';
import { besideOurs } from './beside.js';

type Given = Readonly<Record<string, string | number | boolean>>;

const SIZES = {
  stack: { T: 5, B: 3, I: 7, H: 6 },
  translator: { S: 4, T: 5, B: 3, V: 7, K: 9, E: 5, H: 6 },
};

describe("tfjs's networks", () => {
  const beside = besideOurs({}, (device) => openPeer('tfjs-webgpu', device));

  it.each([
    ['stack', { bidirectional: true }],
    ['stack', { cell: 'gru', initialState: true, bidirectional: true, merge: 'mul', layers: 3 }],
    ['stack', { cell: 'gru', reset: 'before', reverse: true, gateActivation: 'hardSigmoid', candidateActivation: 'softsign' }],
    ['stack', { cell: 'rnn', activation: 'leakyRelu', bidirectional: true, reverse: true, merge: 'ave' }],
    ['stack', { initialState: true, layers: 1, cellActivation: 'softplus', outputActivation: 'linear' }],
    ['translator', {}],
    ['translator', { cell: 'lstm', attention: 'additive' }],
    ['translator', { cell: 'rnn', attention: 'none', hears: 'said' }],
    ['translator', { hears: 'said' }],
  ] as const)('compute what our %s does with %o', async (name, given) => {
    const { tree, signature, sizes, data } = of(name, given);
    const layer = beside.peer.layer(signature, sizes, data);
    if (typeof layer === 'string') throw new Error(layer);
    const found = await layer.read();
    layer.dispose();
    expect(layer.note).toBeUndefined();
    const compared = compareResults(found, asked(signature, runReference(tree, signature, sizes, data)), 1e-4);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
    const names = compared.map((tensor) => tensor.name);
    const inputs = signature.inputs
      .filter(({ symbols }) => symbols === undefined)
      .map((input) => `gradients.inputs.${input.name}`);
    const params = signature.params.map((param) => `gradients.params.${param.name}`);
    expect(names).toEqual(expect.arrayContaining([...inputs, ...params]));
  });

  it('leave no tensor behind, and their timed runs end without a fault on the device', async () => {
    const { memory } = createRequire(import.meta.url)('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
    const before = memory().numTensors;
    const { signature, sizes, data } = of('translator', {});
    const layer = beside.peer.layer(signature, sizes, data);
    if (typeof layer === 'string') throw new Error(layer);
    await layer.forward();
    await layer.forwardBackward?.();
    await layer.read();
    beside.device.check();
    layer.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    ['stack', { peepholes: true }, 'peepholes is not written in its operations'],
    ['stack', { cell: 'rnn', activation: 'affine' }, 'the activation affine is not written in its operations'],
    ['stack', { cell: 'gru', layerNorm: 'ba' }, 'layerNorm is not written in its operations'],
    ['stack', { dropout: true, training: true }, 'dropout is not written in its operations'],
    ['translator', { hears: 'sometimes' }, 'what is drawn at random is not the same draw in tfjs'],
    ['translator', { stop: 2 }, 'a stop symbol is not written in its operations'],
    ['repeated', {}, 'the model repeated is not written in its operations'],
  ] as const)('are not there for %s with %o, and say why', (name, given, reason) => {
    const { signature, sizes, data } = of(name, given);
    expect(beside.peer.layer(signature, sizes, data)).toBe(reason);
  });
});

function of(name: 'stack' | 'translator' | 'repeated', given: Given) {
  const tree = parseSpec(new URL(`../../kernels/models/${name}.model.ts`, import.meta.url).pathname);
  const signature = resolveSpec(tree, resolveOptions(tree, given));
  const own = { A: 4, O: 3, ...SIZES[name === 'repeated' ? 'stack' : name] };
  const sizes = completeSizes(signature.rules, own);
  return { tree, signature, sizes, data: benchData(tree, signature, sizes) };
}

/** Without what the peer has none of: states, and gradients of symbols, which are zero. */
function asked({ inputs }: Signature, { outputs, gradients }: CellResult): CellResult {
  const symbols = inputs.flatMap((input) => (input.symbols === undefined ? [] : [input.name]));
  const real = Object.entries(gradients?.inputs ?? {}).filter(([name]) => !symbols.includes(name));
  return { outputs, state: {}, gradients: { inputs: Object.fromEntries(real), state: {}, params: gradients?.params ?? {} } };
}
