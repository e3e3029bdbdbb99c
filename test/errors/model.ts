/** Mistakes in models, and what models cannot be asked for. */

import { checkSpec } from '../../codegen/frontend/index.js';
import { compile, compileWithin, parseSpecSource, resolveOptions } from '../../codegen/index.js';
import { recurve } from '../cli/harness.js';
import { TARGET } from '../codegen/target.js';
import { modelOf, type Parts } from '../frontend/models/mistakes.js';
import { type Witness, witness } from './witness.js';

const model = (parts: Parts, found: string): Witness =>
  witness(() => checkSpec(parseSpecSource('mine.model.ts', modelOf(parts))), found);

export const MODEL = {
  'SPEC-OVER': model({ inputs: "{ x: over('T', over('T', vec('I'))) }" }, 'over'),
  'SPEC-TIME-UNKNOWN': model({ inputs: "{ x: over('S', vec('I')) }" }, '`S`'),
  'SPEC-TIME-DUPLICATE': model({ times: "['T', 'T']" }, '`T`'),
  'SPEC-TIME-UNUSED': model({ times: "['T', 'S']" }, '`S`'),
  'SPEC-TIMES': model({ body: 'return { y: shift(p.W, 1) };' }, '`shift`'),
  'SPEC-TOTAL': model(
    { imports: "import { layer, mat, matvec, model, over, sum, vec } from 'recurve';", body: "return { y: sum(x, 'B') };" },
    "`sum(x, 'B')`",
  ),
  'SPEC-LAYER-FORM': model({ layers: '{ first: 3 }' }, '`first`'),
  'SPEC-LAYER-CELL': model({ layers: "{ first: layer('gruu') }" }, 'gruu'),
  'SPEC-LAYER-DIM': model({ layers: "{ first: layer('gru', { J: 'I' }) }" }, '`J`'),
  'SPEC-LAYER-OPTION': model({ layers: "{ first: layer('gru', {}, { options: { rest: 'before' } }) }" }, '`rest`'),
  'SPEC-LAYER-SETTING': model({ layers: "{ first: layer('gru', {}, { reverse: true }) }" }, '`reverse`'),
  'SPEC-LAYER-NAME': model({ layers: "{ W: layer('gru') }", body: 'return { y: x };' }, '`W`'),
  'SPEC-UNUSED-LAYER': model({ layers: "{ first: layer('gru'), second: layer('gru') }" }, '`second`'),
  'SPEC-FEEDBACK': model(
    {
      imports: "import { layer, mat, matvec, model, over, shift, vec } from 'recurve';",
      more: "state: { fed: over('T', vec('I')) },",
      run: 'run({ x }, { first }, p, { state }) { const y = first({ x: x + state.fed }).h; return { y: matvec(p.W, y), fed: shift(state.fed, 1) }; },',
    },
    '`fed`',
  ),
  'SPEC-MODEL-FUNCTION': witness(
    () =>
      parseSpecSource(
        'mine.cell.ts',
        "import { cell, shift, vec } from 'recurve';\nexport default cell({ name: 'mine', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: {}, step({ x }, { h }) { return { h: h + shift(x, 1) }; } });\n",
      ),
    '`shift`',
  ),
  'STAGE-MODEL': witness(async () => {
    const ran = await recurve(['inspect', 'classifier', '--stage', 'adjoint', '--json']);
    throw JSON.parse(ran.stdout).error;
  }, 'classifier'),
  'TRACE-MODEL': witness(() => {
    const tree = parseSpecSource('mine.model.ts', modelOf({}));
    compile(tree, {
      options: resolveOptions(tree, {}),
      sizes: { T: 2, B: 1, I: 2, H: 3, K: 2 },
      gradients: false,
      target: TARGET,
      trace: ['h'],
    });
  }, 'mine'),
  'MEMORY-MODEL': witness(() => {
    const tree = parseSpecSource('mine.model.ts', modelOf({}));
    const sizes = { T: 2, B: 1, I: 2, H: 3, K: 2 };
    compileWithin(tree, { options: resolveOptions(tree, {}), sizes, gradients: false, target: TARGET }, 100);
  }, 'the sequences of models are not cut'),
} satisfies Readonly<Record<string, Witness>>;
