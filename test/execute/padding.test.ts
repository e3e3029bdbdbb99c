import { describe, expect, it } from 'vitest';
import type { Plan, TensorSlot } from '../../codegen/plan.js';
import { pad, unpad } from '../../runtime/memory/copy.js';
import { type PlacedTensor, placeTensors } from '../../runtime/memory/slots.js';

function placed(path: string, shape: number[], padded: number[]): PlacedTensor {
  const slot: TensorSlot = { buffer: 'pool', offset: 0, shape, padded };
  const { given, results } = placeTensors({ tensors: { [path]: slot } } as Partial<Plan> as Plan);
  const [tensor] = [...given, ...results];
  if (!tensor) throw new Error('nothing placed');
  return tensor;
}

const counting = (count: number) => Float32Array.from({ length: count }, (_, index) => index + 1);
const dirty = (count: number) => new Float32Array(count).fill(9);
const extent = (steps: number, lengths: readonly number[], reverse = false) => {
  return { along: { T: { steps, lengths } }, batch: lengths.length, reverse };
};
const forward = extent(2, [2, 2]);

describe('padding', () => {
  it('puts a matrix into both padded axes and leaves zeros around it', () => {
    const tensor = placed('params.W', [3, 2], [4, 4]);
    const padded = dirty(16);
    pad(tensor, counting(6), padded, forward);
    expect([...padded]).toEqual([1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0]);
    expect([...unpad(tensor, padded, forward)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('gives a scalar four words, the number first', () => {
    const tensor = placed('params.k', [], [4]);
    const padded = dirty(4);
    pad(tensor, counting(1), padded, forward);
    expect([...padded]).toEqual([1, 0, 0, 0]);
    expect([...unpad(tensor, padded, forward)]).toEqual([1]);
  });

  it('leaves alone what the staging array holds beyond the tensor', () => {
    const padded = dirty(6);
    pad(placed('params.b', [3], [4]), counting(3), padded, forward);
    expect([...padded]).toEqual([1, 2, 3, 0, 9, 9]);
  });

  it('keeps the order of axes for states of rank two', () => {
    const tensor = placed('state.S', [2, 2, 3], [2, 4, 4]);
    const padded = dirty(32);
    pad(tensor, counting(12), padded, forward);
    expect([...padded.slice(16, 24)]).toEqual([7, 8, 9, 0, 10, 11, 12, 0]);
    expect([...padded.slice(8, 16)]).toEqual(Array(8).fill(0));
    expect([...unpad(tensor, padded, forward)]).toEqual([...counting(12)]);
  });

  it('orders a reversed ragged sequence by step and back, what lies past its end as it is', () => {
    const tensor = placed('inputs.x', [3, 2, 1], [3, 2, 4]);
    const turned = extent(3, [3, 2], true);
    const padded = dirty(24);
    pad(tensor, counting(6), padded, turned);
    const units = [...padded].filter((_, index) => index % 4 === 0);
    expect(units).toEqual([5, 4, 3, 2, 1, 6]);
    expect([...padded].filter((_, index) => index % 4 !== 0)).toEqual(Array(18).fill(0));
    expect([...unpad(tensor, padded, turned)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes inputs of one number a step, and a padded batch', () => {
    const tensor = placed('inputs.x', [2, 2], [2, 4]);
    const padded = dirty(8);
    pad(tensor, counting(4), padded, extent(2, [2, 1]));
    expect([...padded]).toEqual([1, 2, 0, 0, 3, 4, 0, 0]);
  });
});
