/** Every per-unit operation on tensors in every argument: values, and the cotangent of each argument. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../codegen/index.js';
import { isApply } from '../../codegen/ir/graph.js';
import { functions, operations, ops } from '../../codegen/ops/index.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { fromText, prepare, wrongTensors } from './compare-cell.js';

let device: RecurveDevice;
beforeAll(async () => {
  device = await openDevice('swiftshader');
});
afterAll(() => device.close());

/** By operation, from the records; `a` and `b` come through the state, the input and parameters, around zero. */
const EXPRESSIONS = Object.entries({ ...operations, ...functions }).map(([name, { cases }]) => [name, cases.expression] as const);

const NAMES = ['cell', 'vec', ...Object.keys(functions)].join(', ');

const cellOf = (expression: string) =>
  fromText(`import { ${NAMES} } from 'recurve';
    export default cell({ name: 'operation', dims: ['H'], inputs: { x: vec('H'), u: vec('H') }, state: { h: vec('H') },
      params: { v: vec('H'), w: vec('H') },
      step({ x, u }, { h }, { v, w }) { const a = x + v * h; const b = u * w - 0.5 * h; return { h: 0.5 * ${expression} + 0.1 * h }; } });`);

describe('an operation', () => {
  it.each(EXPRESSIONS)('%s is that of the reference, and so is its adjoint', async (name, expression) => {
    const prepared = prepare(cellOf(expression), { T: 3, B: 5, H: 18 });
    const graph = lower(prepared.tree, prepared.signature);
    expect(graph.nodes.map((node) => (isApply(node) ? node.op : undefined))).toContain(name);
    // Its text is the same however the loop around it runs.
    expect(await wrongTensors(device, prepared, 'chosen')).toEqual([]);
  });

  it('of the vocabulary is an operator, a function of the language or the slope of one', () => {
    const named = EXPRESSIONS.map(([name]) => name);
    expect(Object.keys(ops).filter((name) => !named.includes(name) && !name.endsWith('Slope'))).toEqual([]);
  });
});
