/** Gradients of parameters used per unit, of so many units that each lane sums its own over all rows by itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile, parseSpec, resolveOptions } from '../../codegen/index.js';
import type { Sizes } from '../../codegen/plan.js';
import { checkCell } from '../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';

let device: RecurveDevice;
const folder = mkdtempSync(join(tmpdir(), 'recurve-wide-'));
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => {
  device.close();
  rmSync(folder, { recursive: true });
});

/** What is wrong of a spec at these sizes, and the passes that sum what is used per unit. */
async function checked(file: string, text: string, sizes: Sizes) {
  const path = join(folder, file);
  writeFileSync(path, text);
  const tree = parseSpec(path);
  const options = resolveOptions(tree, {});
  const plan = compile(tree, { options, sizes, gradients: true, target: device.target });
  const sums = plan.passes.flatMap(({ name }) =>
    /backward_(more_)?(sums|gather)/.test(name) ? [name.replace(/_\d+_.*/, '')] : [],
  );
  const cases = await checkCell(device, tree, { options, sizes: () => sizes });
  const wrong = cases.flatMap(({ tensors }) => tensors.filter(({ ok }) => !ok).map(({ name, error }) => `${name} ${error}`));
  return { sums, wrong };
}

const CELL = `import { cell, mean, scalar, tanh, sigmoid, vec } from 'recurve';
  export default cell({ name: 'wide', dims: ['H', 'K'], inputs: { x: vec('H'), k: vec('K') }, state: { h: vec('H') },
    params: { b: vec('H'), c: vec('K'), s: scalar() },
    step({ x, k }, { h }, { b, c, s }) {
      const g = sigmoid(c * k + s);
      return { h: tanh(b * x + 0.5 * h + s), y: sigmoid(b + h) * mean(g), z: g };
    } });`;

it('are right where a parameter has several uses, beside narrow ones and numbers', async () => {
  // 40 units are one lane's, 6 are shared out in chunks of rows, and a number is a sum over units, too.
  const { sums, wrong } = await checked('wide.cell.ts', CELL, { T: 37, B: 3, H: 40, K: 6 });
  expect(sums.filter((name) => name === 'backward_sums').length).toBeGreaterThan(1);
  expect(sums).toContain('backward_gather');
  expect(wrong).toEqual([]);
});

it('add up over layers that share them', async () => {
  const model = `import { layer, model, over, vec } from 'recurve';
    export default model({ name: 'twice', dims: ['H'], inputs: { x: over('T', vec('H')) }, layers: { l: layer('gru', { I: 'H' }) },
      run({ x }, { l }) { return { y: l({ x: l({ x }).h }).h }; } });`;
  const { sums, wrong } = await checked('twice.model.ts', model, { T: 19, B: 3, H: 40 });
  expect(sums).toEqual(expect.arrayContaining([expect.stringContaining('sums'), expect.stringContaining('more')]));
  expect(wrong).toEqual([]);
});
