/** Plans within a budget of device memory. */
import { describe, expect, it } from 'vitest';
import { compile, compileWithin, deviceBytes, resolveOptions, segmentsIn } from '../../codegen/index.js';
import type { Plan } from '../../codegen/plan.js';
import { builtIn } from '../conformance/compare-cell.js';
import { TARGET } from './target.js';

const tree = builtIn('lstm');
const options = resolveOptions(tree, {});
const request = { options, sizes: { T: 300, B: 2, I: 3, H: 5 }, gradients: true, target: TARGET };
const whole = compile(tree, request);
const bytes = deviceBytes(whole);

/** The plan for so many segments. */
const cut = (count: number, asked = request): Plan =>
  compile(tree, { ...asked, sizes: { ...asked.sizes, T: Math.ceil(asked.sizes.T / count) }, segmentsOf: asked.sizes.T });

describe('a budget of memory', () => {
  it('that holds the whole sequences changes nothing', () => {
    expect(compileWithin(tree, request, bytes)).toEqual(whole);
    expect(segmentsIn(whole)).toBe(1);
  });

  it.each([bytes - 1, bytes / 2, bytes / 7, bytes / 10])('is met by as few segments as can be: %d', (memory) => {
    const plan = compileWithin(tree, request, memory);
    const count = segmentsIn(plan);
    expect(count).toBeGreaterThan(1);
    expect(deviceBytes(plan)).toBeLessThanOrEqual(memory);
    expect(deviceBytes(cut(count - 1))).toBeGreaterThan(memory);
    expect(plan.segments).toMatchObject({ steps: Math.ceil(300 / count), whole: 300 });
  });

  it('that is too small is refused with one that would do, near the least there is', () => {
    const refused = (memory: number) => {
      try {
        return compileWithin(tree, request, memory);
      } catch (error) {
        return error as Error;
      }
    };
    const said = refused(100);
    expect(said).toMatchObject({ code: 'MEMORY-LEAST' });
    const least = Number(/needs (\d+) bytes/.exec((said as Error).message)?.[1]);
    expect(deviceBytes(refused(least) as Plan)).toBe(least);
    expect(refused(least - 1)).toMatchObject({ code: 'MEMORY-LEAST' });
    const all = Array.from({ length: 60 }, (_, count) => deviceBytes(cut(count + 2)));
    expect(least).toBeLessThan(1.02 * Math.min(...all));
  });

  it('cuts what no single buffer of the adapter would hold, and needs no checkpoints to go forward alone', () => {
    const small = { ...request, target: { ...TARGET, maxBindingBytes: 2 ** 13 } };
    expect(() => compile(tree, small)).toThrow(expect.objectContaining({ code: 'LIMIT-BUFFER' }));
    expect(segmentsIn(compileWithin(tree, small, bytes))).toBeGreaterThan(1);
    const forward = compileWithin(tree, { ...request, gradients: false }, 20_000);
    expect(segmentsIn(forward)).toBeGreaterThan(1);
    expect(deviceBytes(forward)).toBeLessThanOrEqual(20_000);
  });

  it('keeps the plans of whole sequences as they are, and tells kernels where segments begin', () => {
    const clockwork = builtIn('clockwork');
    const sizes = { T: 8, B: 2, I: 2, H: 6, G: 3, N: 2 };
    const asked = { options: resolveOptions(clockwork, {}), sizes, gradients: true, target: TARGET };
    const says = (plan: Plan) => plan.kernels.some(({ wgsl }) => wgsl.includes('origin'));
    expect(says(compile(clockwork, asked))).toBe(false);
    expect(says(compile(clockwork, { ...asked, segmentsOf: 80 }))).toBe(true);
  });
});
