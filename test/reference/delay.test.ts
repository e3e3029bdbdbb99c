import { describe, expect, it } from 'vitest';
import type { Expression } from '../../codegen/frontend/tree.js';
import type { CellData } from '../../runtime/data.js';
import { runReference } from '../../runtime/reference/index.js';
import { add, buildCell, call, give, mul, num, record, s, x } from './build.js';

const sizes = { T: 4, B: 2 };
const sequence = (...values: number[]) => ({ shape: [4, 2], data: Float64Array.from(values) });
/** Sequence 0 is 1 2 3 4, sequence 1 is 10 20 30 40; h starts at 100 and 200, and is then the input. */
const data: CellData = {
  inputs: { x: sequence(1, 10, 2, 20, 3, 30, 4, 40) },
  state: { h: { shape: [2], data: Float64Array.of(100, 200) } },
  params: {},
  reverse: false,
};

function run(y: Expression, choices: Partial<CellData> = {}, next: Expression = x('x')) {
  const { tree, signature } = buildCell({ inputs: { x: [] }, state: { h: [] }, body: [give(record({ h: next, y }))] });
  const ones = { y: sequence(1, 1, 1, 1, 1, 1, 1, 1) };
  const { outputs, gradients } = runReference(tree, signature, sizes, {
    ...data,
    cotangents: { outputs: ones, state: {} },
    ...choices,
  });
  const bySequence = (values: ArrayLike<number> = []) => [0, 1].map((b) => [0, 1, 2, 3].map((t) => values[2 * t + b]));
  return { y: bySequence(outputs.y?.data), dx: bySequence(gradients?.inputs.x?.data), dh: [...(gradients?.state.h?.data ?? [])] };
}

describe('a delayed input', () => {
  it('is the one some steps earlier, and zero before the first', () => {
    expect(run(call('delay', x('x'), num(1)))).toMatchObject({
      y: [
        [0, 1, 2, 3],
        [0, 10, 20, 30],
      ],
      dx: [
        [1, 1, 1, 0],
        [1, 1, 1, 0],
      ],
    });
    expect(run(call('delay', x('x'), num(3))).y).toEqual([
      [0, 0, 0, 1],
      [0, 0, 0, 10],
    ]);
    expect(run(call('delay', x('x'), num(4))).y.flat()).toEqual(new Array(8).fill(0));
  });

  it('is the one earlier in processing where a sequence is reversed, from its own end', () => {
    const { y, dx } = run(call('delay', x('x'), num(1)), { reverse: true, lengths: [2, 4] });
    expect(y).toEqual([
      [2, 0, 0, 0],
      [20, 30, 40, 0],
    ]);
    expect(dx).toEqual([
      [0, 1, 0, 0],
      [0, 1, 1, 1],
    ]);
  });

  it('belongs to its own sequence after others have ended', () => {
    const { y } = run(call('delay', x('x'), num(2)), { lengths: [1, 4] });
    expect(y).toEqual([
      [0, 0, 0, 0],
      [0, 0, 10, 20],
    ]);
  });
});

describe('a delayed state', () => {
  it('is as the step got it: the initial state first, and zero before', () => {
    expect(run(call('delay', s('h'), num(1)))).toEqual({
      y: [
        [0, 100, 1, 2],
        [0, 200, 10, 20],
      ],
      dx: [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
      ],
      dh: [1, 1],
    });
    expect(run(call('delay', s('h'), num(3))).y).toEqual([
      [0, 0, 0, 100],
      [0, 0, 0, 200],
    ]);
  });

  it('belongs to its own sequence after others have ended, reversed too', () => {
    const { y, dh } = run(call('delay', s('h'), num(1)), { lengths: [1, 3], reverse: true });
    expect(y).toEqual([
      [0, 0, 0, 0],
      [30, 200, 0, 0],
    ]);
    expect(dh).toEqual([0, 1]);
  });

  it('feeds its recurrence: Fibonacci numbers', () => {
    const next = add(s('h'), call('delay', s('h'), num(1)));
    const { y } = run(s('h'), { state: { h: { shape: [2], data: Float64Array.of(1, 2) } } }, next);
    expect(y).toEqual([
      [1, 1, 2, 3],
      [2, 2, 4, 6],
    ]);
  });

  it('is its own even where two states are given one value', () => {
    const { tree, signature } = buildCell({
      inputs: { x: [] },
      state: { a: [], b: [] },
      body: [
        give(record({ a: x('x'), b: x('x'), y: add(call('delay', s('a'), num(2)), mul(num(2), call('delay', s('b'), num(2)))) })),
      ],
    });
    const state = { a: { shape: [2], data: Float64Array.of(5, 5) }, b: { shape: [2], data: Float64Array.of(7, 7) } };
    const { outputs } = runReference(tree, signature, sizes, { ...data, state });
    expect([...(outputs.y?.data ?? [])]).toEqual([0, 0, 0, 0, 19, 19, 3, 30]);
  });
});

it('what is neither input nor state has no past', () => {
  expect(() => run(call('delay', add(x('x'), num(1)), num(1)))).toThrow('only an input or a state');
  expect(() => run(call('delay', x('x'), num(0)))).toThrow('a delay of 0 steps');
});
