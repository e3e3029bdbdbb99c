/** Finite differences of every operation that looks at more than one element, inside a recurrent cell. */
import { describe, expect, it } from 'vitest';
import type { Expression, Statement } from '../../codegen/frontend/tree.js';
import { randomData } from '../../runtime/random.js';
import { structural } from '../../runtime/reference/structural.js';
import {
  add,
  at,
  bin,
  buildCell,
  type CellParts,
  call,
  declare,
  entry,
  give,
  list,
  mul,
  name,
  num,
  p,
  record,
  s,
  str,
  x,
} from './build.js';
import { gradientErrors } from './differences.js';

const sizes = { T: 4, B: 3, I: 2, H: 3, K: 5, X: 5, Y: 3, Z: 2, N: 2, G: 2, O: 3, C: 2 };

interface Case extends Pick<CellParts, 'inputs' | 'state' | 'params' | 'options' | 'untrained'> {
  readonly y: Expression;
  /** Dims of y. */
  readonly dims: readonly string[];
  readonly before?: readonly Statement[];
}

const x1 = { x: ['I'] };
const h = { h: ['H'] };
const ln = (...args: Expression[]) => call('logSumExp', ...args);
const map = { x: ['X', 'C'] };

/** By the function that each is about, and what is special. */
const cases: Record<string, Case> = {
  matvec: { inputs: x1, params: { W: ['H', 'I'] }, y: call('matvec', p('W'), x('x')), dims: ['H'] },
  'matvec behind leading axes': {
    inputs: { x: ['X', 'Y', 'I'] },
    params: { W: ['K', 'I'] },
    y: call('matvec', p('W'), x('x')),
    dims: ['X', 'Y', 'K'],
  },
  'matvec of blocks': {
    inputs: { x: ['N', 'I'] },
    params: { W: ['N', 'H', 'I'] },
    y: call('matvec', p('W'), x('x')),
    dims: ['N', 'H'],
  },
  'matvec of blocks behind leading axes': {
    inputs: { x: ['Y', 'N', 'I'] },
    params: { W: ['N', 'K', 'I'] },
    y: call('matvec', p('W'), x('x')),
    dims: ['Y', 'N', 'K'],
  },
  'matvec of a stack': {
    inputs: x1,
    params: { W: ['2', 'H', 'I'] },
    y: add(call('matvec', entry(p('W'), 0), x('x')), call('tanh', call('matvec', entry(p('W'), 1), x('x')))),
    dims: ['H'],
  },
  'matvec of a grouped kernel tap': {
    inputs: { x: ['G', 'I'] },
    params: { k: ['3', 'G', 'O', 'I'] },
    y: call('matvec', entry(p('k'), 1), x('x')),
    dims: ['G', 'O'],
  },
  'matvec of a matrix that is a state': {
    inputs: { q: ['I'], k: ['I'], v: ['H'] },
    state: { h: ['H', 'I'] },
    y: call('matvec', add(s('h'), call('outer', x('v'), x('k'))), x('q')),
    dims: ['H'],
  },
  'matvec of the same matrix for all and vectors that are parameters': {
    inputs: x1,
    params: { W: ['H', 'I'], v: ['I'] },
    y: call('matvec', call('tanh', p('W')), p('v')),
    dims: ['H'],
  },
  'matvec of matrices of each sequence and a parameter': {
    inputs: { x: ['H', 'I'] },
    params: { v: ['I'] },
    y: call('matvec', x('x'), p('v')),
    dims: ['H'],
  },
  transpose: { inputs: x1, params: { W: ['I', 'H'] }, y: call('matvec', call('transpose', p('W')), x('x')), dims: ['H'] },
  'transpose of blocks': {
    inputs: { x: ['N', 'I'] },
    params: { W: ['N', 'I', 'H'] },
    y: call('matvec', call('transpose', p('W')), x('x')),
    dims: ['N', 'H'],
  },
  'transpose of a value': {
    inputs: { x: ['I'], z: ['H'] },
    state: { h: ['H', 'I'] },
    y: call('matvec', call('transpose', s('h')), x('z')),
    dims: ['I'],
  },
  blockTriangular: {
    inputs: { x: ['K'] },
    params: { U: ['H', 'K'] },
    y: call('matvec', call('blockTriangular', p('U'), num(2)), x('x')),
    dims: ['H'],
  },
  'blockTriangular of transposed blocks, lower': {
    inputs: { x: ['N', 'K'] },
    params: { U: ['N', 'K', 'H'] },
    y: call('matvec', call('blockTriangular', call('transpose', p('U')), num(3), str('lower')), x('x')),
    dims: ['N', 'H'],
  },
  dropConnect: {
    inputs: { x: ['K'] },
    params: { U: ['2', 'K', 'K'], r: [] },
    untrained: { r: 0.4 },
    options: { training: true },
    y: call('matvec', call('dropConnect', call('transpose', entry(p('U'), 1)), p('r')), x('x')),
    dims: ['K'],
  },
  lowRank: {
    inputs: x1,
    params: { A: ['H', '2'], B: ['2', 'I'] },
    y: call('lowRank', p('A'), p('B'), x('x')),
    dims: ['H'],
  },
  antisymmetric: {
    inputs: { x: ['X', 'K'] },
    params: { U: ['K', 'K'] },
    y: call('antisymmetric', p('U'), x('x')),
    dims: ['X', 'K'],
  },
  'antisymmetric of blocks': {
    inputs: { x: ['N', 'H'] },
    params: { U: ['N', 'H', 'H'] },
    y: call('antisymmetric', p('U'), x('x')),
    dims: ['N', 'H'],
  },
  outer: {
    inputs: x1,
    params: { v: ['H'] },
    y: add(call('outer', p('v'), x('x')), call('outer', s('h'), x('x'))),
    dims: ['H', 'I'],
  },
  dot: {
    inputs: { x: ['H', 'I'] },
    params: { v: ['H', 'I'], a: [] },
    y: add(call('dot', x('x'), p('v')), call('dot', p('v'), p('a'))),
    dims: [],
  },
  'dot of a value with itself': { inputs: x1, y: call('dot', x('x'), x('x')), dims: [] },
  ...Object.fromEntries(
    ['sum', 'mean', 'variance', 'maxOver', 'logSumExp', 'norm'].flatMap((reduction): [string, Case][] => [
      [reduction, { inputs: { x: ['H', 'K'] }, y: mul(call(reduction, x('x')), num(2)), dims: [] }],
      [`${reduction} over the last axis`, { inputs: { x: ['H', 'K'] }, y: call(reduction, x('x'), str('K')), dims: ['H'] }],
      [
        `${reduction} over a middle axis`,
        { inputs: { x: ['I', 'H', 'Y'] }, y: call(reduction, x('x'), str('H')), dims: ['I', 'Y'] },
      ],
    ]),
  ),
  softmax: { inputs: { x: ['H', 'I'] }, y: call('softmax', x('x')), dims: ['H', 'I'] },
  'softmax over one axis': { inputs: { x: ['I', 'H', 'Y'] }, y: call('softmax', x('x'), str('H')), dims: ['I', 'H', 'Y'] },
  broadcast: {
    inputs: { x: ['H', 'K'] },
    params: { a: ['K'] },
    y: mul(call('broadcast', x('x'), str('I'), str('H'), str('K')), call('broadcast', p('a'), str('I'), str('H'), str('K'))),
    dims: ['I', 'H', 'K'],
  },
  concat: {
    inputs: { x: ['H', 'I'] },
    params: { a: ['H', '3'] },
    y: call('tanh', call('concat', str('K'), x('x'), p('a'))),
    dims: ['H', 'K'],
  },
  slice: { inputs: { x: ['I', 'K'] }, y: call('tanh', call('slice', x('x'), str('H'), num(2))), dims: ['I', 'H'] },
  split: {
    inputs: { x: ['I', 'K'] },
    y: mul(ln(at(call('split', x('x'), str('H'), str('C')), num(0))), at(call('split', x('x'), str('H'), str('C')), num(1))),
    dims: ['I', 'C'],
  },
  conv1d: { inputs: map, params: { k: ['3', 'O', 'C'] }, y: call('conv1d', p('k'), x('x')), dims: ['X', 'O'] },
  'conv1d in strides, dilated and causal': {
    inputs: map,
    params: { k: ['2', 'O', 'C'] },
    y: call('conv1d', p('k'), x('x'), record({ stride: num(2), dilation: num(3), padding: str('causal'), to: str('Y') })),
    dims: ['Y', 'O'],
  },
  'conv1d of groups, valid': {
    inputs: { x: ['X', 'G', 'C'] },
    params: { k: ['3', 'G', 'O', 'C'] },
    y: call('conv1d', p('k'), x('x'), record({ padding: str('valid'), to: str('Y') })),
    dims: ['Y', 'G', 'O'],
  },
  conv2d: {
    inputs: { x: ['X', 'Y', 'C'] },
    params: { k: ['3', '2', 'O', 'C'] },
    y: call('conv2d', p('k'), x('x')),
    dims: ['X', 'Y', 'O'],
  },
  'conv2d of groups, in strides of its own on each axis': {
    inputs: { x: ['X', 'Y', 'G', 'C'] },
    params: { k: ['3', '2', 'G', 'O', 'C'] },
    y: call(
      'conv2d',
      p('k'),
      x('x'),
      record({ stride: list(num(2), num(1)), to: list(str('3'), str('Y')), dilation: list(num(1), num(2)) }),
    ),
    dims: ['3', 'Y', 'G', 'O'],
  },
  'conv1d of a kernel that the step computed': {
    inputs: { x: ['X', 'C'], w: ['H', 'O', 'C'] },
    y: call('conv1d', x('w'), x('x')),
    dims: ['X', 'O'],
  },
  delay: {
    inputs: { x: ['H'] },
    y: add(mul(call('delay', x('x'), num(1)), x('x')), mul(call('delay', s('h'), num(2)), call('delay', x('x'), num(3)))),
    dims: ['H'],
  },
  index: { inputs: { x: ['H'] }, y: mul(x('x'), call('index', str('H')), name('t')), dims: ['H'] },
  blockIndex: { inputs: { x: ['K'] }, y: mul(x('x'), call('blockIndex', str('K'), num(2))), dims: ['K'] },
  dropout: { inputs: { x: ['H', 'K'] }, options: { training: true }, y: call('dropout', x('x'), num(0.4)), dims: ['H', 'K'] },
  'dropout of a parameter': {
    inputs: x1,
    params: { a: ['K'] },
    options: { training: true },
    y: call('dropout', p('a'), num(0.4), str('sequence')),
    dims: ['K'],
  },
  zoneout: {
    inputs: { x: ['K'] },
    params: { a: ['K'] },
    options: { training: true },
    y: call('zoneout', x('x'), p('a'), num(0.4)),
    dims: ['K'],
  },
  'zoneout in inference': { inputs: { x: ['K'] }, params: { a: [] }, y: call('zoneout', x('x'), p('a'), num(0.4)), dims: ['K'] },
  noise: {
    inputs: x1,
    params: { scale: ['K'] },
    options: { training: true },
    y: call('noise', num(0.5), p('scale')),
    dims: ['K'],
  },
  either: { inputs: { x: ['K'], z: ['K'] }, y: call('either', x('x'), x('z'), num(0.4)), dims: ['K'] },
  'embed of a symbol that the step has chosen': {
    inputs: { x: ['K'] },
    params: { E: ['K', 'H'] },
    y: call('tanh', call('embed', p('E'), call('argmax', x('x')))),
    dims: ['H'],
  },
  'embed of a matrix that is multiplied, too': {
    inputs: { x: ['H'] },
    params: { E: ['H', 'H'] },
    y: call('matvec', p('E'), add(x('x'), call('embed', p('E'), num(1)))),
    dims: ['H'],
  },
  argmax: { inputs: { x: ['H', 'K'] }, params: { a: ['H'] }, y: mul(p('a'), call('argmax', x('x'), str('K'))), dims: ['H'] },
  sample: { inputs: { x: ['K'] }, params: { a: ['H'] }, y: mul(p('a'), call('sample', x('x'), num(0.7))), dims: ['H'] },
  'crossEntropy of a symbol that the step has chosen': {
    inputs: { x: ['K'], z: ['K'] },
    params: { a: ['K'] },
    y: call('crossEntropy', mul(p('a'), x('x')), call('argmax', x('z'))),
    dims: [],
  },
  'crossEntropy with smoothing and weights': {
    inputs: { x: ['K'], z: ['K'] },
    params: { a: ['K'], w: ['K'] },
    y: call(
      'crossEntropy',
      mul(p('a'), x('x')),
      call('argmax', x('z')),
      record({ smoothing: num(0.3), weights: call('exp', p('w')) }),
    ),
    dims: [],
  },
};

/** y as an output, and fed back: h' = tanh(h · (1 + ½ Σ y)), for a state of any rank. */
function cellOf({ y, before = [], state = h, ...parts }: Case) {
  return buildCell({
    ...parts,
    state,
    body: [
      ...before,
      declare('y', y),
      declare('fed', call('tanh', call('sum', name('y')))),
      give(record({ h: call('tanh', mul(s('h'), add(num(1), mul(num(0.5), name('fed'))))), y: name('y') })),
    ],
  });
}

describe('gradients agree with finite differences', () => {
  it('for every function that is not per unit', () => {
    const covered = new Set(Object.keys(cases).map((title) => title.split(' ')[0]));
    expect(Object.keys(structural).filter((title) => !covered.has(title))).toEqual([]);
  });

  it.each(Object.entries(cases))('%s', (_title, parts) => {
    const { tree, signature } = cellOf(parts);
    const trained = signature.params.filter(({ trainable }) => trainable);
    for (const choice of [{ seed: 4 }, { seed: 5, ragged: true, reverse: true }]) {
      const data = randomData(signature, sizes, { y: parts.dims, h: (parts.state ?? h).h ?? [] }, choice);
      const errors = gradientErrors({ tree, signature, sizes }, data);
      expect(Object.keys(errors)).toHaveLength(signature.inputs.length + 1 + trained.length);
      for (const [key, error] of Object.entries(errors)) expect(error, key).toBeLessThan(1e-7);
    }
  });
});

describe('whole cells', () => {
  const bodies: Record<string, Omit<CellParts, 'outputs'> & { outputs: Record<string, string[]> }> = {
    'a convolutional LSTM without some of its gates': {
      inputs: { x: ['X', 'Y', 'I'] },
      state: { h: ['X', 'Y', 'C'], c: ['X', 'Y', 'C'] },
      params: { W: ['3', '3', 'C', 'I'], U: ['3', '3', 'C', 'C'], V: ['3', '3', 'C', 'C'], b: ['C'] },
      outputs: { h: ['X', 'Y', 'C'] },
      body: [
        declare('b', call('broadcast', p('b'), str('X'), str('Y'), str('C'))),
        declare('f', call('sigmoid', add(call('conv2d', p('V'), s('h')), name('b')))),
        declare(
          'c',
          add(mul(name('f'), s('c')), call('tanh', add(call('conv2d', p('W'), x('x')), call('conv2d', p('U'), s('h'))))),
        ),
        give(record({ h: call('tanh', name('c')), c: name('c') })),
      ],
    },
    'fast weights with heads and a normalized read-out': {
      inputs: { x: ['I'] },
      state: { F: ['H', 'K'], a: ['N', 'H'], m: [], Q: ['I', 'N', 'H', 'K'] },
      params: { Wk: ['K', 'I'], Wv: ['H', 'I'], R: ['N', 'H', 'H'], g: [] },
      outputs: { y: ['H'] },
      body: [
        declare('k', call('softmax', call('matvec', p('Wk'), x('x')))),
        declare('v', call('matvec', p('Wv'), x('x'))),
        declare('F', add(mul(p('g'), s('F')), call('outer', name('v'), name('k')))),
        declare('y', call('matvec', name('F'), name('k'))),
        declare('lead', call('broadcast', name('y'), str('N'), str('H'))),
        declare('a', call('tanh', add(call('matvec', p('R'), s('a')), name('lead')))),
        declare('deviation', call('sqrt', add(call('variance', name('y')), num(0.1)))),
        give(
          record({
            F: name('F'),
            a: name('a'),
            m: add(mul(num(0.5), s('m')), call('dot', call('sum', s('a'), str('N')), name('y'))),
            Q: call('tanh', add(s('Q'), call('broadcast', name('F'), str('I'), str('N'), str('H'), str('K')))),
            y: bin('/', bin('-', name('y'), call('mean', name('y'))), name('deviation')),
          }),
        ),
      ],
    },
  };

  it.each(Object.entries(bodies))('%s', (_title, { outputs, ...parts }) => {
    const small = { ...sizes, T: 3, X: 3, Y: 2, B: 2 };
    const { tree, signature } = buildCell(parts);
    for (const choice of [{ seed: 6 }, { seed: 7, ragged: true, reverse: true }]) {
      const errors = gradientErrors({ tree, signature, sizes: small }, randomData(signature, small, outputs, choice));
      for (const [key, error] of Object.entries(errors)) expect(error, key).toBeLessThan(1e-7);
    }
  });
});
