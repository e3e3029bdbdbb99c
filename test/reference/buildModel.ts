/** Model trees written by hand, and data for them. */

import type {
  CellTree,
  Expression,
  FunctionTree,
  ModelTree,
  OptionValues,
  Pattern,
  Signature,
  Statement,
  TensorDeclaration,
} from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, expectedShapes, type Tensor, type Tensors } from '../../runtime/data.js';
import { lengthsAlong } from '../../runtime/lengths.js';
import { bell, poisonPadding, type RandomChoices, randomData, streamOf } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { bound, buildCell, fn, member, name, record, span } from './build.js';
import type { Case } from './differences.js';

type Shapes = Readonly<Record<string, readonly string[]>>;
export interface Layered {
  readonly tree: CellTree;
  readonly signature: Signature;
  readonly dims: Readonly<Record<string, string>>;
  /** Layers of their own parameters. */
  readonly count?: number;
}
export interface ModelParts {
  /** At every step. */
  readonly inputs?: Shapes;
  /** Without time. */
  readonly fixed?: Shapes;
  readonly layers?: Readonly<Record<string, Layered>>;
  readonly params?: Shapes;
  readonly options?: OptionValues;
  readonly helpers?: Readonly<Record<string, FunctionTree>>;
  readonly sizes: Sizes;
  /** Body of `run(x, l, p, { options: o })`. */
  readonly body: readonly Statement[];
}

/** A tree and its signature. */
export function buildModel(parts: ModelParts): Case & { readonly tree: ModelTree } {
  const { inputs = {}, fixed = {}, layers = {}, params = {}, options = {} } = parts;
  // Declarations are those of a cell of the same names.
  const { tree, signature } = buildCell({ inputs: { ...inputs, ...fixed }, params, options, body: [] });
  const instances = Object.entries(layers).flatMap(([key, { count, signature: own, dims }]) => {
    const names = count === undefined ? [key] : Array.from({ length: count }, (_, k) => `${key}.${k}`);
    return names.map((instance) => ({ name: instance, cell: key, signature: own, dims }));
  });
  const outside = (dims: Readonly<Record<string, string>>, declaration: TensorDeclaration, instance: string) => ({
    ...declaration,
    name: `${instance}.${declaration.name}`,
    shape: declaration.shape.map((dim) => dims[dim] ?? dim),
  });
  const context: Pattern = { kind: 'object', members: [{ property: 'options', name: 'o', span }], span };
  return {
    sizes: parts.sizes,
    tree: {
      kind: 'model',
      file: span.file,
      name: 'test',
      summary: '',
      documentation: '',
      dims: tree.dims,
      times: [{ name: 'T', span }],
      options: [],
      inputs: tree.inputs,
      state: tree.state,
      params: tree.params,
      layersOptionsName: undefined,
      layers: Object.entries(layers).map(([key, { count }]) => ({
        name: key,
        cell: { kind: 'string', value: key, span },
        dims: [],
        options: [],
        passesOptions: false,
        count: count === undefined ? undefined : { kind: 'number', value: count, span },
        when: undefined,
        span,
      })),
      run: fn([bound('x'), bound('l'), bound('p'), context], [...parts.body]),
      helpers: parts.helpers ?? {},
      cells: Object.fromEntries(Object.entries(layers).map(([key, { tree: cell }]) => [key, cell])),
      sources: {},
      span,
    },
    signature: {
      ...signature,
      inputs: signature.inputs.map((declaration) =>
        Object.hasOwn(fixed, declaration.name) ? { ...declaration, leading: ['B'] } : declaration,
      ),
      params: [
        ...signature.params,
        ...instances.flatMap((instance) =>
          instance.signature.params.map((declaration) => outside(instance.dims, declaration, instance.name)),
        ),
      ],
      layers: instances,
    },
  };
}

/** A layer of a model. */
export const l = (key: string): Expression => member(name('l'), key);
/** A layer is run: `l.first({ x }, { state, reverse })`. */
export const layerCall = (
  callee: Expression,
  inputs: Readonly<Record<string, Expression>>,
  settings?: Readonly<Record<string, Expression>>,
): Expression => ({
  kind: 'call',
  callee,
  args: settings === undefined ? [record(inputs)] : [record(inputs), record(settings)],
  span,
});

/** Random data for a model, with cotangents on all of its outputs; `lengths` instead of random ones. */
export function modelData(
  { tree, signature, sizes }: Case,
  choices: RandomChoices & { readonly lengths?: readonly number[] },
): CellData {
  const timed = signature.inputs.filter(({ leading }) => leading === undefined);
  const untimed = signature.inputs.filter(({ leading }) => leading !== undefined);
  const drawn = randomData({ ...signature, inputs: timed, state: untimed }, sizes, {}, choices);
  const lengths = choices.lengths ?? lengthsAlong(drawn.lengths, 'T');
  for (const tensor of Object.values(drawn.inputs)) poisonPadding(tensor, lengths);
  const data = {
    inputs: { ...drawn.inputs, ...drawn.state },
    state: {},
    params: drawn.params,
    ...(lengths ? { lengths } : {}),
    reverse: false,
    ...(drawn.seed === undefined ? {} : { seed: drawn.seed }),
  };
  const cotangents = Object.entries(runReference(tree, signature, sizes, data).outputs).map(([key, { shape, data: values }]) => {
    const stream = streamOf(choices.seed, `cotangents.${key}`);
    const tensor: Tensor = { shape, data: Float32Array.from(values, () => bell(stream)) };
    if (shape[0] === sizes.T && shape[1] === sizes.B) poisonPadding(tensor, lengths);
    return [key, tensor] as const;
  });
  return { ...data, cotangents: { outputs: Object.fromEntries(cotangents), state: {} } };
}

/** Data that hold these numbers, and zeros in everything else. */
export function given(
  { signature, sizes }: Case,
  numbers: Readonly<Record<string, readonly number[]>>,
  more: Partial<CellData> = {},
): CellData {
  const shapes = expectedShapes(signature, sizes);
  const group = (of: Readonly<Record<string, number[]>>): Tensors =>
    Object.fromEntries(
      Object.entries(of).map(([key, shape]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        return [key, { shape, data: Float64Array.from(numbers[key] ?? new Array<number>(count).fill(0)) }];
      }),
    );
  return { inputs: group(shapes.inputs), state: {}, params: group(shapes.params), reverse: false, ...more };
}
