/** Finite differences of whole models: everything that a run may say, over sequences of any lengths. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { Expression, Statement } from '../../codegen/frontend/tree.js';
import {
  add,
  assign,
  at,
  bin,
  bound,
  buildCell,
  call,
  declare,
  fn,
  give,
  help,
  loop,
  member,
  mul,
  name,
  num,
  p,
  pick,
  record,
  s,
  str,
  x,
} from './build.js';
import { buildModel, l, layerCall, type ModelParts, modelData } from './buildModel.js';
import { gradientErrors } from './differences.js';

const sizes = { T: 4, B: 3, I: 2, H: 3, D: 6, K: 2 };
const yes: Expression = { kind: 'boolean', value: true, span: num(0).span };
const tree = parseCell(fileURLToPath(new URL('../../kernels/cells/lstm.cell.ts', import.meta.url)));
const lstm = { tree, signature: resolveSignature(tree, resolveOptions(tree, {})) };

/** h' = tanh(W x + U h + v · the input one step ago), and what is not a state. */
const own = buildCell({
  inputs: { x: ['N'], gain: [] },
  state: { h: ['M'] },
  params: { W: ['M', 'N'], U: ['M', 'M'], v: [] },
  body: [
    declare(
      'now',
      add(call('matvec', p('W'), x('x')), call('matvec', p('U'), s('h')), mul(p('v'), call('delay', x('gain'), num(1)))),
    ),
    give(record({ h: call('tanh', name('now')), y: mul(call('square', name('now')), x('gain')), v: p('v') })),
  ],
});
const mine = (more = {}) => ({ ...own, dims: { N: 'I', M: 'H' }, ...more });
const h = (result: Expression) => member(result, 'h');
const final = (result: Expression, state: string) => member(member(result, 'final'), state);
const state = (result: Expression, of: string) => member(member(result, 'state'), of);
const inputs = { x: ['I'], gain: [] };
const both = { x: x('x'), gain: x('gain') };
const W = call('matvec', p('W'), x('x'));
const simple = { inputs: { x: ['I'] }, params: { W: ['H', 'I'] } };

interface Written extends Omit<ModelParts, 'sizes' | 'body'> {
  readonly before?: readonly Statement[];
  readonly gives: Readonly<Record<string, Expression>>;
}

const models: Readonly<Record<string, Written>> = {
  'a block at every step, values without time beside it': {
    ...simple,
    params: { ...simple.params, b: ['H'] },
    fixed: { c: ['H'] },
    gives: { y: call('tanh', add(W, p('b'), x('c'))), z: mul(x('c'), p('b')), b: p('b') },
  },
  'steps ahead and back': {
    ...simple,
    gives: { y: add(call('shift', W, num(-1)), mul(call('shift', x('x'), num(2)), num(1)), num(0)), z: call('shift', W, num(9)) },
    params: { W: ['I', 'I'] },
  },
  'the first and the last step, sums and means': {
    ...simple,
    gives: { a: call('first', W), b: call('last', W), c: call('sum', W, str('T')), d: call('mean', call('square', W), str('T')) },
  },
  'maximum and softmax over time': {
    ...simple,
    gives: {
      m: call('maxOver', W, str('T')),
      w: call('softmax', W, str('T')),
      s: call('sum', mul(call('softmax', W, str('T')), W), str('T')),
    },
  },
  'reductions over units beside those over time': {
    ...simple,
    gives: { a: call('softmax', W, str('H')), b: call('sum', call('maxOver', W, str('H')), str('T')), c: call('mean', W) },
  },
  'a layer alone': {
    inputs,
    layers: { l: mine() },
    gives: { y: member(layerCall(l('l'), both), 'y'), v: member(layerCall(l('l'), both), 'v') },
  },
  'a layer called twice, once from the end': {
    inputs,
    layers: { l: mine() },
    before: [declare('a', layerCall(l('l'), both)), declare('b', layerCall(l('l'), both, { reverse: yes }))],
    gives: { y: add(h(name('a')), mul(h(name('b')), member(name('b'), 'y'))), f: final(name('b'), 'h') },
  },
  'both directions, side by side': {
    inputs,
    layers: { l: mine(), r: mine() },
    gives: { y: call('concat', str('D'), h(layerCall(l('l'), both)), h(layerCall(l('r'), both, { reverse: yes }))) },
  },
  'a state that starts from a parameter, from an input, from where another ended': {
    inputs,
    fixed: { c: ['H'] },
    params: { h0: ['H'] },
    layers: { l: mine() },
    before: [
      declare('a', layerCall(l('l'), both, { state: record({ h: p('h0') }) })),
      declare('b', layerCall(l('l'), both, { state: record({ h: x('c') }), reverse: yes })),
      declare('c', layerCall(l('l'), both, { state: record({ h: add(final(name('a'), 'h'), final(name('b'), 'h')) }) })),
    ],
    gives: { y: h(name('c')), z: final(name('c'), 'h') },
  },
  'states that every step is given: a sequence, what has no time, and what another layer left': {
    inputs: { ...inputs, g: ['H'] },
    fixed: { c: ['H'] },
    params: { a: ['H'] },
    layers: { l: mine() },
    before: [
      declare('a', layerCall(l('l'), both, { from: record({ h: x('g') }) })),
      declare('b', layerCall(l('l'), both, { from: record({ h: mul(p('a'), state(name('a'), 'h')) }), reverse: yes })),
      declare('c', layerCall(l('l'), both, { from: record({ h: x('c') }) })),
    ],
    gives: { y: h(name('b')), z: state(name('c'), 'h'), v: member(name('a'), 'y') },
  },
  'one of two states from outside': {
    inputs: { x: ['I'], g: ['H'] },
    layers: { l: { ...lstm, dims: { I: 'I', H: 'H' } } },
    before: [declare('a', layerCall(l('l'), { x: x('x') }, { from: record({ c: x('g') }) }))],
    gives: { h: h(name('a')), c: state(name('a'), 'c'), f: final(name('a'), 'h') },
  },
  'one value for both states': {
    inputs: { x: ['I'] },
    params: { h0: ['H'] },
    layers: { l: { ...lstm, dims: {} } },
    before: [declare('a', layerCall(l('l'), { x: x('x') }, { state: record({ h: p('h0'), c: p('h0') }) }))],
    gives: { y: h(name('a')), c: final(name('a'), 'c') },
  },
  'a stack of repeated layers with what skips them': {
    inputs: { x: ['H'], gain: [] },
    layers: { deep: mine({ dims: { N: 'H', M: 'H' }, count: 2 }) },
    before: [
      declare('h', x('x'), true),
      loop('k', 0, '<', 2, 1, [
        assign('h', add(h(layerCall(at(l('deep'), name('k')), { x: name('h'), gain: x('gain') })), name('h'))),
      ]),
    ],
    gives: { y: name('h') },
  },
  'one vector at every step of a layer': {
    inputs: { gain: [] },
    fixed: { c: ['I'] },
    layers: { l: mine() },
    gives: { y: h(layerCall(l('l'), { x: x('c'), gain: x('gain') })) },
  },
  'a mean over time that goes back to every step, in a helper': {
    ...simple,
    helpers: { centred: fn([bound('v')], [give(bin('-', name('v'), call('mean', name('v'), str('T'))))]) },
    gives: { y: help('centred', W) },
  },
  'a matrix for each sequence': {
    ...simple,
    fixed: { c: ['H'] },
    gives: { y: call('matvec', call('outer', x('c'), x('c')), W), z: call('dot', x('c'), call('last', W)) },
  },
  'a choice per unit between steps': {
    ...simple,
    gives: { y: pick(bin('>', W, num(0)), call('square', W), call('shift', W, num(1))) },
  },
};

const build = ({ before = [], gives, ...parts }: Written) =>
  buildModel({ ...parts, sizes, body: [...before, give(record(gives))] });

describe('gradients of a model agree with finite differences', () => {
  it.each(Object.entries(models))('%s', (_, written) => {
    const model = build(written);
    for (const choice of [{ seed: 3 }, { seed: 4, lengths: [2, 0, 4] }, { seed: 5, lengths: [1, 0, 0] }]) {
      const errors = gradientErrors(model, modelData(model, choice));
      expect(Object.keys(errors)).toHaveLength(model.signature.inputs.length + model.signature.params.length);
      for (const [path, error] of Object.entries(errors)) expect(error, `${path} ${choice.lengths}`).toBeLessThan(1e-6);
    }
  });

  it('in training, with masks inside and outside of layers', () => {
    const masked = buildCell({
      inputs: { x: ['N'] },
      state: { h: ['N'] },
      options: { training: true },
      body: [give(record({ h: call('tanh', add(call('dropout', s('h'), num(0.5)), x('x'))) }))],
    });
    const model = buildModel({
      ...simple,
      fixed: { c: ['H'] },
      options: { training: true },
      layers: { l: { ...masked, dims: { N: 'H' } } },
      sizes,
      body: [
        declare('a', h(layerCall(l('l'), { x: call('dropout', W, num(0.5)) }))),
        declare('b', h(layerCall(l('l'), { x: name('a') }, { reverse: yes }))),
        give(record({ y: mul(name('b'), call('dropout', x('c'), num(0.3))), z: call('noise', name('a'), num(0.1)) })),
      ],
    });
    const errors = gradientErrors(model, modelData(model, { seed: 6, lengths: [4, 0, 3] }));
    for (const [path, error] of Object.entries(errors)) expect(error, path).toBeLessThan(1e-6);
  });
});
