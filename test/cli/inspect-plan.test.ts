/** `inspect --stage plan` with and without a roofline of the machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PassSpec } from '../../codegen/plan.js';
import { openDevice } from '../../runtime/device/index.js';
import { keepRoofline, type Prediction, type RooflineRecord, recordOf } from '../../runtime/roofline/index.js';
import { ownCache } from '../roofline/cache.js';
import { RATES } from '../roofline/rooflines.js';
import { documentOf, recurve } from './harness.js';

const cache = ownCache();
const PLAN = ['inspect', 'gru', '--stage', 'plan', '--dims', 'T=64,B=1,I=64,H=64'];
const SWIFTSHADER = ['--adapter', 'swiftshader'];

interface PlanDocument {
  readonly target: string;
  readonly passes: readonly (PassSpec & {
    readonly intensity: number;
    readonly predictedMs?: number;
    readonly partsMs?: Prediction['parts'];
    readonly bound?: Prediction['bound'];
    readonly roofMs?: number;
  })[];
  readonly roofline: object | null;
  readonly predictedMs?: { readonly forward: number; readonly backward: number };
  readonly told?: readonly string[];
}
const plan = async (...more: string[]) => documentOf(await recurve([...PLAN, ...more, '--json'])) as PlanDocument;

async function keepOne(change: Partial<RooflineRecord> = {}): Promise<string> {
  const device = await openDevice('swiftshader');
  device.close();
  return (await keepRoofline({ ...recordOf(device, RATES), ...change })) ?? '';
}

it('without one says the intensity of every pass, and in one line how to get the rest', async () => {
  const { stdout } = await recurve(PLAN);
  expect(stdout).toMatch(/^pass .* FLOP\/B$/m);
  expect(stdout).toContain('for the generic target');
  expect(stdout).toContain('Each pass has a predicted time once `recurve doctor --roofline` has measured this machine.\n');
  const own = await recurve([...PLAN, ...SWIFTSHADER]);
  expect(own.stdout).toContain('`recurve doctor --roofline --adapter swiftshader`');
  const document = await plan();
  expect(document).toMatchObject({ target: 'generic', roofline: null });
  for (const { intensity, flops, bytesRead, bytesWritten, predictedMs } of document.passes) {
    expect(intensity).toBeCloseTo(flops / (bytesRead + bytesWritten));
    expect(predictedMs).toBeUndefined();
  }
});

it('with one says the machine, and for every pass the time and what bounds it', async () => {
  await keepOne();
  for (const more of [[], SWIFTSHADER]) {
    const { stdout } = await recurve([...PLAN, ...more]);
    expect(stdout).toMatch(/^pass .* FLOP\/B +predicted ms +bound by$/m);
    expect(stdout).toMatch(/^forward_loop .* resident .* \d+\.\d+ +(compute|memory|dispatch|barrier)$/m);
    expect(stdout).toMatch(
      /^for the adapter SwiftShader .*, by its roofline of \d{4}-\d\d-\d\d: [\d.]+ ms forward, [\d.]+ ms backward/m,
    );
    expect(stdout).not.toContain('generic target');
    const document = await plan(...more);
    expect(document.target).toMatch(/^SwiftShader/);
    expect(document.roofline).toMatchObject({ adapter: { kind: 'swiftshader' }, processor: expect.any(String) });
    for (const { predictedMs, partsMs: parts, bound, roofMs = 0 } of document.passes) {
      if (parts === undefined || bound === undefined) throw new Error('a pass has no prediction');
      expect(roofMs).toBeLessThanOrEqual(predictedMs ?? 0);
      expect(predictedMs).toBeCloseTo(Math.max(parts.compute, parts.memory) + parts.dispatch + parts.barrier);
      expect(parts[bound]).toBe(Math.max(...Object.values(parts)));
    }
    const forward = document.passes.filter(({ direction }) => direction === 'forward');
    expect(document.predictedMs?.forward).toBeCloseTo(forward.reduce((sum, { predictedMs = 0 }) => sum + predictedMs, 0));
    // A step of one sequence of 64 units on one workgroup: it waits once a step, 0.5 µs.
    const loop = document.passes.find(({ name }) => name === 'forward_loop');
    expect(loop).toMatchObject({ strategy: 'resident', partsMs: { barrier: expect.closeTo(0.032, 6) } });
  }
});

it('compiles the same for the machine whose roofline was kept as for its adapter', async () => {
  await keepOne();
  expect((await plan()).passes).toEqual((await plan(...SWIFTSHADER)).passes);
});

it('tells of one that counts for nothing', async () => {
  const path = await keepOne({ recurve: '0.0.1' });
  const said = `${path} was measured with recurve 0.0.1, and now it is`;
  expect((await recurve(PLAN)).stdout).toContain(said);
  expect((await recurve([...PLAN, ...SWIFTSHADER])).stdout).toContain(said);
  expect((await plan()).told).toEqual([expect.stringContaining(said)]);
  mkdirSync(join(cache(), 'recurve/roofline'), { recursive: true });
  writeFileSync(path, '{');
  expect((await recurve(PLAN)).stdout).toContain(`${path} is damaged: it counts for nothing.`);
});

it('predicts models, too', async () => {
  await keepOne();
  const ran = await recurve(['inspect', 'stack', '--dims', 'T=4,B=2,I=3,H=4']);
  expect(ran.stdout).toMatch(/^pass .* predicted ms +bound by$/m);
  expect(ran.stdout).toContain('by its roofline of');
});
