import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCellSource } from '../../../cli/new-cell.js';
import { parseCellSource, resolveOptions } from '../../../codegen/frontend/index.js';
import type { CellTree } from '../../../codegen/frontend/tree.js';
import type { Sizes } from '../../../codegen/plan.js';
import { checkCell, reportCell } from '../../../runtime/check/index.js';
import { openDevice, type RecurveDevice } from '../../../runtime/device/index.js';

const tree = parseCellSource('mine.cell.ts', newCellSource('mine'));
const options = resolveOptions(tree, {});
const sizes = { T: 3, B: 2, I: 3, H: 5 };

describe('checkCell', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('swiftshader');
  });
  afterAll(() => device.close());

  it('compares every output, final state and gradient', async () => {
    const [report, ...more] = await checkCell(device, tree, { options, sizes: () => sizes });
    expect(more).toEqual([]);
    expect(report).toMatchObject({ cell: 'mine', options, dims: sizes, verdict: 'agrees', ok: true, draws: { replaced: 0 } });
    expect(report?.tensors.map(({ name }) => name)).toEqual([
      'outputs.h',
      'state.h',
      'gradients.inputs.x',
      'gradients.state.h',
      ...['W_z', 'U_z', 'b_z', 'W_n', 'U_n', 'b_n', 'leak'].map((name) => `gradients.params.${name}`),
    ]);
    expect(report?.worst).toBeLessThan(1e-5);
  });

  it('runs as is asked where the options allow it, as the compiler chooses where they do not, and refuses what none allow', async () => {
    const choosing = parseCellSource(
      'choosing.cell.ts',
      `import { cell, choice, mat, matvec, sigmoid, tanh, vec } from 'recurve';
      export default cell({ name: 'choosing', dims: ['H'], options: { kind: choice('dense', 'own') }, inputs: { x: vec('H') }, state: { h: vec('H') },
        params: { U: mat('H', 'H'), w: vec('H') },
        step({ x }, { h }, { U, w }, { options: o }) { return { h: tanh(x + (o.kind === 'dense' ? matvec(U, h) : sigmoid(w) * h)) }; } });`,
    );
    const own = { sizes: () => ({ T: 3, B: 2, H: 5 }) };
    const reports = await checkCell(device, choosing, { ...own, strategy: 'scan' });
    const ran = reports.map(({ options: { kind }, strategies, ok }) => ({ kind, strategies, ok }));
    expect(ran).toContainEqual({ kind: 'dense', strategies: ['resident'], ok: true });
    expect(ran).toContainEqual({ kind: 'own', strategies: ['thread', 'scan'], ok: true });
    await expect(
      checkCell(device, choosing, { ...own, strategy: 'scan', options: resolveOptions(choosing, { kind: 'dense' }) }),
    ).rejects.toMatchObject({ code: 'STRATEGY-REFUSED' });
  });

  it('names tensor, step, sequence, unit and line where kernels and reference part', async () => {
    // A tree that shows the compiler and the reference two different steps stands in for a compiler that is wrong.
    const broken = differingTrees(
      newCellSource('mine'),
      newCellSource('mine').replace('sigmoid(p.leak + 4)', 'sigmoid(p.leak + 3)'),
    );
    const [report] = await checkCell(device, broken, { options, sizes: () => sizes });
    expect(report).toMatchObject({ verdict: 'wrong', ok: false, counts: true });
    const outputs = report?.tensors.find(({ name }) => name === 'outputs.h');
    expect(outputs?.mismatch).toMatch(/^step 0, sequence 0, unit 0 is \S+, not \S+ \(.+\); mine\.cell\.ts:\d+$/);
    const leak = report?.tensors.find(({ name }) => name === 'gradients.params.leak');
    expect(leak?.mismatch).toMatch(/^unit 0 is .+; mine\.cell\.ts:29$/);
  });

  /** A cell of one line; `x` and `d` are inputs, `a` is a parameter. */
  const cellOf = (next: string) =>
    parseCellSource(
      'line.cell.ts',
      `import { cell, index, layerNorm, log, relu, sin, vec } from 'recurve';
      export default cell({ name: 'line', dims: ['H'], inputs: { x: vec('H'), d: vec('H') }, state: { h: vec('H') },
        params: { a: vec('H') }, step({ x, d }, { h }, { a }) { return { h: ${next} }; } });`,
    );
  const checkOne = async (cell: CellTree, dims: Sizes, on = device) => {
    const [report] = await checkCell(on, cell, { options: {}, sizes: () => dims });
    if (report === undefined) throw new Error('nothing was checked');
    return report;
  };

  it('calls what no kernel wrote wrong, also where it would have been zero', async () => {
    // Exactly zero everywhere, so that memory which is only cleared would agree.
    const zero = cellOf('relu(-1 - x * x - d * d) * a * h');
    const report = await checkOne(zero, { T: 3, B: 2, H: 5 }, idle(device));
    expect(report.verdict).toBe('wrong');
    const { mismatch } = report.tensors.find(({ name }) => name === 'outputs.h') ?? {};
    expect(mismatch).toMatch(/^no kernel wrote 30 of its 30 numbers, the first at step 0, sequence 0, unit 0: this is a defect/);
  });

  it('sees a unit that is wholly wrong behind larger ones, and names it', async () => {
    const gain = (small: string) => `x * d * (index('H') < 1 ? ${small} : 1) + a * h`;
    const broken = differingTrees(sourceOf(cellOf(gain('1e-7'))), sourceOf(cellOf(gain('2e-7'))));
    const report = await checkOne(broken, { T: 1, B: 2, H: 5 });
    expect(report.verdict).toBe('wrong');
    const wrong = report.tensors.filter(({ ok }) => !ok);
    expect(wrong.map(({ name }) => name)).toEqual(['gradients.inputs.x', 'gradients.inputs.d']);
    for (const { error, mismatch } of wrong) {
      expect(error).toBeLessThan(1e-6);
      expect(mismatch).toMatch(/^unit 0 is off by \d\.\de-\d and \d\.\de-\d in size, which the larger ones beside it hide/);
    }
  });

  it('takes other data where float32 cannot hold the results, and holds them to the same tolerance', async () => {
    // Of a high frequency float32 keeps few digits: as many as the phase leaves.
    const report = await checkOne(cellOf('sin(200 * x) + a * h + d'), { T: 1, B: 1, H: 1 });
    expect(report).toMatchObject({ verdict: 'agrees', ok: true, draws: { taken: 2, replaced: 1 } });
    expect(report.worst).toBeLessThan(1e-5);
  });

  it('draws smaller numbers where those drawn grew beyond float32, as they do in a recurrence that nothing bounds', async () => {
    const report = await checkOne(cellOf('2 * h * h + a * x + 0.01 * d'), { T: 30, B: 3, H: 5 });
    expect(report).toMatchObject({ verdict: 'agrees', ok: true });
    expect(report.draws.replaced).toBeGreaterThan(2);
    expect(report.worst).toBeGreaterThan(0);
  });

  it('cannot judge where float32 keeps none of the digits', async () => {
    const report = await checkOne(cellOf('sin(70001 * x) + a * h + d'), { T: 2, B: 2, H: 5 });
    expect(report).toMatchObject({ verdict: 'cannot be judged', ok: false, counts: true, losses: { causes: [], underflow: 0 } });
    expect(report.draws.replaced).toBe(9);
    expect(report.tensors.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([
      'outputs.h',
      'state.h',
      'gradients.inputs.x',
      'gradients.params.a',
    ]);
    expect(report.reason).toMatch(/^float32 keeps too few digits of \S+: rounding alone changes it by \d\.\de-\d of its size$/);
  });

  it('cannot judge numbers that are not numbers, and says what made them and where', async () => {
    const report = await checkOne(cellOf('log(-1 - h * h) + x * a / d'), { T: 3, B: 1, H: 2 });
    expect(report).toMatchObject({ verdict: 'cannot be judged', ok: false });
    expect(report.losses?.causes[0]).toMatchObject({ what: '`log` of a number below 0', step: 0, count: 2, place: { line: 3 } });
    expect(report.reason).toContain('`log` of a number below 0 (first at step 0, line.cell.ts:3)');
    expect(report.advice).toContain('range: [');
  });

  it('blames the operation that lost a number, not the slopes that are made of it', async () => {
    const report = await checkOne(cellOf('log(-1 - h * h) * a + x * d'), { T: 2, B: 1, H: 2 });
    expect(report.losses?.causes.map(({ what }) => what)).toEqual(['`log` of a number below 0']);
  });

  it('advises what can help: no range where all are declared, and none where nothing drawn has a part in it', async () => {
    const judged = (range: string, next: string) =>
      checkOne(
        parseCellSource(
          'advice.cell.ts',
          `import { cell, log, vec } from 'recurve';
          export default cell({ name: 'advice', dims: ['H'], inputs: { x: vec('H'${range}) }, state: { h: vec('H'${range}) }, params: {},
            step({ x }, { h }, _, { t }) { return { h: ${next} }; } });`,
        ),
        { T: 3, B: 1, H: 2 },
      );
    const ranged = ', { range: [-2, -1] }';
    const fixed = await judged('', '0.1 * h + x * log(t - 9)');
    expect(fixed.losses?.causes.every((cause) => cause.fixed)).toBe(true);
    expect(fixed.advice).toMatch(/^Nothing that is drawn changes that: .* Change that line\.$/);
    expect((await judged(ranged, '0.1 * h + log(x)')).advice).toMatch(/change the ranges that the cell declares/);
    expect((await judged('', '0.1 * h + log(-x * x)')).advice).toMatch(/say what may be drawn/);
  });

  it('cannot judge numbers that float32 takes for zero', async () => {
    const report = await checkOne(cellOf('1e-30 * x * d * a * h'), { T: 3, B: 2, H: 5 });
    expect(report).toMatchObject({ verdict: 'cannot be judged', losses: { causes: [] } });
    expect(report.losses?.underflow).toBeGreaterThan(0);
    expect(report.reason).toMatch(/below 1\.2e-38, the smallest of float32 \(underflow\)$/);
  });

  it('calls no kernel wrong for a division by what is drawn', async () => {
    const reports = await checkCell(device, cellOf('x / d + a * h'), { options: {} });
    expect(reports.map(({ verdict }) => verdict)).not.toContain('wrong');
    expect(reportCell('line', reports).verdict).toBe('agrees');
  });

  it('does not hold it against a cell that one normalized unit is nothing', async () => {
    const normalized = cellOf('layerNorm(x * d + h, a, a)');
    const one = await checkOne(normalized, { T: 2, B: 2, H: 1 });
    expect(one.verdict).not.toBe('wrong');
    const many = await checkOne(normalized, { T: 2, B: 2, H: 9 });
    expect(many.verdict).toBe('agrees');
    expect(reportCell('line', [one, many]).verdict).toBe('agrees');
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

const sourceOf = (tree: CellTree) => (tree.sources[tree.span.file] ?? []).join('\n');

/** The same device, on which no kernel ever runs. */
function idle(device: RecurveDevice): RecurveDevice {
  const wrap = <T extends object>(target: T, replaced: Partial<Record<keyof T, unknown>>): T =>
    new Proxy(target, {
      get(object, name) {
        if (name in replaced) return replaced[name as keyof T];
        const member: unknown = Reflect.get(object, name, object);
        return typeof member === 'function' ? member.bind(object) : member;
      },
    });
  const gpu = device.device;
  const createCommandEncoder = (descriptor?: GPUCommandEncoderDescriptor) => {
    const encoder = gpu.createCommandEncoder(descriptor);
    const beginComputePass = () => wrap(encoder.beginComputePass(), { dispatchWorkgroups: () => {} });
    return wrap(encoder, { beginComputePass });
  };
  return { ...device, device: wrap(gpu, { createCommandEncoder }) };
}

/** A tree whose `step` is the second source's for the reference and the first's for everybody else. */
function differingTrees(compiled: string, interpreted: string): CellTree {
  const first = parseCellSource('mine.cell.ts', compiled);
  const second = parseCellSource('mine.cell.ts', interpreted);
  const fromReference = () => new Error().stack?.includes('/runtime/reference/') === true;
  return Object.defineProperty({ ...first }, 'step', { get: () => (fromReference() ? second.step : first.step) });
}
