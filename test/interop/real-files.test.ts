/**
 * Files that Keras and PyTorch wrote, against the outputs that they computed with them: `fixtures/README.md` says how both
 * were made.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { bindRequest, openTensorFile, weightsOf } from '../../runtime/interop/index.js';
import { runReference } from '../../runtime/reference/index.js';

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const { x, outputs } = JSON.parse(read('outputs.json').toString()) as {
  x: { shape: number[]; data: number[] };
  outputs: Record<string, { data: number[]; prefix?: string }>;
};

describe('a file as its framework wrote it', () => {
  it.each(Object.entries(outputs))('%s gives the outputs that the framework computed', async (name, { data, prefix }) => {
    const { cell = '', options, reverse, weights } = weightsOf(await openTensorFile(read(name), name), { prefix });
    const tree = parseCell(`kernels/cells/${cell}.cell.ts`);
    const signature = resolveSignature(tree, resolveOptions(tree, options));
    const inputs = { x: { shape: x.shape, data: Float32Array.from(x.data) } };
    const request = { options: signature.options, inputs, state: {}, weights, reverse };
    const bound = bindRequest(request, { signature, outputs: { h: [options.projection === true ? 'P' : 'H'] } });
    const h = runReference(tree, signature, bound.sizes, bound.data).outputs.h?.data ?? [];
    expect(h.length).toBe(data.length);
    data.forEach((value, k) => {
      expect(h[k]).toBeCloseTo(value, 5);
    });
  });

  it('that holds a whole model of classes is refused by their names, never executed', async () => {
    await expect(openTensorFile(read('whole-model.pt'), 'whole-model.pt')).rejects.toMatchObject({
      code: 'WEIGHTS-FILE',
      message: expect.stringContaining('torch.nn.modules.'),
      fix: expect.stringContaining('safetensors.torch'),
    });
  });

  it.each(Object.keys(outputs))('%s, cut short anywhere, is refused', async (name) => {
    const whole = read(name);
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const cut = whole.subarray(0, Math.floor(whole.length * part));
      const reading = (async () => weightsOf(await openTensorFile(cut, name), { prefix: outputs[name]?.prefix }))();
      await expect(reading, `${part}`).rejects.toMatchObject({ name: 'RecurveError', exitCode: 2 });
    }
  });
});
