/** A NaN, an infinity or a zero in one unit of one sequence does the same in kernels as in the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../codegen/index.js';
import { argumentsOf, functions } from '../../codegen/ops/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';
import { differingNumbers } from './same-numbers.js';

const SIZES = { T: 4, B: 3, H: 6 };
/** Step, sequence and unit of the NaN. */
const [T0, B0, U0] = [1, 2, 3];

/**
 * Per unit, so that a NaN stays in its unit, and damped, so that no exponential grows over the steps beyond what float32 can
 * tell; `w` and `v` are what the function's other arguments are. Each expression has a state, an input and parameters of its own, so
 * that several share kernels and no numbers.
 */
function cellOf(expressions: readonly string[]) {
  const each = (text: (own: string) => string) => expressions.map((_, at) => text(String(at))).join(', ');
  const helpers = expressions.map((text, at) => `const f${at} = (a, w, v) => ${text.replaceAll(/\bp\.([wv])\b/g, '$1')};`);
  return fromText(`import { cell, maxOver, vec, ${Object.keys(functions).join(', ')} } from 'recurve';
    ${helpers.join('\n')}
    export default cell({ name: 'kink', dims: ['H'], inputs: { ${each((k) => `x${k}: vec('H')`)} }, state: { ${each((k) => `h${k}: vec('H')`)} },
      params: { ${each((k) => `w${k}: vec('H'), v${k}: vec('H')`)} },
      step(x, h, p) { return { ${each((k) => `h${k}: 0.1 * f${k}(x.x${k} + p.w${k} * h.h${k}, p.w${k}, p.v${k}) + 0.5 * h.h${k} + p.v${k}`)} }; } });`);
}

/** Functions of one argument that have a slope, as their records use them, and by hand those of more, and operators. */
const EXPRESSIONS = [
  ...Object.values(functions).flatMap((record) =>
    argumentsOf(record)[0] === 1 && record.cases.points.length > 0 ? [record.cases.expression] : [],
  ),
  'min(a, p.v)',
  'min(p.v, a)',
  'max(a, p.v)',
  'max(p.v, a)',
  'clamp(a, -0.5, 0.5)',
  'clamp(a, p.v, p.w)',
  'clamp(p.v, a, p.w)',
  'clamp(p.v, p.w, a)',
  'log(square(a))',
  'sqrt(square(a))',
  '(a !== a ? relu(a) : p.v)',
  '(a < p.v ? p.v : 2 * relu(a))',
  '(a <= p.v ? p.v : 2 * relu(a))',
  '(a > p.v ? p.v : 2 * relu(a))',
  '(a >= p.v ? p.v : 2 * relu(a))',
];

/** Three at a time: most of what a kernel takes to compile is around them. */
const THREES = Array.from({ length: Math.ceil(EXPRESSIONS.length / 3) }, (_, at) => EXPRESSIONS.slice(3 * at, 3 * at + 3));

for (const choice of ['swiftshader', 'lavapipe'] as const) {
  const missing = choice === 'lavapipe' && lavapipeManifests().length === 0;
  describe.skipIf(missing)(`on ${choice}`, () => {
    let device: RecurveDevice;
    beforeAll(async () => {
      device = await openDevice(choice);
    });
    afterAll(() => device.close());

    it.each(['maxOver(a)', 'relu(maxOver(a))', '(p.w > 5 ? maxOver(a) : 1)'])(
      '%s of units of which one is NaN has the slopes of the reference: NaN, and zero behind a branch not taken',
      async (expression) => {
        const { tree, options, signature, outputs, sizes } = prepare(cellOf([expression]), SIZES);
        const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
        const data = randomData(signature, sizes, outputs, { seed: 11 });
        const row = (T0 * SIZES.B + B0) * SIZES.H;
        data.inputs.x0?.data.fill(Number.NaN, row + U0, row + U0 + 1);
        const expected = runReference(tree, signature, sizes, data);
        const slopes = [...(expected.gradients?.inputs.x0?.data ?? [])].slice(row, row + SIZES.H);
        expect(slopes.every((slope) => (expression.includes('?') ? slope === 0 : Number.isNaN(slope)))).toBe(true);
        expect(differingNumbers(await executable.run(data), expected)).toEqual([]);
        executable.destroy();
      },
    );

    it.each(THREES.map((expressions) => [expressions.join(', '), expressions] as const))(
      '%s of NaN, infinity and zero gives NaN and infinity where the reference has them',
      async (_, expressions) => {
        const { tree, options, signature, outputs, sizes } = prepare(cellOf(expressions), SIZES);
        const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]) {
          const data = randomData(signature, sizes, outputs, { seed: 11 });
          const at = (T0 * SIZES.B + B0) * SIZES.H + U0;
          for (const k of expressions.keys()) {
            data.inputs[`x${k}`]?.data.fill(value, at, at + 1);
            // At zero the other arguments are zero too, and nothing of the state before is added: a tie at every kink.
            data.params[`w${k}`]?.data.fill(value === 0 ? 0 : 1, U0, U0 + 1);
            if (value === 0) data.params[`v${k}`]?.data.fill(0, U0, U0 + 1);
          }
          const expected = runReference(tree, signature, sizes, data);
          if (Number.isNaN(value))
            for (const k of expressions.keys()) expect(expected.gradients?.inputs[`x${k}`]?.data[at]).toBeNaN();
          executable.poison();
          expect(differingNumbers(await executable.run(data), expected), `of ${value}`).toEqual([]);
        }
        executable.destroy();
      },
    );
  });
}
