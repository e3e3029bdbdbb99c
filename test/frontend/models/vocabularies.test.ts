/** Symbols of one vocabulary where those of another belong: dims are other dims, whatever their sizes are. */
import { describe, expect, it, test } from 'vitest';
import { checkSpec, parseSpec } from '../../../codegen/frontend/index.js';
import { mistakes, mistakesAmong } from './mistakes.js';

const IMPORTS =
  'import { argmax, choice, crossEntropy, either, embed, first, last, layer, mat, matvec, maxOver, memory, model, over, sample, ' +
  "scalar, shift, stopGradient, symbol, transpose, vec } from 'recurve';";

interface Parts {
  readonly state?: string;
  readonly before?: string;
  readonly layers?: string;
  readonly target?: string;
}

/** Words of V and tags of K, a table and logits of each. */
function modelOf(body: string, { state, before = '', layers = '', target = "symbol('V')" }: Parts = {}): string {
  const given = state === undefined ? '{ options: o }' : '{ options: o, state }';
  return `${IMPORTS}
${before}
export default model({ name: 'mine', options: { of: choice('words', 'tags') }, times: ['S', 'T'], dims: ['V', 'K', 'H'],
  inputs: (o) => ({ word: over('T', symbol('V')), tag: over('T', symbol('K')), topic: symbol('K'), target: over('T', ${target}),
    x: over('T', vec('H')), z: over('S', vec('H')) }), ${state === undefined ? '' : `state: { ${state} },`}
  layers: { rnn: layer('rnn', { I: 'H' })${layers === '' ? '' : `, ${layers}`} },
  params: { E: mat('V', 'H'), F: mat('K', 'H'), rate: scalar({ init: 0.5, trainable: false }) },
  run({ word, tag, topic, target, x, z }, layers, p, ${given}) {
    const places = matvec(memory(z), x);
    const seen = p.rate * matvec(transpose(memory(z)), places);
    const h = layers.rnn({ x: seen + embed(p.E, word) + embed(p.F, tag) + embed(p.F, topic) + target }).h;
    const [words, tags] = [matvec(p.E, h), matvec(p.F, h)];
    ${body}
  } });`;
}

/** What is said, without the places. */
const said = (text: string) =>
  text
    .split('\n')
    .filter((line) => /SPEC-|fix:/.test(line))
    .map((line) => line.trim().replace(/^\S+:\d+:\d+ {2}/, ''));

const refused = (own: string, table: 'row' | 'number', of: string) => [
  `SPEC-SYMBOL  this is one of ${own} symbols, and the first argument of \`${
    table === 'row' ? 'embed' : 'crossEntropy'
  }\` has a ${table} for each of ${of}`,
  `fix: Give both the same dim: \`symbol('${of}')\`, or a first argument over ${own}.`,
];

describe('in a model a symbol of another vocabulary is refused', () => {
  test.each([
    ['as it is given', 'word', 'V'],
    ['without time', 'topic', 'K'],
    ['at another step', 'shift(word, -2)', 'V'],
    ['that another section reads', 'shift(shift(tag, 1), -3)', 'K'],
    ['of the first step', 'first(tag)', 'K'],
    ['of the last step', 'last(word)', 'V'],
    ['that is the largest of all steps', "maxOver(word, 'T')", 'V'],
    ['that is the most likely one', 'argmax(words)', 'V'],
    ['that is drawn', 'sample(tags, 0.5)', 'K'],
    ['that was drawn in another section', 'last(sample(tags))', 'K'],
    ['that a test chooses', 'topic > 0 ? word : 0', 'V'],
    ['that one side of a test chooses', 'topic > 0 ? target : tag', 'K'],
    ['that no gradient reaches', 'stopGradient(tag)', 'K'],
    ['that is heard by chance', 'either(0, word, p.rate)', 'V'],
  ])('%s', (_, symbol, own) => {
    const [rows, logits, other] = own === 'V' ? ['p.F', 'tags', 'K'] : ['p.E', 'words', 'V'];
    expect(said(mistakes(modelOf(`return { y: h, z: embed(${rows}, ${symbol}) };`)))).toEqual(refused(own, 'row', other));
    expect(said(mistakes(modelOf(`return { y: h, z: crossEntropy(${logits}, ${symbol}) };`)))).toEqual(
      refused(own, 'number', other),
    );
    const [ownRows, ownLogits] = own === 'V' ? ['p.E', 'words'] : ['p.F', 'tags'];
    const target = symbol.includes('target') ? `symbol('${own}')` : undefined;
    const right = `return { y: h, z: embed(${ownRows}, ${symbol}), loss: crossEntropy(${ownLogits}, ${symbol}) };`;
    expect(mistakes(modelOf(right, target === undefined ? {} : { target }))).toBe('');
  });
});

it('names the place', () => {
  expect(mistakes(modelOf('return { y: h, loss: crossEntropy(tags, target) };'))).toMatchInlineSnapshot(`
    "mine.model.ts:13:45  SPEC-SYMBOL  this is one of V symbols, and the first argument of \`crossEntropy\` has a number for each of K
            return { y: h, loss: crossEntropy(tags, target) };
                                                    ^^^^^^
        fix: Give both the same dim: \`symbol('K')\`, or a first argument over V."
  `);
});

test('what a step is fed back is one of the symbols of its state', () => {
  const state = "said: over('T', symbol('V'))";
  const body = (next: string) => `return { said: ${next}, more: embed(p.E, state.said) };`;
  expect(mistakes(modelOf(body('sample(words)'), { state }))).toBe('');
  expect(mistakes(modelOf(body('argmax(tags)'), { state }))).toMatchInlineSnapshot(`
    "mine.model.ts:13:14  SPEC-SYMBOL  this is one of K symbols, and the state \`said\` is one of V
            return { said: argmax(tags), more: embed(p.E, state.said) };
                     ^^^^^^^^^^^^^^^^^^
        fix: Give both the same dim: \`symbol('V')\`, or make the state \`said\` one of K."
  `);
  expect(mistakes(modelOf('return { said: argmax(words), more: embed(p.F, state.said) };', { state }))).toMatchInlineSnapshot(`
    "mine.model.ts:13:52  SPEC-SYMBOL  this is one of V symbols, and the first argument of \`embed\` has a row for each of K
            return { said: argmax(words), more: embed(p.F, state.said) };
                                                           ^^^^^^^^^^
        fix: Give both the same dim: \`symbol('K')\`, or a first argument over V."
  `);
});

test('a number that is computed, and a step of a sequence, are of no vocabulary', () => {
  expect(mistakes(modelOf('return { y: h, more: embed(p.F, word + 1), again: embed(p.E, argmax(places)) };'))).toBe('');
  expect(mistakes(modelOf('return { y: h, loss: crossEntropy(places, target) };'))).toBe('');
});

test('what options make of dims decides under each of them', () => {
  const target = "symbol(o.of === 'words' ? 'V' : 'K')";
  const right = "return { loss: o.of === 'words' ? crossEntropy(words, target) : crossEntropy(tags, target) };";
  expect(mistakes(modelOf(right, { target }))).toBe('');
  expect(mistakes(modelOf('return { loss: crossEntropy(words, target) };', { target }))).toMatchInlineSnapshot(`
    "mine.model.ts:13:40  SPEC-SYMBOL  this is one of K symbols, and the first argument of \`crossEntropy\` has a number for each of V (when of = tags)
            return { loss: crossEntropy(words, target) };
                                               ^^^^^^
        fix: Give both the same dim: \`symbol('V')\`, or a first argument over K."
  `);
});

describe("a layer's symbols", () => {
  const CELL = `import { argmax, cell, embed, mat, matvec, symbol, tanh, vec } from 'recurve';
export default cell({ name: 'own', dims: ['V', 'K', 'H'], inputs: { s: symbol('V') }, state: { h: vec('H'), r: symbol('K') },
  params: { E: mat('V', 'H'), F: mat('K', 'H') },
  step({ s }, { h, r }, p) { const next = tanh(embed(p.E, s) + embed(p.F, r) + h); return { h: next, r: argmax(matvec(p.F, next)) }; } });`;
  const before = "import own from './own.cell.js';";
  const of = (body: string, layers = 'own: layer(own)', target = "symbol('V')") =>
    mistakesAmong({ 'mine.model.ts': modelOf(body, { before, layers, target }), 'own.cell.ts': CELL }, (path) =>
      checkSpec(parseSpec(path)),
    );

  it('are those that its dims are in the model', () => {
    const turned = "own: layer(own, { V: 'K', K: 'V' })";
    const body = 'return { y: layers.own({ s: tag }).r };';
    expect(of('return { y: layers.own({ s: word }).r };')).toBe('');
    expect(of(body, turned)).toBe('');
    expect(of(body)).toMatchInlineSnapshot(`
      "mine.model.ts:13:30  SPEC-SYMBOL  this is one of K symbols, and the input \`s\` of \`own\` is one of V
              return { y: layers.own({ s: tag }).r };
                                       ^^^^^^
          fix: Give both the same dim: \`symbol('V')\`, or make the input \`s\` of \`own\` one of K."
    `);
    expect(said(of('return { y: layers.own({ s: word }).r };', turned))).toMatchInlineSnapshot(`
      [
        "SPEC-SYMBOL  this is one of V symbols, and the input \`s\` of \`own\` is one of K",
        "fix: Give both the same dim: \`symbol('K')\`, or make the input \`s\` of \`own\` one of V.",
      ]
    `);
    // Where both are one in the model, so they are in the layer.
    expect(
      of('return { y: layers.own({ s: argmax(words) }, { state: { r: first(word) } }).r };', "own: layer(own, { K: 'V' })"),
    ).toBe('');
  });

  it('may be any number that is none of a vocabulary, here one and there another', () => {
    const body = 'return { y: layers.own({ s: target }).h + layers.turned({ s: target }).h };';
    expect(of(body, "own: layer(own), turned: layer(own, { V: 'K', K: 'V' })", 'scalar()')).toBe('');
  });

  it('start from those of their vocabulary, and stay of it', () => {
    const call = (state: string) => `const own = layers.own({ s: word }, { state: { r: ${state} } });`;
    const rest = 'return { y: embed(p.F, own.r) + embed(p.F, own.final.r) };';
    expect(of(`${call('topic')} ${rest}`)).toBe('');
    expect(of(`${call('0')} ${rest}`)).toBe('');
    expect(said(of(`${call('first(word)')} ${rest}`))).toMatchInlineSnapshot(`
      [
        "SPEC-SYMBOL  this is one of V symbols, and the state \`r\` of \`own\` is one of K",
        "fix: Give both the same dim: \`symbol('K')\`, or make the state \`r\` of \`own\` one of V.",
      ]
    `);
    expect(said(of(`${call('topic')} return { y: embed(p.E, own.r) };`))).toEqual(refused('K', 'row', 'V'));
    expect(said(of(`${call('topic')} return { y: embed(p.E, own.final.r) };`))).toEqual(refused('K', 'row', 'V'));
    expect(said(of('return { y: embed(p.E, layers.own({ s: word }, { reverse: true }).r) };'))).toEqual(refused('K', 'row', 'V'));
    const given = 'return { y: layers.own({ s: word }, { from: { r: target } }).h };';
    expect(said(of(given))).toMatchInlineSnapshot(`
      [
        "SPEC-SYMBOL  this is one of V symbols, and the state \`r\` of \`own\` is one of K",
        "fix: Give both the same dim: \`symbol('K')\`, or make the state \`r\` of \`own\` one of V.",
      ]
    `);
  });
});
