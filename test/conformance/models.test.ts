/** Written models against the reference: every output and every gradient, ragged and at full length. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSpec } from '../../codegen/frontend/index.js';
import { compile, parseSpec, resolveOptions, resolveSpec, type SpecTree, valuesOf } from '../../codegen/index.js';
import type { Sizes } from '../../codegen/plan.js';
import { checkCell, judge, outputShapes } from '../../runtime/check/index.js';
import type { CellData } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { type RandomChoices, randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';

let device: RecurveDevice;
const folder = mkdtempSync(join(tmpdir(), 'recurve-models-'));
beforeAll(async () => {
  device = await openDevice('swiftshader');
  writeFileSync(
    join(folder, 'late.cell.ts'),
    `import { cell, delay, mat, matvec, scalar, tanh, vec } from 'recurve';
     /** Sees what was given two steps ago, and has two states. */
     export default cell({ name: 'late', dims: ['I', 'H'], inputs: { x: vec('I'), u: vec('H') }, state: { h: vec('H'), n: scalar({ init: 1 }) },
       params: { W: mat('H', 'I'), v: vec('H') },
       step({ x, u }, { h, n }, p, { t }) {
         const a = tanh(matvec(p.W, delay(x, 2)) + 0.5 * h * n + p.v * delay(u, 1));
         return { h: a, n: 0.9 * n + 0.01 * t, y: a * u };
       } });`,
  );
});
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true });
});

const NAMES =
  'argmax, broadcast, concat, crossEntropy, dropout, either, embed, exp, first, index, last, layer, map, mat, matvec, max, maxOver, mean, memory, model, over, repeat, sample, scalar, shift, sigmoid, softmax, steps, stopGradient, sum, symbol, tanh, transpose, vec';

function parsed(properties: string): SpecTree {
  const file = join(folder, 'written.model.ts');
  const names = NAMES.split(', ').filter((name) => new RegExp(`(?<![.\\w])${name}\\(`).test(`model(${properties}`));
  const late = properties.includes('layer(late') ? "import late from './late.cell.js';\n" : '';
  writeFileSync(
    file,
    `import { ${names.join(', ')} } from 'recurve';\n${late}export default model({ name: 'written', ${properties} });\n`,
  );
  const tree = parseSpec(file);
  checkSpec(tree);
  return tree;
}

/** What is wrong at these sizes, at full length and where lengths differ. */
async function wrong(properties: string, sizes: Sizes, training = false): Promise<string[]> {
  const tree = parsed(properties);
  const options = resolveOptions(tree, training ? { training } : {});
  const cases = await checkCell(device, tree, { options, sizes: () => sizes });
  expect(cases.flatMap(({ tensors }) => tensors).length).toBeGreaterThan(1);
  return cases.flatMap(({ tensors }) => tensors.filter(({ ok }) => !ok).map(({ name, error }) => `${name} ${error}`));
}

/** The same, and what is wrong in runs of fewer steps and sequences, which its plan, whose kernels are compiled already, serves too. */
async function wrongAlso(properties: string, sizes: Sizes, fewer: readonly Sizes[], training = false): Promise<string[]> {
  const found = await wrong(properties, sizes, training);
  const { layer, data, outputs, wrong: missed } = await loaded(properties, sizes, training);
  // An output with a number for each step of another axis has as many as the plan, however many steps a run has.
  const units = new Set(Object.values(outputs).flat());
  for (const [at, all] of fewer.entries()) {
    const extent = Object.fromEntries(Object.entries(all).filter(([axis]) => !units.has(axis)));
    layer.poison();
    const missing = await missed(extent, data(extent, { seed: at + 4, ragged: at % 2 === 0 }));
    found.push(...missing.map((each) => `${each} of ${JSON.stringify(extent)}`));
  }
  layer.destroy();
  return found;
}

const SEQUENCE = "inputs: { x: over('T', vec('I')) }";
const GRU = "dims: ['I', 'H'], inputs: { x: over('T', vec('I')) }, layers: { first_: layer('gru') }";

const MODELS: Readonly<Record<string, string>> = {
  'a network of several layers without a recurrence, at every step': `dims: ['I', 'H', 'K'], ${SEQUENCE},
    params: { W: mat('H', 'I'), b: vec('H'), V: mat('K', 'H') },
    run({ x }, _layers, p) { const h = tanh(matvec(p.W, x) + p.b); return { y: matvec(p.V, h * sigmoid(h)) + 0.5 }; }`,
  'one network at every step and for what a sequence has once, with the same parameters': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), c: vec('I') }, params: { W: mat('H', 'I'), V: mat('H', 'H') },
    run({ x, c }, _layers, p) { return { y: tanh(matvec(p.V, tanh(matvec(p.W, x)))), z: tanh(matvec(p.V, tanh(matvec(p.W, c)))) }; }`,
  'symbols, given and chosen, and a loss of each sequence': `dims: ['V', 'I', 'H', 'K'],
    inputs: { word: over('T', symbol('V')), tag: over('T', symbol('K')), language: symbol('H') },
    layers: { ahead: layer('gru'), back: layer('lstm') },
    params: { E: mat('V', 'I'), W: mat('K', 'H'), R: mat('K', 'H'), Z: mat('H', 'H'), D: mat('K', 'I') },
    run({ word, tag, language }, { ahead, back }, p) {
      const x = embed(p.E, word);
      const h = ahead({ x }, { state: { h: embed(p.Z, language) } }).h;
      const guess = matvec(p.W, h);
      const logits = guess + matvec(p.R, back({ x: x + embed(p.D, argmax(guess)) }, { reverse: true }).h);
      return { logits, best: argmax(logits), drawn: sample(logits), loss: sum(crossEntropy(logits, tag), 'T') };
    }`,
  'what a step has said is what the next one hears, through two layers and beside a reversed one': `dims: ['V', 'I', 'H', 'K'],
    inputs: { x: over('T', vec('K')), code: vec('H') }, state: { word: over('T', symbol('V')), y: over('T', vec('K', { init: 0.5 })) },
    layers: { low: layer('gru'), high: layer('lstm', { I: 'H' }), back: layer('rnn', { I: 'K', H: 'H' }) },
    params: { D: mat('V', 'I'), M: mat('I', 'K'), N: mat('I', 'H'), W: mat('V', 'H'), O: mat('K', 'H') },
    run({ x, code }, { low, high, back }, p, { state }) {
      const heard = embed(p.D, state.word) + matvec(p.M, state.y) + matvec(p.N, back({ x }, { reverse: true }).h);
      const h = high({ x: low({ x: heard }, { state: { h: code } }).h }).h;
      const logits = matvec(p.W, h);
      return { word: argmax(logits), y: 0.5 * state.y + tanh(matvec(p.O, h)), loss: mean(crossEntropy(logits, state.word), 'T') };
    }`,
  'what is fed back without a layer, taught at random, and read by what follows': `dims: ['I', 'H'], ${SEQUENCE}, state: { y: over('T', vec('I')) },
    layers: { l: layer('gru') }, params: { U: mat('I', 'I'), rate: scalar({ init: 0.4, trainable: false }) },
    run({ x }, { l }, p, { state }) {
      const y = tanh(matvec(p.U, either(shift(x, -1), state.y, p.rate)) + 0.3 * x);
      const back = l({ x: y }, { reverse: true }).h;
      return { y, back, total: sum(y * last(x), 'T'), next: shift(y, 1) };
    }`,
  'a convolution over time, of what is given and of what is computed': `dims: ['I', 'H'], ${SEQUENCE},
    params: { A: mat('H', 'I'), B: mat('H', 'I'), C: mat('H', 'I'), w: vec('H') },
    run({ x }, _layers, p) {
      const y = tanh(matvec(p.A, shift(x, -1)) + matvec(p.B, x) + matvec(p.C, shift(x, 2)));
      return { y: p.w * shift(y, -2) + shift(y, 1), s: shift(x, 1) };
    }`,
  'a stack of three by repetition, each with what it was given added': `dims: ['I', 'H'], ${SEQUENCE},
    layers: { first_: layer('gru'), deep: repeat(2, layer('gru', { I: 'H' })) },
    run({ x }, { first_, deep }) {
      let h = first_({ x }).h;
      for (let k = 0; k < 2; k++) h = deep[k]({ x: h }).h + h;
      return { h };
    }`,
  'both directions, joined, and a layer above': `dims: ['I', 'H', 'J', 'K'], ${SEQUENCE},
    layers: { ahead: layer('rnn'), back: layer('rnn'), above: layer('gru', { I: 'J', H: 'K' }) },
    run({ x }, { ahead, back, above }) {
      const both = concat('J', ahead({ x }).h, back({ x }, { reverse: true }).h);
      return { h: above({ x: both }, { reverse: true }).h, both };
    }`,
  'one value of a sequence by each reduction over time': `${GRU},
    run({ x }, { first_ }) {
      const { h } = first_({ x });
      return { a: sum(h, 'T'), b: mean(h, 'T'), c: maxOver(h, 'T'), d: first(h), e: last(h), f: sum(softmax(h, 'T') * h, 'T') };
    }`,
  'initial states from an input, a parameter, a final state, a reduction and a number': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), c: vec('H') }, params: { h0: vec('H'), s: scalar() },
    layers: { a: layer('gru'), b: layer('lstm'), d: layer('rnn') },
    run({ x, c }, { a, b, d }, p) {
      const one = a({ x }, { state: { h: c } });
      const two = b({ x }, { state: { h: one.final.h, c: tanh(p.h0) } });
      const three = d({ x }, { state: { h: mean(two.h, 'T') + p.s }, reverse: true });
      return { y: three.h, z: a({ x }, { state: { h: 0.25 } }).h, f: three.final.h };
    }`,
  'final states, of both directions, also where nothing else is wanted': `dims: ['I', 'H'], ${SEQUENCE},
    layers: { a: layer('lstm'), b: layer('gru') },
    run({ x }, { a, b }) { const r = a({ x }); return { h: r.final.h, c: r.final.c, b: b({ x }, { reverse: true }).final.h }; }`,
  'a layer called twice, in both directions and on its own output': `dims: ['H'], inputs: { x: over('T', vec('H')) },
    layers: { l: layer('gru', { I: 'H' }) },
    run({ x }, { l }) { const r = l({ x }); return { y: l({ x: r.h }, { state: { h: r.final.h }, reverse: true }).h, z: l({ x: shift(r.h, -1) }).h }; }`,
  'a decoder that begins where an encoder ended, with attention': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), y: over('T', vec('I')) }, layers: { encoder: layer('gru'), decoder: layer('gru') },
    run({ x, y }, { encoder, decoder }) {
      const read = encoder({ x });
      const seen = sum(read.h * softmax(read.h, 'T'), 'T');
      const wrote = decoder({ x: y }, { state: { h: read.final.h } });
      return { y: wrote.h * seen };
    }`,
  'a value without time that sequences, tests and a layer meet': `dims: ['I', 'H'], inputs: { x: over('T', vec('I')), c: vec('I') },
    layers: { l: layer('gru') },
    run({ x, c }, { l }) {
      const above = c > 0;
      const r = l({ x: above ? x : c * x });
      return { y: r.h, z: (x > c ? x - c : 0.5 * x), m: above ? mean(x, 'T') : c };
    }`,
  'a cell that delays what it is given: a sequence, a computed one, a value without time and a parameter': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), c: vec('H') }, layers: { l: layer(late), k: layer(late, { I: 'H' }) }, params: { u: vec('H') },
    run({ x, c }, { l, k }, p) {
      const r = l({ x, u: c });
      return { y: r.y, z: k({ x: tanh(r.h), u: p.u }, { state: { n: mean(sum(x, 'I'), 'T') }, reverse: true }).h, n: r.final.n };
    }`,
  'cells of one step that hand each other their states, and one that looks on': `dims: ['I', 'H', 'K'], ${SEQUENCE},
    state: { h: over('T', vec('H')), c: over('T', vec('H', { init: 0.3 })) },
    layers: { low: layer('lstm'), slow: layer('gru', { I: 'H', H: 'K' }), high: layer('lstm', { I: 'K' }) },
    run({ x }, { low, slow, high }, _p, { state }) {
      const one = low({ x }, { from: state }).state;
      const s = slow({ x: one.h });
      const two = high({ x: s.h }, { from: { h: one.h, c: 0.5 * one.c } }).state;
      return { h: two.h, c: two.c, s: s.final.h };
    }`,
  'a layer that is given one of its states at every step and keeps the other, in both directions': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), y: over('T', vec('H')), k: vec('H') }, layers: { l: layer('lstm'), m: layer('gru', { I: 'H' }) },
    run({ x, y, k }, { l, m }) {
      const a = l({ x }, { from: { h: y }, state: { c: k } });
      const b = l({ x }, { from: { c: tanh(a.state.c) }, reverse: true });
      const every = m({ x: b.state.h }, { from: { h: k } });
      return { a: a.h, c: a.final.c, b: b.h, d: b.state.c, e: b.final.h, every: every.state.h, none: m({ x: k }, { from: { h: y } }).h, zero: m({ x: y }, { from: { h: 0 }, reverse: true }).h };
    }`,
  'a cell that delays what it is given and has its state from outside': `dims: ['I', 'H'],
    inputs: { x: over('T', vec('I')), c: vec('H'), y: over('T', vec('H')) }, layers: { l: layer(late) },
    run({ x, c, y }, { l }) {
      const r = l({ x, u: c }, { from: { n: sum(y, 'H') } });
      return { y: r.y, n: r.state.n, z: l({ x, u: y }, { from: { h: r.h, n: 2 }, reverse: true }).state.h };
    }`,
  'a parameter that no gradient reaches beside one of a layer that only its last state shows': `dims: ['I', 'H'], ${SEQUENCE}, params: { b: vec('H') },
    layers: { l: layer('rnn') },
    run({ x }, { l }, p) { return { y: l({ x }).final.h * stopGradient(p.b) }; }`,
  'a map, a matrix, a vector and a number that every step reads as they are': `dims: ['I', 'J', 'H', 'K'],
    inputs: { x: over('T', vec('I')), y: map('J', 'H', 'I'), z: map('K', 'J', 'H', 'I'), m: mat('H', 'I'), v: vec('I'), s: scalar() },
    params: { W: mat('H', 'I') }, layers: { l: layer('gru') },
    run({ x, y, z, m, v, s }, { l }, p) {
      const h = l({ x: x + v * s }).h;
      const all = tanh(y * broadcast(x, 'J', 'H', 'I')) + y;
      return { a: sum(all) * s, b: matvec(m, x) * h, c: matvec(p.W, v * x) - s, d: sum(z * broadcast(x, 'K', 'J', 'H', 'I')), e: tanh(m) * broadcast(matvec(m, x), 'H', 'I') };
    }`,
  'parameters alone in what a sequence has once': `dims: ['I', 'H'], ${SEQUENCE}, params: { W: mat('H', 'I'), b: vec('H') },
    run({ x }, _layers, p) { return { y: last(x) * 0.5, z: matvec(p.W, mean(x, 'T')) + tanh(p.b) }; }`,
};

/** Two time axes, each with lengths of its own. */
const TWO_AXES: Readonly<Record<string, string>> = {
  "an encoder's last state starts a decoder over another axis": `times: ['S', 'T'], dims: ['I', 'J', 'H'],
    inputs: { source: over('S', vec('I')), target: over('T', vec('J')) },
    layers: { encoder: layer('gru'), decoder: layer('gru', { I: 'J' }) },
    run({ source, target }, { encoder, decoder }) {
      const code = encoder({ x: source });
      const said = decoder({ x: target }, { state: { h: code.final.h } });
      return { code: code.h, said: said.h, end: said.final.h };
    }`,
  'a mean over one axis is heard at every step of the other, and back': `times: ['S', 'T'], dims: ['I', 'H'],
    inputs: { x: over('S', vec('I')), y: over('T', vec('I')), c: vec('I') }, params: { W: mat('H', 'I') },
    run({ x, y, c }, _layers, p) {
      const heard = tanh(matvec(p.W, x + mean(y, 'T') * c));
      return { heard, z: matvec(p.W, y) * mean(heard, 'S'), late: shift(y, 1), early: shift(x, -2), top: maxOver(x * c, 'S') };
    }`,
  'layers in both directions over both axes, one of them called twice': `times: ['T', 'S'], dims: ['I', 'H'],
    inputs: { x: over('S', vec('I')), y: over('T', vec('I')) },
    layers: { l: layer('lstm'), m: layer('gru', { I: 'H' }) },
    run({ x, y }, { l, m }) {
      const a = l({ x }, { reverse: true });
      const b = l({ x: y }, { reverse: true, state: { h: a.final.h, c: mean(a.h, 'S') } });
      return { a: m({ x: a.h }).h, b: m({ x: b.h }).h, w: softmax(x, 'S') };
    }`,
  'one axis that is not T': `times: ['S'], dims: ['I', 'H'], inputs: { x: over('S', vec('I')) }, layers: { l: layer('gru') },
    run({ x }, { l }) { return { h: l({ x }).h, e: last(x) }; }`,
  'dot-product attention with what the decoder has come to, masked by the lengths of the source': `times: ['S', 'T'], dims: ['I', 'J', 'H'],
    inputs: { source: over('S', vec('I')), target: over('T', vec('J')) },
    layers: { encoder: layer('gru'), decoder: layer('gru', { I: 'J' }) }, params: { W: mat('H', 'H') },
    run({ source, target }, { encoder, decoder }, p) {
      const code = encoder({ x: source });
      const h = decoder({ x: target }, { state: { h: code.final.h } }).h;
      const keys = memory(code.h);
      const scores = matvec(keys, matvec(p.W, h));
      const weights = softmax(index('S') < steps('S') ? scores : -1e30);
      return { seen: matvec(transpose(keys), weights), weights, h };
    }`,
  'additive attention inside of the loop that hears it, over a source in both directions': `times: ['S', 'T'], dims: ['I', 'J', 'H', 'A', 'N'],
    inputs: { source: over('S', vec('I')), target: over('T', vec('J')) }, state: { heard: over('T', vec('H')) },
    layers: { ahead: layer('gru'), back: layer('gru'), decoder: layer('gru', { I: 'N' }) },
    params: { W: mat('A', 'H'), U: mat('A', 'H'), v: vec('A') },
    run({ source, target }, { ahead, back, decoder }, p, { state }) {
      const code = ahead({ x: source }).h + back({ x: source }, { reverse: true }).h;
      const [keys, values] = [memory(matvec(p.W, code)), memory(code)];
      const energy = matvec(tanh(keys + broadcast(matvec(p.U, state.heard), 'S', 'A')), p.v);
      const there = index('S') < steps('S');
      const e = there ? exp(energy - stopGradient(maxOver(there ? energy : -1e30))) : 0;
      const seen = matvec(transpose(values), e / max(sum(e), 1e-30));
      const h = decoder({ x: concat('N', target, seen) }).h;
      return { h, heard: h };
    }`,
  'a source that the caller gives is looked at as it is, projected at every step, by what has no time and by itself': `times: ['S', 'T'], dims: ['I', 'H'],
    inputs: { source: over('S', vec('I')), target: over('T', vec('H')), q: vec('I') }, params: { W: mat('H', 'I'), b: vec('H'), k: vec('I') },
    run({ source, target, q }, _layers, p) {
      const all = memory(source);
      const shown = tanh(matvec(p.W, all) + broadcast(p.b, 'S', 'H'));
      const own = index('S') < steps('S') ? matvec(all, source) / 3 : 0;
      return { a: matvec(shown, target), b: matvec(all, q) / steps('S'), c: matvec(transpose(all), own), d: sum(all, 'S') * steps('T'), e: matvec(memory(0.5 * source + p.k), q) };
    }`,
  'symbols, dropout and losses along both': `times: ['S', 'T'], dims: ['V', 'E', 'H'],
    inputs: { s: over('S', symbol('V')), t: over('T', symbol('V')) }, params: { E: mat('V', 'E'), O: mat('V', 'H') },
    layers: { encoder: layer('gru', { I: 'E' }), decoder: layer('gru', { I: 'E' }) },
    run({ s, t }, { encoder, decoder }, p) {
      const code = encoder({ x: dropout(embed(p.E, s), 0.3) }).final.h;
      const h = decoder({ x: dropout(embed(p.E, shift(t, -1)), 0.2) }, { state: { h: code } }).h;
      return { loss: crossEntropy(matvec(p.O, h), t), h };
    }`,
};

describe('over two time axes', () => {
  it.each(Object.keys(TWO_AXES))(
    '%s',
    async (name) => {
      // Plans of few steps over S and many over T, and the other way around, in turn.
      const [S, T] = Object.keys(TWO_AXES).indexOf(name) % 2 === 0 ? [4, 7] : [7, 4];
      const wide = { S, T, B: 3, I: 3, J: 2, H: 5, V: 5, E: 3, A: 6, N: 7 };
      const fewer: Sizes[] = [
        { S: 4, T: 2 },
        { S: 2, T: 4 },
        { S: 1, T: 1, B: 1 },
      ];
      expect(await wrongAlso(TWO_AXES[name] ?? '', wide, fewer, name.includes('dropout'))).toEqual([]);
    },
    60_000,
  );

  it('agrees where so many units meet so many positions that what is spread over them is stored first', async () => {
    const attention = TWO_AXES['dot-product attention with what the decoder has come to, masked by the lengths of the source'];
    expect(await wrong(attention ?? '', { S: 45, T: 3, B: 2, I: 2, J: 2, H: 51 })).toEqual([]);
  }, 60_000);

  it('agrees where a source has more positions than a lane takes, and a target more steps than are added up in one go', async () => {
    const attention = TWO_AXES['dot-product attention with what the decoder has come to, masked by the lengths of the source'];
    expect(await wrong(attention ?? '', { S: 13, T: 300, B: 2, I: 2, J: 2, H: 3 })).toEqual([]);
  }, 60_000);
});

/** A model compiled for these sizes, and what a run of others gives beside the reference. */
async function loaded(properties: string, sizes: Sizes, training = false) {
  const tree = parsed(properties);
  const options = resolveOptions(tree, training ? { training } : {});
  const signature = resolveSpec(tree, options);
  const outputs = outputShapes(signature, valuesOf(tree, signature));
  const layer = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
  return {
    layer,
    outputs,
    data: (extent: Sizes, choices: RandomChoices) => randomData(signature, { ...sizes, ...extent }, outputs, choices),
    wrong: async (extent: Sizes, data: CellData) =>
      judge(tree, signature, { ...sizes, ...extent }, data, await layer.run(data)).flatMap(({ name, verdict, error }) =>
        verdict === 'agrees' ? [] : [`${name} ${error}`],
      ),
  };
}

describe('a plan with two time axes', () => {
  const sizes = { S: 6, T: 5, B: 3, I: 3, J: 2, H: 5 };
  const model = TWO_AXES["an encoder's last state starts a decoder over another axis"] ?? '';

  it('serves fewer steps of either, whatever ran before', async () => {
    const { layer, data, wrong } = await loaded(model, sizes);
    const extents: Sizes[] = [{}, { S: 2 }, { T: 2, B: 2 }, { S: 1, T: 4 }, { S: 5, T: 1, B: 1 }, { S: 6 }, { T: 3 }, {}];
    for (const [at, extent] of extents.entries()) {
      if (at % 2 === 1) await layer.run({ ...data({}, { seed: 90 + at, ragged: true }), cotangents: undefined });
      expect(await wrong(extent, data(extent, { seed: at + 1, ragged: at % 3 !== 0 })), JSON.stringify(extent)).toEqual([]);
    }
    layer.destroy();
  });

  it('takes lengths and steps of each by name, and refuses what names none of them', async () => {
    const { layer, data, wrong } = await loaded(model, sizes);
    const all = data({}, { seed: 1 });
    expect(await wrong({}, { ...all, lengths: { S: [0, 6, 2], T: [5, 0, 1] } })).toEqual([]);
    expect(await wrong({}, { ...all, lengths: { S: [3, 1, 6] } })).toEqual([]);
    const refused = async (change: object, code: string, where: string) =>
      expect(layer.run({ ...all, ...change })).rejects.toMatchObject({ code, where });
    await refused({ lengths: [5, 5, 5] }, 'DATA-LENGTHS', 'lengths');
    await refused({ lengths: { U: [5, 5, 5] } }, 'DATA-LENGTHS', 'lengths.U');
    await refused({ lengths: { S: [7, 1, 1] } }, 'DATA-LENGTHS', 'lengths.S');
    await refused({ lengths: { S: [1, 1] } }, 'DATA-LENGTHS', 'lengths.S');
    await refused({ lengths: { S: 3 } }, 'DATA-TYPE', 'lengths.S');
    await refused({ steps: { S: 7 } }, 'RUN-EXTENT', 'S');
    layer.destroy();
  });
});

describe('a written model', () => {
  it.each(Object.keys(MODELS))(
    '%s',
    async (name) => {
      const wide = { T: 5, B: 3, I: 3, H: 4, J: 8, K: 2, V: 6 };
      expect(
        await wrongAlso(MODELS[name] ?? '', wide, [
          { T: 3, B: 2 },
          { T: 1, B: 1 },
        ]),
      ).toEqual([]);
    },
    60_000,
  );

  // Of what there is to loops, reductions, delays and attention: all others are at one step in the plans above.
  it.each([
    'what a step has said is what the next one hears, through two layers and beside a reversed one',
    'one value of a sequence by each reduction over time',
    'a cell that delays what it is given: a sequence, a computed one, a value without time and a parameter',
    'additive attention inside of the loop that hears it, over a source in both directions',
  ])(
    'agrees in a plan of one step of one sequence: %s',
    async (name) => {
      const one = { S: 1, T: 1, B: 1, I: 3, H: 4, J: 2, K: 2, V: 6, A: 6, N: 6 };
      expect(await wrong(MODELS[name] ?? TWO_AXES[name] ?? '', one)).toEqual([]);
    },
    60_000,
  );

  it('draws at every step, once a sequence, and in a layer called twice', async () => {
    const drawing = `dims: ['I', 'H'], inputs: { x: over('T', vec('I')), c: vec('I') },
      layers: { l: layer('lstm', {}, { options: { recurrentDropout: true } }) },
      run({ x, c }, { l }) {
        const h = l({ x: dropout(x, 0.3) }, { reverse: true }).h;
        return { h, g: l({ x: dropout(x, 0.2, 'sequence') }).h, d: dropout(c, 0.5), m: dropout(mean(h, 'T'), 0.4) };
      }`;
    expect(await wrong(drawing, { T: 4, B: 3, I: 6, H: 5 }, true)).toEqual([]);
  }, 60_000);

  it('gives zeros, and no gradient, where a sequence has no step', async () => {
    const tree = parsed(MODELS['one value of a sequence by each reduction over time'] ?? '');
    const options = resolveOptions(tree, {});
    const signature = resolveSpec(tree, options);
    const sizes = { T: 4, B: 3, I: 3, H: 4 };
    const outputs = outputShapes(signature, valuesOf(tree, signature));
    const data = { ...randomData(signature, sizes, outputs, { seed: 2 }), lengths: [4, 0, 2] };
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
    executable.poison();
    const judged = judge(tree, signature, sizes, data, await executable.run(data));
    executable.destroy();
    expect(judged.filter(({ verdict }) => verdict !== 'agrees').map(({ name }) => name)).toEqual([]);
  }, 60_000);

  it('runs forward only, over whole sequences: kernels and reference refuse reverse alike, and a layer has no step', async () => {
    const tree = parsed(`dims: ['I'], ${SEQUENCE}, run({ x }) { return { y: shift(x, 1) }; }`);
    const sizes = { T: 2, B: 1, I: 1 };
    const x = { shape: [2, 1, 1], data: new Float32Array([1, 2]) };
    const data = { inputs: { x }, state: {}, params: {}, reverse: true };
    const layer = await load(device, compile(tree, { options: {}, sizes, gradients: false, target: device.target }));
    const refusal = expect.objectContaining({ code: 'RUN-MODEL', where: 'reverse' });
    await expect(layer.run(data)).rejects.toEqual(refusal);
    expect(() => runReference(tree, resolveSpec(tree, {}), sizes, data)).toThrow(refusal);
    await expect(layer.step({ inputs: { x: new Float32Array(1) } })).rejects.toMatchObject({ code: 'RUN-MODEL', where: 'step' });
    expect((await layer.run({ inputs: { x } })).outputs.y?.data).toEqual(new Float32Array([2, 0]));
    layer.destroy();
  });
});
