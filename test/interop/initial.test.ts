import { describe, expect, it } from 'vitest';
import { initialText, type RunRequest, startOf } from '../../runtime/interop/index.js';

const request = (sequences: number, more: Partial<RunRequest> = {}): RunRequest => ({
  options: {},
  inputs: { x: { shape: [3, sequences, 1], data: new Float32Array(3 * sequences) } },
  state: {},
  ...more,
});
const tensor = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });

describe('the state and lengths that a file of weights gives', () => {
  it('repeats the state of one sequence for every one of the data', () => {
    const { state } = startOf(request(3), { state: { h: tensor([1, 2], 5, 6) } }, 'w');
    expect(state).toEqual({ h: tensor([3, 2], 5, 6, 5, 6, 5, 6) });
  });

  it('takes the state of many sequences for as many, and refuses another number', () => {
    const initial = { state: { h: tensor([2, 2], 1, 2, 3, 4) } };
    expect(startOf(request(2), initial, 'w').state).toEqual(initial.state);
    expect(() => startOf(request(3), initial, 'w')).toThrow('w has the state.h of 2 sequences, but the data has 3');
    const own = { h: tensor([3, 2], 9, 9, 9, 9, 9, 9) };
    expect(startOf(request(3, { state: own }), initial, 'w').state).toEqual(own);
  });

  it('takes lengths where the data has none, and refuses those of another number of sequences', () => {
    const initial = { state: {}, lengths: [3, 0] };
    expect(startOf(request(2), initial, 'w').lengths).toEqual([3, 0]);
    expect(startOf(request(2, { lengths: [1, 2] }), initial, 'w').lengths).toEqual([1, 2]);
    expect(startOf(request(1, { lengths: [1] }), initial, 'w').lengths).toEqual([1]);
    expect(() => startOf(request(1), initial, 'w')).toThrow('w has the lengths of 2 sequences, but the data has 1');
    expect(startOf(request(1), { state: {} }, 'w')).not.toHaveProperty('lengths');
  });

  it('is told in one line, where there is any', () => {
    expect(initialText({ state: {} })).toBeUndefined();
    expect(initialText({ state: { h: tensor([1, 1], 1) }, lengths: [1] })).toBe(
      'state.h and lengths come from the weights wherever the data leaves them out',
    );
  });
});
