import { describe, expect, it } from 'vitest';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { compile } from '../../codegen/index.js';
import type { Target } from '../../codegen/plan.js';
import { builtIn, fromText, prepare } from '../conformance/compare-cell.js';

const TARGET: Target = {
  subgroup: 8,
  software: true,
  broadcasts: false,
  maxBufferBytes: 2 ** 30,
  maxBindingBytes: 2 ** 27,
  maxWorkgroupsPerDimension: 65_535,
  maxStorageBuffers: 8,
  maxKernelInstructions: 4000,
  maxDispatchWork: 2 ** 28,
};

function plan(name: string, given: Readonly<Record<string, OptionValue>> = {}, target = TARGET) {
  const { tree, options, sizes } = prepare(builtIn(name), { T: 64, B: 32, I: 128, H: 128, P: 64 }, given);
  return compile(tree, { options, sizes, gradients: true, target });
}

/** `forward loop ×64` for every pass. */
const passes = (name: string, given?: Readonly<Record<string, OptionValue>>) =>
  plan(name, given).passes.map((pass) => `${pass.name} ×${pass.dispatches}`);

describe('plan', () => {
  it('an LSTM costs one dispatch a step in each direction and one pass for each product outside the loop', () => {
    expect(passes('lstm')).toMatchInlineSnapshot(`
      [
        "pack_weights_0 ×1",
        "forward_before_0_H ×1",
        "forward_loop_0_H ×64",
        "backward_empty_all_0_I ×1",
        "backward_empty_step_0_H ×1",
        "backward_loop_0_H ×64",
        "backward_initial_0_H ×1",
        "backward_after_0_I ×1",
        "backward_weights_0_H_I ×1",
        "backward_weights_1_H_H ×1",
        "backward_sums_0_H ×1",
      ]
    `);
  });

  it('a GRU with the reset before the product costs two dispatches a step', () => {
    expect(passes('gru', { reset: 'before' })).toMatchInlineSnapshot(`
      [
        "pack_weights_0 ×1",
        "forward_before_0_H ×1",
        "forward_loop_0_H ×64",
        "forward_loop_1_H ×64",
        "backward_empty_all_0_I ×1",
        "backward_empty_step_0_H ×1",
        "backward_loop_0_H ×64",
        "backward_loop_1_H ×64",
        "backward_initial_0_H ×1",
        "backward_after_0_I ×1",
        "backward_weights_0_H_I ×1",
        "backward_weights_1_H_H ×1",
        "backward_sums_0_H ×1",
      ]
    `);
  });

  it('a lane sums sixteen rows of a weight gradient on a processor, eight elsewhere, and fewer where the rows leave some', () => {
    const perLane = (software: boolean, H: number) => {
      const { tree, options, sizes } = prepare(builtIn('rnn'), { T: 4, B: 2, I: 8, H }, {});
      const { passes } = compile(tree, { options, sizes, gradients: true, target: { ...TARGET, software } });
      return H / (passes.find(({ name }) => name === 'backward_weights_0_H_I')?.workgroups[1] ?? 0);
    };
    expect([32, 24, 20].map((H) => perLane(true, H))).toEqual([16, 8, 4]);
    expect([32, 24, 20].map((H) => perLane(false, H))).toEqual([8, 8, 4]);
  });

  it('no kernel binds more than eight storage buffers, whatever the options', () => {
    for (const kernel of plan('lstm', { projection: true, peepholes: true }).kernels) {
      expect(kernel.bindings.length).toBeLessThanOrEqual(8);
    }
  });

  it.each([
    ['the weight gradients multiply', '{ h: tanh(matvec(p.U, h) + 0.5 * x), g: x }', ''],
    ['the gradient of an input contracts', '{ h: tanh(matvec(p.U, h) + matvec(p.U, x)), g: x }', ', { trainable: false }'],
    ['only the gradient of an input reads', '{ h: tanh(x), g: 0.5 * g * h }', ''],
  ])('what a backward step hands over and %s is stored once', (_, next, trainable) => {
    const tree = fromText(`import { cell, mat, matvec, tanh, vec } from 'recurve';
      export default cell({ name: 'once', dims: ['H'], inputs: { x: vec('H') }, state: { h: vec('H'), g: vec('H') },
        params: { U: mat('H', 'H'${trainable}) }, step({ x }, { h, g }, p) { return ${next}; } });`);
    const { options, sizes } = prepare(tree, { T: 5, B: 2, H: 8 });
    const { kernels } = compile(tree, { options, sizes, gradients: true, target: TARGET });
    const loop = kernels.filter(({ name }) => name.startsWith('backward_loop')).map(({ wgsl }) => wgsl);
    const stored = [...loop.join('\n').matchAll(/^ *adjoints\[.*\] = (.*);$/gm)].map(([, value]) => value);
    expect(stored.length).toBeGreaterThan(0);
    expect(new Set(stored).size).toBe(stored.length);
  });

  it('splits a pool where the adapter binds less than it holds', () => {
    const split = plan('lstm', {}, { ...TARGET, maxBindingBytes: 2 ** 22 });
    expect(split.buffers.length).toBeGreaterThan(plan('lstm').buffers.length);
    for (const { bytes } of split.buffers) expect(bytes).toBeLessThanOrEqual(2 ** 22);
  });

  it('names the limit and the size that a tensor exceeds', () => {
    expect(() => plan('lstm', {}, { ...TARGET, maxBindingBytes: 2 ** 16 })).toThrow(
      /needs 1048576 bytes, more than this adapter's maxStorageBufferBindingSize of 65536/,
    );
  });
});

describe('a map of many positions', () => {
  it('keeps within the workgroups that one dimension takes', () => {
    const sizes = { T: 1, B: 1, X: 600, Y: 500, I: 3, H: 7 };
    const { tree, options } = prepare(builtIn('conv-rnn'), sizes);
    const { passes } = compile(tree, { options, sizes, gradients: true, target: { ...TARGET, subgroup: 4 } });
    for (const { workgroups } of passes) expect(Math.max(...workgroups)).toBeLessThanOrEqual(TARGET.maxWorkgroupsPerDimension);
  });
});
