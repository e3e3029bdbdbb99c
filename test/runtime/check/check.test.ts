import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCellSource } from '../../../cli/new-cell.js';
import { parseCellSource, resolveOptions } from '../../../codegen/frontend/index.js';
import type { CellTree } from '../../../codegen/frontend/tree.js';
import { checkCell } from '../../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../../runtime/device/index.js';

const tree = parseCellSource('mine.cell.ts', newCellSource('mine'));
const options = resolveOptions(tree, {});
const sizes = { T: 3, B: 2, I: 3, H: 5 };

describe('checkCell', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('auto');
  });
  afterAll(() => device.close());

  it('compares every output, final state and gradient', async () => {
    const [report, ...more] = await checkCell(device, tree, { options, sizes: () => sizes });
    expect(more).toEqual([]);
    expect(report).toMatchObject({ cell: 'mine', options, dims: sizes, ok: true });
    expect(report?.tensors.map(({ name }) => name)).toEqual([
      'outputs.h',
      'state.h',
      'gradients.inputs.x',
      'gradients.state.h',
      ...['W_z', 'U_z', 'b_z', 'W_n', 'U_n', 'b_n', 'leak'].map((name) => `gradients.params.${name}`),
    ]);
    expect(report?.worst).toBeLessThan(1e-5);
  });

  it('names tensor, step, sequence, unit and line where kernels and reference part', async () => {
    // A tree that shows the compiler and the reference two different steps stands in for a compiler that is wrong.
    const broken = differingTrees(
      newCellSource('mine'),
      newCellSource('mine').replace('sigmoid(p.leak + 4)', 'sigmoid(p.leak + 3)'),
    );
    const [report] = await checkCell(device, broken, { options, sizes: () => sizes });
    expect(report?.ok).toBe(false);
    const outputs = report?.tensors.find(({ name }) => name === 'outputs.h');
    expect(outputs?.mismatch).toMatch(/^step 0, sequence 0, unit 0 is \S+, not \S+ \(.+\); mine\.cell\.ts:\d+$/);
    const leak = report?.tensors.find(({ name }) => name === 'gradients.params.leak');
    expect(leak?.mismatch).toMatch(/^unit 0 is .+; mine\.cell\.ts:27$/);
  });

  /** Of a high frequency float32 keeps few digits: as many as the phase leaves. */
  const waves = (frequency: number) =>
    parseCellSource(
      'waves.cell.ts',
      `import { cell, sin, vec } from 'recurve';
      export default cell({ name: 'waves', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: { a: vec('H') },
        step({ x }, { h }, { a }) { return { h: sin(${frequency} * x) + a * h }; } });`,
    );

  it('takes other data where float32 cannot hold the results, and holds them to the same tolerance', async () => {
    const [report] = await checkCell(device, waves(200), { options: {}, sizes: () => ({ T: 1, B: 1, H: 1 }) });
    // On its first draw two tensors are off by 3.2e-4, of which float32 explains 1.8e-3.
    expect(report).toMatchObject({ ok: true });
    expect(report?.worst).toBeLessThan(1e-5);
  });

  it('says where float32 cannot hold any', async () => {
    const [report] = await checkCell(device, waves(70001), { options: {}, sizes: () => ({ T: 2, B: 2, H: 5 }) });
    const wrong = report?.tensors.filter(({ ok }) => !ok);
    expect(wrong?.map(({ name }) => name)).toEqual(['outputs.h', 'state.h', 'gradients.inputs.x', 'gradients.params.a']);
    for (const { mismatch } of wrong ?? []) expect(mismatch).toMatch(/; rounding to float32 alone explains \d\.\de-\d$/);
  });

  it('reports a size of its own that the adapter cannot hold, and goes on', async () => {
    const maxBufferBytes = 8_000;
    const small = { ...device, target: { ...device.target, maxBufferBytes } };
    const leak = parseCellSource(
      'leak.cell.ts',
      `import { cell, vec } from 'recurve';
      export default cell({ name: 'leak', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H') }, params: { a: vec('H') },
        step({ x }, { h }, { a }) { return { h: a * h + x }; } });`,
    );
    const reports = await checkCell(small, leak);
    const [held, refused] = [reports.filter(({ ok }) => ok), reports.filter(({ ok }) => !ok)];
    expect(held.length).toBeGreaterThan(3);
    expect(refused.length).toBeGreaterThan(0);
    expect(reports.at(-1)?.ok).toBe(true);
    for (const { problem, tensors } of refused) {
      expect(tensors).toEqual([]);
      expect(problem).toMatch(/^LIMIT-BUFFER: .+ needs \d+ bytes, more than .+ of 8000$/);
    }
  });

  it('refuses a size that was asked for and that the adapter cannot hold', async () => {
    const small = { ...device, target: { ...device.target, maxBufferBytes: 64 } };
    await expect(checkCell(small, tree, { options, sizes: () => sizes })).rejects.toMatchObject({ code: 'LIMIT-BUFFER' });
  });
});

/** A tree whose `step` is the second source's for the reference and the first's for everybody else. */
function differingTrees(compiled: string, interpreted: string): CellTree {
  const first = parseCellSource('mine.cell.ts', compiled);
  const second = parseCellSource('mine.cell.ts', interpreted);
  const fromReference = () => new Error().stack?.includes('/runtime/reference/') === true;
  return Object.defineProperty({ ...first }, 'step', { get: () => (fromReference() ? second.step : first.step) });
}
