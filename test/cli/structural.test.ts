/** What the command line says of axes of fixed size, sizes that follow from others, and parameters that are not trained. */
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typedModule } from '../../cli/module.js';
import { lower, type Plan, parseCell, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { documentOf, recurve } from './harness.js';

const CELL = resolve('test/frontend/everything.cell.ts');
const DIMS = 'X=6,Y=9,N=2,I=3,H=4,K=2';

describe('inspect', () => {
  it('computes the sizes that follow from others', async () => {
    const ran = await recurve(['inspect', CELL, '--stage', 'signature', '--dims', DIMS, '--json']);
    expect(documentOf(ran)).toMatchObject({
      options: { training: false },
      sizes: { T: 16, B: 8, X: 6, X2: 4, Y: 9, Y2: 4, N: 2, I: 3, H: 4, K: 2, G: 8, J: 7 },
    });
  });

  it('takes the option training, and shows what is not trained and every axis', async () => {
    const ran = await recurve(['inspect', CELL, '--stage', 'signature', '--dims', DIMS, '--set', 'training=true']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    for (const line of [
      'option training = true',
      'input plane: [T, B, X, Y, 3]',
      'input gain: [T, B]',
      'state memory: [B, H, I]',
      'param U: [2, H, H]',
      'param grouped: [2, N, H, I]',
      'param rate: [] (not trained)',
    ])
      expect(ran.stdout.split('\n')).toContain(line);
  });

  it('refuses sizes that do not fit each other', async () => {
    const ran = await recurve(['inspect', CELL, '--stage', 'signature', '--dims', `${DIMS},G=9`]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('needs G of 8 for H = 4, and there is G = 9');
  });

  it('raises default sizes to what a convolution or slice needs', async () => {
    const document = documentOf(await recurve(['inspect', CELL, '--stage', 'signature', '--dims', 'K=60,I=2', '--json']));
    expect(document).toMatchObject({ sizes: { K: 60, I: 2, H: 59, J: 61 } });
  });
});

describe('the typed module', () => {
  const tree = parseCell(CELL);
  it('has axes of fixed size, parameters that may be missing and gradients of the trained ones', () => {
    const signature = resolveSignature(tree, resolveOptions(tree, {}));
    const plan: Pick<Plan, 'sizes'> = { sizes: { T: 5, B: 3, X: 6, Y: 9, X2: 4, Y2: 4, N: 2, I: 3, H: 4, K: 2, G: 8, J: 7 } };
    const text = typedModule(plan as Plan, signature, lower(tree, signature), { source: 'everything.cell.ts', version: '1' });
    expect(text).toContain('readonly plane: Tensor<readonly [T: number, B: number, X: 6, Y: 9, size: 3]>;');
    expect(text).toContain('readonly U: Tensor<readonly [size: 2, H: 4, H: 4]>;');
    expect(text).toMatch(/ where it is left out. \*\/\n {2}readonly rate: Tensor<readonly \[\]>;/);
    expect(text).toContain("export type Gradients = Omit<Params, 'rate'>;");
  });
});
