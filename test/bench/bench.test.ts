import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBench } from '../../bench/bench.js';
import { countDispatches } from '../../bench/plan-costs.js';
import { SHAPES, sizesFor } from '../../bench/suites.js';
import { compile, parseCell, parseSpec, resolveOptions, resolveSignature, resolveSpec } from '../../codegen/index.js';
import type { LoopStrategy, Sizes } from '../../codegen/plan.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';

const EFFORT = { warmups: 1, minRounds: 2, maxRounds: 2, budget: 0 };
const SIZES = { T: 5, B: 3, I: 7, H: 6 };
const cellOf = (name: string) => parseCell(new URL(`../../kernels/cells/${name}.cell.ts`, import.meta.url).pathname);
const modelOf = (name: string) => parseSpec(new URL(`../../kernels/models/${name}.model.ts`, import.meta.url).pathname);

describe('runBench', () => {
  let device: RecurveDevice;
  beforeAll(async () => {
    device = await openDevice('auto', { purpose: 'bench' });
  });
  afterAll(() => device?.close());

  it('reports times, dispatches and a peer that computes the same numbers', async () => {
    const tree = cellOf('lstm');
    const lines: string[] = [];
    const report = await runBench({
      device,
      cases: [{ tree, options: resolveOptions(tree, {}), sizes: SIZES }],
      against: ['tfjs-webgpu'],
      effort: EFFORT,
      onProgress: (line) => lines.push(line),
    });
    const time = expect.any(Number);
    const timing = { median: time, min: time, mean: time, deviation: time, samples: EFFORT.maxRounds };
    const timings = { forward: timing, forwardBackward: timing };
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      versions: {
        recurve: expect.stringMatching(/^\d/),
        webgpu: expect.stringMatching(/^\d/),
        node: process.versions.node,
      },
      adapter: { name: device.adapter.name },
      results: [
        {
          cell: 'lstm',
          dims: SIZES,
          strategy: 'resident',
          bytes: time,
          forwardMs: time,
          forwardBackwardMs: time,
          timings,
          compileMs: time,
          dispatches: { forward: time, backward: time },
          peers: { 'tfjs-webgpu': { forwardMs: time, forwardBackwardMs: time, timings } },
        },
      ],
    });
    const { forwardMs, timings: measured } = report.results[0] ?? {};
    expect(measured?.forward.median).toBe(forwardMs);
    expect(measured?.forward.min).toBeLessThanOrEqual(forwardMs ?? 0);
    const peer = report.results[0]?.peers['tfjs-webgpu'];
    expect(peer && 'difference' in peer ? peer.difference : undefined).toBeLessThan(1e-4);
    expect(lines.length).toBeGreaterThan(3);
    device.check();
  });

  it('times a peer that has no gradients forward alone, or says how to install it', async () => {
    const tree = cellOf('gru');
    const cases = [{ tree, options: resolveOptions(tree, {}), sizes: SIZES }];
    const { results } = await runBench({ device, cases, against: ['onnxruntime'], effort: EFFORT });
    const peer = results[0]?.peers.onnxruntime;
    if (peer === undefined || 'unavailable' in peer) {
      expect(peer?.unavailable).toMatch(/^it is not installed; .*npm install .*onnxruntime-node$/);
      return;
    }
    expect(peer.difference).toBeLessThan(1e-4);
    expect(peer.ratio).toEqual({ forward: peer.forwardMs / (results[0]?.forwardMs ?? 0) });
    expect([peer.forwardBackwardMs, Object.keys(peer.timings)]).toEqual([undefined, ['forward']]);
  });

  it('adds one dispatch a phase and step, and nothing else, when a sequence is longer', () => {
    const tree = cellOf('lstm');
    const plansFor = (sizes: Sizes, strategy: LoopStrategy) =>
      compile(tree, { options: resolveOptions(tree, {}), sizes, gradients: true, target: device.target, strategy });
    const [short, long] = [4, 9].map((T) => {
      const sizes = { ...SIZES, T };
      return plansFor(sizes, 'stepwise');
    });
    const walked = [4, 9].map((T) => countDispatches(plansFor({ ...SIZES, T }, 'resident').forward));
    expect(walked[0]).toBe(walked[1]);
    expect(countDispatches(long?.forward ?? []) - countDispatches(short?.forward ?? [])).toBe(5);
    expect(countDispatches(long?.backward ?? []) - countDispatches(short?.backward ?? [])).toBe(5);
  });

  it('leaves loops as the compiler has them that do not allow what is asked for, and refuses what none allows', async () => {
    const caseOf = (name: string) => {
      const tree = cellOf(name);
      return { tree, options: resolveOptions(tree, {}), sizes: SIZES };
    };
    const scanned = (name: string) => runBench({ device, cases: [caseOf(name)], strategies: ['scan'], effort: EFFORT });
    const loops = { forward_loop: 'thread', backward_loop: 'scan' };
    const { results } = await scanned('indrnn');
    expect(results).toMatchObject([{ strategy: 'scan', loops, chosen: false, dispatches: { forward: 3 } }]);
    await expect(scanned('lstm')).rejects.toMatchObject({ code: 'STRATEGY-REFUSED' });
  });

  it('times every strategy that a loop allows once, and peers beside the cases that want them alone', async () => {
    const tree = cellOf('gru');
    const one = { tree, options: resolveOptions(tree, { reset: 'before' }), sizes: SIZES };
    const lines: string[] = [];
    const { results } = await runBench({
      device,
      cases: [one, { ...one, sizes: { ...SIZES, T: 2 }, peers: 'none' }],
      strategies: ['every', 'stepwise'],
      against: ['tfjs-webgpu'],
      effort: EFFORT,
      onProgress: (line) => lines.push(line),
    });
    expect(results.map(({ dims, strategy, peers }) => [dims.T, strategy, Object.keys(peers)])).toEqual([
      [5, 'resident', ['tfjs-webgpu']],
      [5, 'stepwise', ['tfjs-webgpu']],
      [2, 'resident', []],
      [2, 'stepwise', []],
    ]);
    expect(lines).toContain('[2/2] gru T=2 B=3: compiling');
  });

  it('times a model on symbols, of which each step hears what the one before said', async () => {
    const tree = modelOf('generator');
    const options = resolveOptions(tree, { hears: 'said', cell: 'rnn' });
    const sizes = { T: 3, B: 2, V: 5, E: 3, H: 4 };
    const { results } = await runBench({ device, cases: [{ tree, options, sizes }], effort: EFFORT });
    expect(results).toMatchObject([{ cell: 'generator', options, dims: sizes, forwardMs: expect.any(Number) }]);
    device.check();
  });

  it('runs without a peer where the peer has no such layer', async () => {
    const tree = cellOf('rnn');
    const options = resolveOptions(tree, { activation: 'leakyRelu' });
    const { results } = await runBench({
      device,
      cases: [{ tree, options, sizes: SIZES }],
      against: ['tfjs-webgpu'],
      effort: EFFORT,
    });
    expect(results[0]?.peers).toEqual({ 'tfjs-webgpu': { unavailable: 'Keras has no activation leakyRelu' } });
  });
});

describe('a spec of the same name', () => {
  const NAMESAKE = `import { cell, choice, mat, matvec, tanh, vec } from 'recurve';
export default cell({
  name: 'rnn',
  options: { activation: choice('tanh') },
  dims: ['I', 'H'],
  inputs: { x: vec('I') },
  state: { h: vec('H') },
  params: { W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') },
  step: ({ x }, { h }, p) => ({ h: tanh(matvec(p.W, x) + matvec(p.U, h) - p.b) }),
});
`;
  const MODEL = `import { layer, model, over, vec } from 'recurve';
export default model({
  name: 'stack',
  dims: ['I', 'H'],
  inputs: { x: over('T', vec('I')) },
  layers: { low: layer('rnn') },
  run: ({ x }, { low }) => ({ y: low({ x }).h }),
});
`;

  it('that computes something else has no peer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'recurve-bench-'));
    const device = await openDevice('auto', { purpose: 'bench' });
    try {
      writeFileSync(join(folder, 'rnn.cell.ts'), NAMESAKE);
      writeFileSync(join(folder, 'stack.model.ts'), MODEL);
      const trees = ['rnn.cell.ts', 'stack.model.ts'].map((file) => parseSpec(join(folder, file)));
      const cases = trees.map((tree) => ({ tree, options: resolveOptions(tree, {}), sizes: SIZES }));
      const { results } = await runBench({ device, cases, against: ['tfjs-webgpu'], effort: EFFORT });
      expect(results.map(({ peers }) => peers['tfjs-webgpu'])).toEqual([
        { unavailable: expect.stringMatching(/^it computes other numbers: they differ from ours by \d/) },
        { unavailable: 'this stack takes other tensors than the built-in model of its name' },
      ]);
    } finally {
      device.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('sizesFor', () => {
  it('gives every dim of a cell the width of a shape, unless told otherwise', () => {
    const [batch] = SHAPES;
    const tree = cellOf('gru');
    const gru = resolveSignature(tree, resolveOptions(tree, {}));
    expect(batch && sizesFor(gru, batch, { I: 10 })).toEqual({ T: 64, B: 32, I: 10, H: 128 });
  });

  it('gives every time axis of a model the steps of a shape, and what follows from its dims', () => {
    const [batch] = SHAPES;
    const sizes = (name: string, given: Sizes) => {
      const tree = modelOf(name);
      return batch && sizesFor(resolveSpec(tree, resolveOptions(tree, {})), batch, given);
    };
    expect(sizes('translator', { S: 9 })).toEqual({ S: 9, T: 64, B: 32, V: 128, K: 128, E: 128, H: 128 });
    expect(sizes('tagger', { H: 10 })).toEqual({ T: 64, B: 32, I: 128, H: 10, K: 128, D: 20 });
  });
});
