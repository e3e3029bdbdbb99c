/** One expression on numbers written by hand. */
import type { Expression, OptionValues, TensorDeclaration } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { elements, shapeOf, type Tensors } from '../../runtime/data.js';
import { runReference } from '../../runtime/reference/index.js';
import { buildCell, give, record } from './build.js';

/** Dims, then the numbers. */
type Given = Readonly<Record<string, readonly [dims: readonly string[], values: readonly number[]]>>;

export interface Values {
  readonly inputs?: Given;
  readonly params?: Given;
  readonly untrained?: Readonly<Record<string, TensorDeclaration['init']>>;
  readonly sizes?: Sizes;
  readonly options?: OptionValues;
  readonly seed?: number;
  /** Cotangent of the result; ones where left out. */
  readonly g?: readonly number[];
}

/** The expression's value and shape for one step of one sequence, and the gradient of every input and parameter. */
export function compute(expression: Expression, values: Values) {
  const { inputs = {}, params = {}, sizes = {}, options = {}, untrained = {} } = values;
  const shapes = (given: Given) => Object.fromEntries(Object.entries(given).map(([name, [dims]]) => [name, dims]));
  const { tree, signature } = buildCell({
    inputs: shapes(inputs),
    params: shapes(params),
    untrained,
    options,
    body: [give(record({ y: expression }))],
  });
  const all = { T: 1, B: 1, ...sizes };
  const tensors = (given: Given, leading: readonly string[]): Tensors =>
    Object.fromEntries(
      Object.entries(given).map(([name, [dims, data]]) => {
        const shape = shapeOf({ name, shape: dims }, all, leading);
        if (data.length !== elements(shape)) throw new Error(`${data.length} numbers for ${name} of shape [${shape}]`);
        return [name, { shape, data: Float64Array.from(data) }];
      }),
    );
  const data = { inputs: tensors(inputs, ['T', 'B']), state: {}, params: tensors(params, []), reverse: false, seed: values.seed };
  const { y } = runReference(tree, signature, all, data).outputs;
  if (y === undefined) throw new Error('no value');
  const g = { shape: y.shape, data: Float64Array.from(values.g ?? new Array(y.data.length).fill(1)) };
  const { gradients } = runReference(tree, signature, all, { ...data, cotangents: { outputs: { y: g }, state: {} } });
  const found = { ...gradients?.inputs, ...gradients?.params };
  return {
    y: [...y.data],
    shape: y.shape.slice(2),
    gradients: Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, [...tensor.data]])),
  };
}
