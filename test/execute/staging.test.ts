import { describe, expect, it } from 'vitest';
import type { Plan, TensorSlot } from '../../codegen/plan.js';
import { placeTensors } from '../../runtime/memory/slots.js';
import { createUploader } from '../../runtime/memory/upload.js';
import { runningSumPlan } from './running-sum.js';

describe('the staging array that all tensors go through', () => {
  it.each([1, 2, 3, 4, 5, 7, 8])('holds nothing of another run or tensor where a tensor of %d units is left out', (H) => {
    const bare = runningSumPlan({ T: 2, B: 3, H });
    // Before each tensor one that fills the array: the last word of most others is padding, and zero anyway.
    const full = (index: number): [string, TensorSlot] => [
      `params.full${index}`,
      { buffer: 'given', offset: 10_000 + 64 * index, shape: [64], padded: [64] },
    ];
    const plan: Plan = {
      ...bare,
      tensors: Object.fromEntries(Object.entries(bare.tensors).flatMap((entry, index) => [full(index), entry])),
    };
    const { given } = placeTensors(plan);
    const written = new Map<number, number[]>();
    const queue = {
      writeBuffer(_: object, at: number, words: ArrayLike<number>, from = 0, count = words.length) {
        written.set(at, Array.from(words).slice(from, from + count));
      },
    };
    const buffers = new Map(plan.buffers.map(({ name }) => [name, {} as GPUBuffer]));
    const uploader = createUploader({ queue } as unknown as GPUDevice, plan, buffers, given);
    const extent = { along: { T: { steps: 2, lengths: [2, 2, 2] } }, batch: 3, reverse: false };
    const leftOut = ['state.h', 'cotangents.outputs.h', 'cotangents.state.h'];
    const of = (path: string) => {
      const slot = plan.tensors[path];
      return written.get((slot?.offset ?? -1) * 4);
    };
    const upload = (source: (path: string, elements: number) => Float32Array | number) => {
      for (const tensor of given) {
        const elements = tensor.slot.shape.reduce((product, size) => product * size, 1);
        uploader.tensor(tensor, source(tensor.path, elements), extent);
      }
    };
    upload((_, elements) => new Float32Array(elements).fill(9));
    for (const path of leftOut)
      expect(of(path)?.filter((word) => word === 9).length).toBe((path.includes('outputs') ? 6 : 3) * H);
    upload((path, elements) => (leftOut.includes(path) ? 0 : new Float32Array(elements).fill(9)));
    for (const path of leftOut) {
      const padded = plan.tensors[path]?.padded.reduce((a, b) => a * b, 1);
      expect(of(path), path).toEqual(Array(padded).fill(0));
    }
  });
});
