/**
 * What people get wrong in their first models, and what recurve says: each has a message of its own, at the place of the
 * mistake, with a way out that fits it.
 */
import { describe, expect, it } from 'vitest';
import { mistakes } from './mistakes.js';

const IMPORTS =
  'import { binaryCrossEntropy, concat, crossEntropy, dropout, huber, layer, last, mat, matvec, mean, memory, model, over, sample, ' +
  "scalar, sigmoid, softmax, sum, symbol, transpose, vec } from 'recurve';\n";

interface Mistake {
  /** Of the model; `dims` are I, H and K. */
  readonly inputs?: string;
  readonly more?: string;
  readonly layers?: string;
  readonly params?: string;
  /** What `run` is given. */
  readonly takes?: string;
  /** The body of `run`; the mistake is at « … ». */
  readonly body: string;
  /** The code of the only mistake, words of its message, and words of its way out. */
  readonly says: readonly [code: string, message: string, fix: string];
}

const TWO = { inputs: "x: over('S', vec('I')), z: over('T', vec('I'))", more: "times: ['S', 'T'],", takes: '{ x, z }, { gru }' };
const FED = {
  inputs: "x: over('T', vec('I'))",
  more: "state: { said: over('T', vec('I')) },",
  params: "W: mat('I', 'H')",
  takes: '{ x }, { gru }, p, { state }',
};
const LABELLED = {
  inputs: "x: over('T', vec('I')), label: symbol('K')",
  params: "W: mat('K', 'H')",
  takes: '{ x, label }, { gru }, p',
};
const TARGETED = { ...LABELLED, inputs: "x: over('T', vec('I')), target: vec('K')", takes: '{ x, target }, { gru }, p' };

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a sequence where a layer starts from one value': {
    body: 'const { h } = gru({ x });\nreturn { y: gru({ x }, { state: { «h» } }).h };',
    says: ['SPEC-TIMES', 'starts from a sequence, and it starts once', "`first(x)`, `mean(x, 'T')`"],
  },
  'two time axes in one sum': {
    ...TWO,
    body: 'return { y: «gru({ x }).h + gru({ x: z }).h» };',
    says: ['SPEC-TIMES', 'a sequence over `S` meets one over `T`', '`memory(x)`'],
  },
  'a sum over a time axis of another sequence': {
    ...TWO,
    body: "return { y: sum(«gru({ x }).h», 'T') + last(gru({ x: z }).h) };",
    says: ['SPEC-TIMES', 'a sequence over `S`, not over `T`', "Write 'S'"],
  },
  'a layer that is given the last step alone': {
    body: 'return { y: «gru({ x: last(x) })».h };',
    says: ['SPEC-TIMES', 'is given no sequence', "over('T', …)"],
  },
  'a second layer of the wrong input width': {
    layers: "gru: layer('gru'), top: layer('gru')",
    takes: '{ x }, { gru, top }',
    body: 'return { y: top({ «x: gru({ x }).h» }).h };',
    says: ['SPEC-SHAPE-MISMATCH', "the input `x` of `top` is vec('I'), and this is vec('H')", 'map the dims of the layer'],
  },
  'feeding back another shape than the state has': {
    ...FED,
    body: 'const { h } = gru({ x: x + state.said });\nreturn { «said: h», y: matvec(p.W, h) };',
    says: ['SPEC-STATE-SHAPE', "`said` is vec('I'), and its next value is vec('H')", "Return vec('I')"],
  },
  'feeding back out of a reversed layer': {
    ...FED,
    body: 'const { h } = gru({ x: x + state.said }, { reverse: true });\nreturn { «said: matvec(p.W, h)» };',
    says: ['SPEC-FEEDBACK', 'made of whole sequences of what it itself is fed back into', 'layers that run forward'],
  },
  'probabilities given to the loss of symbols': {
    ...LABELLED,
    body: 'const y = softmax(matvec(p.W, last(gru({ x }).h)));\nreturn { y, loss: crossEntropy(«y», label) };',
    says: ['SPEC-LOGITS', 'this is a probability: what `softmax` gives', 'what `softmax` was given'],
  },
  'probabilities given to the loss of units': {
    ...TARGETED,
    body: 'const y = sigmoid(matvec(p.W, last(gru({ x }).h)));\nreturn { loss: mean(binaryCrossEntropy(«y», target)) };',
    says: ['SPEC-LOGITS', 'this is a probability: what `sigmoid` gives', 'what `sigmoid` was given'],
  },
  'a label of as many numbers as there are classes': {
    ...TARGETED,
    body: 'return { loss: crossEntropy(matvec(p.W, last(gru({ x }).h)), «target») };',
    says: ['SPEC-SYMBOL', "is vec('K'), and it takes the number of one symbol", "`symbol('V')`"],
  },
  'a loss whose arguments are the wrong way round': {
    ...LABELLED,
    body: 'return { loss: «crossEntropy(label, matvec(p.W, last(gru({ x }).h)))» };',
    says: ['SPEC-SYMBOL', 'the wrong way round', 'the logits first'],
  },
  'attention without a memory': {
    ...TWO,
    body: 'const keys = gru({ x }).h;\nreturn { y: softmax(«matvec(keys, gru({ x: z }).h)») };',
    says: ['SPEC-TIMES', 'a sequence over `S` meets one over `T`', 'all of it, `memory(x)`'],
  },
  'attention whose weights meet the memory as it lies': {
    ...TWO,
    body: 'const all = memory(gru({ x }).h);\nreturn { y: matvec(all, «softmax(matvec(all, gru({ x: z }).h))») };',
    says: ['SPEC-MATVEC-SHAPE', "takes vec('H'), not vec('S')", "Give it vec('H')"],
  },
  'an initial state of another shape': {
    inputs: "x: over('T', vec('I')), code: vec('I')",
    takes: '{ x, code }, { gru }',
    body: 'return { y: gru({ x }, { state: { «h: code» } }).h };',
    says: ['SPEC-SHAPE-MISMATCH', "the state `h` of `gru` is vec('H'), and this is vec('I')", 'a value of that shape'],
  },
  'an initial state that the cell does not have': {
    inputs: "x: over('T', vec('I')), code: vec('H')",
    takes: '{ x, code }, { gru }',
    body: 'return { y: gru({ x }, { state: { «c: code» } }).h };',
    says: ['SPEC-UNKNOWN-MEMBER', 'the layer `gru` (gru) has no state `c`', 'It has `h`'],
  },
  'dims mixed up in a product': {
    ...LABELLED,
    inputs: "x: over('T', vec('I'))",
    takes: '{ x }, { gru }, p',
    body: 'return { y: matvec(p.W, «x»), h: gru({ x }).h };',
    says: ['SPEC-MATVEC-SHAPE', "`W` is mat('K', 'H') and takes vec('H'), not vec('I')", "`W: mat('K', 'I')`"],
  },
  'a dropout rate of 2': {
    body: 'return { y: dropout(gru({ x }).h, «2») };',
    says: ['SPEC-RATE', 'a number from 0 to 1 or a scalar parameter, and this is the number 2', 'scalar({ init: 0.1'],
  },
  'a huber loss with a delta of 0': {
    inputs: "x: over('T', vec('I')), target: vec('H')",
    takes: '{ x, target }, { gru }',
    body: 'return { loss: mean(huber(last(gru({ x }).h), target, «0»)) };',
    says: ['SPEC-POSITIVE', 'the `delta` of `huber` is above 0, and this is 0', 'a number above 0'],
  },
  'a learned delta that starts below 0': {
    inputs: "x: over('T', vec('I')), target: vec('H')",
    params: 'delta: scalar({ init: -1 })',
    takes: '{ x, target }, { gru }, p',
    body: 'return { loss: mean(huber(last(gru({ x }).h), target, «p.delta»)) };',
    says: ['SPEC-POSITIVE', 'the `init` of `delta` is -1', 'a number above 0'],
  },
  'a temperature of 0': {
    body: 'return { said: sample(gru({ x }).h, «0») };',
    says: ['SPEC-POSITIVE', 'a temperature is above 0', 'a number above 0'],
  },
  'an array of layers that is called': {
    layers: "deep: repeat(3, layer('gru'))",
    takes: '{ x }, { deep }',
    body: 'return { y: «deep»({ x }).h };',
    says: ['SPEC-NOT-CALLABLE', 'an array of layers', '`deep[0]({ x })`'],
  },
};

/** The spec, and what the message points at: its line, its column and its length. */
function written({ inputs, more = '', layers, params = '', takes, body }: Mistake) {
  const marked = `${IMPORTS.replace('scalar,', 'repeat, scalar,')}export default model({
  name: 'mine',
  dims: ['I', 'H', 'K'], ${more}
  inputs: { ${inputs ?? "x: over('T', vec('I'))"} },
  layers: { ${layers ?? "gru: layer('gru')"} },
  params: { ${params} },
  run(${takes ?? '{ x }, { gru }'}) {
    ${body.replace('\n', '\n    ')}
  },
});
`;
  const before = marked.slice(0, marked.indexOf('«')).split('\n');
  const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return { text: marked.replace(/[«»]/g, ''), place, length: marked.indexOf('»') - marked.indexOf('«') - 1 };
}

describe('a model that is wrong as first models are', () => {
  it.each(Object.entries(MISTAKES))('%s', (_, mistake) => {
    const [code, message, fix] = mistake.says;
    const { text, place, length } = written(mistake);
    const said = mistakes(text);
    expect(said.match(/SPEC-[A-Z-]+/g)).toEqual([code]);
    const [head = '', , caret = '', cure = ''] = said.split('\n');
    expect(head).toContain(`mine.model.ts:${place}  ${code}`);
    expect(head).toContain(message);
    expect(caret.trim()).toBe('^'.repeat(length));
    expect(cure).toContain('fix: ');
    expect(cure).toContain(fix);
  });

  it('is none where the logits, a delta and a temperature are as they should be', () => {
    const body =
      'return { loss: crossEntropy(matvec(p.W, last(gru({ x }).h)), label), «» said: sample(gru({ x }).h, 0.5), far: huber(x, 0, 1) };';
    expect(mistakes(written({ ...LABELLED, body, says: ['', '', ''] }).text)).toBe('');
  });
});
