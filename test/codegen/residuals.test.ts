import { describe, expect, it } from 'vitest';
import { GraphBuilder, plainMatrix } from '../../codegen/ir/builder.js';
import { isContract, type NodeId } from '../../codegen/ir/graph.js';
import { residuals } from '../../codegen/passes/residuals.js';

const NOWHERE = { file: '', line: 1, column: 1, length: 1 };
const builder = new GraphBuilder();
const x = builder.input('x', ['I'], NOWHERE);
const product = (matrix: string, shape: string[]) => builder.contract(plainMatrix(matrix), shape, x, NOWHERE);
const [a, b] = [product('A', ['H']), product('B', ['H'])];
const sum = builder.apply('add', [a, b]);
const gate = builder.apply('sigmoid', [sum]);
const candidate = builder.apply('tanh', [sum]);

/** What is kept for a later region that uses `needed`. */
const keep = (needed: readonly NodeId[], words: (id: NodeId) => number = () => 1) =>
  residuals({ builder, needed, available: (id) => id === x, produced: isContract, words });

describe('residuals', () => {
  it('are the values needed where nothing before them is smaller', () => {
    expect(keep([gate])).toEqual([gate]);
  });

  it('are what several values are computed from where that takes less', () => {
    expect(keep([gate, candidate])).toEqual([sum]);
    expect(keep([a, gate, candidate])).toEqual([a, sum]);
  });

  it('weigh a value by the words it takes', () => {
    expect(keep([gate], (id) => (id === gate || id === sum ? 3 : 1))).toEqual([a, b]);
  });

  it('are nothing where all is in memory or recomputed without a contraction', () => {
    expect(keep([x, builder.apply('exp', [x])])).toEqual([]);
  });
});
