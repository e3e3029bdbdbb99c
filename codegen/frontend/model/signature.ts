/** What a model takes and gives once its options are known. */
import type { Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import { callHelper } from '../lower/run.js';
import { resolveGroup } from '../lower/signature.js';
import { Machine } from '../machine/machine.js';
import type { LayerInstance, ModelTree, OptionValues, Signature, TensorDeclaration } from '../tree.js';
import { type Layers, resolveLayers } from './instances.js';

export interface ModelSignature {
  readonly signature: Signature;
  readonly layers: Layers;
  /** Tensors whose declaration could not be evaluated. */
  readonly bad: ReadonlySet<string>;
}

/** Rules, rates and outputs come with `run`. */
export function modelSignatureWith(
  tree: ModelTree,
  options: OptionValues,
  recovery: Recovery,
  report: Report,
  note: string,
): ModelSignature {
  const bad = new Set<string>();
  const machine = () => new Machine(tree, options, recovery, report, note, callHelper);
  const inputs = resolveGroup(machine(), tree, 'inputs', tree.inputs, bad).map((declaration): TensorDeclaration => {
    const time = tree.inputs.entries.find(({ name }) => name === declaration.name)?.time?.name;
    return time === 'T' ? declaration : { ...declaration, leading: time === undefined ? ['B'] : [time, 'B'] };
  });
  const state = resolveGroup(machine(), tree, 'state', tree.state, bad);
  const own = resolveGroup(machine(), tree, 'params', tree.params, bad);
  const layers = resolveLayers(tree, options, recovery, report, note);
  const params = [...own, ...layers.instances.flatMap(paramsOf)];
  const used = new Set([
    ...[...inputs, ...state, ...params].flatMap(({ shape, symbols = [] }) => [...shape, symbols].flat()),
    ...layers.instances.flatMap(({ dims }) => Object.values(dims)),
  ]);
  const signature: Signature = {
    name: tree.name,
    options,
    dims: tree.dims.map(({ name }) => name).filter((name) => used.has(name)),
    inputs,
    state,
    params,
    rules: [],
    rates: [],
    outputs: undefined,
    times: tree.times.map(({ name }) => name),
    layers: layers.instances,
  };
  return { signature, layers, bad };
}

/** A layer's parameters as the model has them: `first.W_i`, over the model's dims. */
export function paramsOf({ name, signature, dims }: LayerInstance): TensorDeclaration[] {
  return signature.params.map((declaration) => ({
    ...declarationInModel(declaration, dims),
    name: `${name}.${declaration.name}`,
  }));
}

/** A tensor of a cell in the dims of the model. */
export function declarationInModel(declaration: TensorDeclaration, dims: LayerInstance['dims']): TensorDeclaration {
  const { shape, symbols } = declaration;
  const mapped = { ...declaration, shape: shape.map((dim) => dims[dim] ?? dim) };
  return symbols === undefined ? mapped : { ...mapped, symbols: dims[symbols] ?? symbols };
}
