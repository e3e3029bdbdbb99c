import { describe, expect, it } from 'vitest';
import { GraphBuilder, plainMatrix } from '../../codegen/ir/builder.js';
import { adjoint } from '../../codegen/passes/adjoint.js';

const W = plainMatrix('W');
const NOWHERE = { file: '', line: 1, column: 1, length: 1 };

describe('the adjoint of a contraction', () => {
  it.each([
    { transposed: false, state: 'I', next: 'H' },
    { transposed: true, state: 'H', next: 'I' },
  ])(
    'with transposed $transposed: dW is rows by columns, and the operand gets the other orientation',
    ({ transposed, state, next }) => {
      const builder = new GraphBuilder();
      const operand = builder.state('s', [state], NOWHERE);
      const product = builder.product([{ matrix: W, transposed, operand }], [next], NOWHERE);
      const result = adjoint(builder, builder.finish({ s: product }, {}), () => true);
      const carry = builder.leaf({ op: 'carry', name: 's' }, [next], NOWHERE);
      const [left, right] = transposed ? [operand, carry] : [carry, operand];
      expect(result.params.W).toEqual([{ kind: 'outer', matrix: W, left, right }]);
      expect(builder.node(result.state.s ?? -1)).toMatchObject({
        op: 'contract',
        shape: [state],
        terms: [{ matrix: W, transposed: !transposed, operand: carry }],
      });
    },
  );
});

describe('the adjoint of a slope', () => {
  it.each(['sigmoidSlope', 'tanhSlope', 'geluSlope', 'siluSlope', 'mishSlope'] as const)(
    'of %s is refused: only adjoints hold slopes, and there is no second derivative',
    (op) => {
      const builder = new GraphBuilder();
      const slope = builder.apply(op, [builder.state('s', ['H'], NOWHERE)], NOWHERE);
      expect(() => adjoint(builder, builder.finish({ s: slope }, {}), () => true)).toThrow('is not differentiated');
    },
  );
});
