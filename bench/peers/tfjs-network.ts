/** A whole network in the operations of `@tensorflow/tfjs-core`. */
import type { Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import type { CellData, CellResult, Tensor, Tensors } from '../../runtime/data.js';
import { swapTimeAndBatch } from './keras.js';
import type { Network } from './networks/index.js';
import type { PeerLayer } from './peer.js';
import { gradientsOf, readAll, type TfCore, type Tfjs } from './tfjs-device.js';

type Variables = Readonly<Record<string, TfCore.Variable>>;

export class TfjsNetwork implements PeerLayer {
  /** Inputs that have gradients. */
  private readonly inputs: Variables;
  private readonly symbols: Readonly<Record<string, TfCore.Tensor>>;
  private readonly weights: Variables;
  /** Of outputs that have gradients. */
  private readonly cotangents: readonly (readonly [output: string, TfCore.Tensor])[];

  constructor(
    private readonly tfjs: Tfjs,
    private readonly network: Network,
    private readonly signature: Signature,
    { inputs, params, cotangents }: CellData,
  ) {
    const { core } = tfjs.packages;
    const tensor = ({ shape, data }: Tensor, type: 'float32' | 'int32' = 'float32') =>
      core.tensor(type === 'int32' ? Int32Array.from(data) : (data as Float32Array), [...shape], type);
    const variables = (tensors: Tensors): Variables =>
      Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, core.tidy(() => core.variable(tensor(value)))]));
    const own = (declarations: readonly TensorDeclaration[]) =>
      declarations.map(({ name, leading }): [string, Tensor] => [name, batchFirst(inputs[name], leading)]);
    this.inputs = variables(Object.fromEntries(own(signature.inputs.filter(({ symbols }) => symbols === undefined))));
    this.symbols = Object.fromEntries(
      own(signature.inputs.filter(({ symbols }) => symbols !== undefined)).map(([name, value]) => [name, tensor(value, 'int32')]),
    );
    this.weights = variables(network.pack(params));
    const computed = core.tidy(() => Object.entries(this.apply()).map(([name, { dtype }]) => [name, dtype] as const));
    this.cotangents = computed.flatMap(([name, type]) => {
      const cotangent = cotangents?.outputs[name];
      return cotangent === undefined || type !== 'float32' ? [] : [[name, tensor(this.swapped(name, cotangent))] as const];
    });
  }

  forward(): Promise<void> {
    this.tfjs.packages.core.tidy(() => void this.apply());
    return this.tfjs.finished();
  }

  forwardBackward(): Promise<void> {
    this.tfjs.packages.core.tidy(() => void this.gradients());
    return this.tfjs.finished();
  }

  async read(): Promise<CellResult> {
    const { core } = this.tfjs.packages;
    const computed = core.tidy(() => ({ outputs: this.apply(), gradients: this.gradients() }));
    const outputs = await this.named(Object.keys(computed.outputs), Object.values(computed.outputs));
    const inputs = Object.keys(this.inputs);
    const found = computed.gradients;
    const ofInputs = await this.named(inputs, found.slice(0, inputs.length));
    const ofWeights = await this.named(Object.keys(this.weights), found.slice(inputs.length));
    const leading = (name: string) => this.signature.inputs.find((input) => input.name === name)?.leading;
    return {
      outputs: mapped(outputs, (tensor, name) => this.swapped(name, tensor)),
      state: {},
      gradients: {
        inputs: mapped(ofInputs, (tensor, name) => batchFirst(tensor, leading(name))),
        state: {},
        params: this.network.unpack(ofWeights),
      },
    };
  }

  dispose(): void {
    const cotangents = this.cotangents.map(([, tensor]) => tensor);
    const all = [this.inputs, this.symbols, this.weights].flatMap((group): TfCore.Tensor[] => Object.values(group));
    this.tfjs.packages.core.dispose([...all, ...cotangents]);
  }

  private apply(): Readonly<Record<string, TfCore.Tensor>> {
    return this.network.run(this.tfjs.packages.core, { ...this.inputs, ...this.symbols }, this.weights);
  }

  /** Of the inputs, then of the weights. */
  private gradients(): TfCore.Tensor[] {
    return gradientsOf(this.tfjs, [...Object.values(this.inputs), ...Object.values(this.weights)], () => {
      const outputs = this.apply();
      return this.cotangents.map(([name, cotangent]) => [outputs[name] as TfCore.Tensor, cotangent]);
    });
  }

  private async named(names: readonly string[], tensors: readonly TfCore.Tensor[]): Promise<Tensors> {
    const values = await readAll(this.tfjs, tensors);
    return Object.fromEntries(names.map((name, index) => [name, values[index] as Tensor]));
  }

  /** An output, from our order of axes to theirs, or back. */
  private swapped(name: string, tensor: Tensor): Tensor {
    return batchFirst(tensor, this.signature.outputAxes?.[name]);
  }
}

/** `[T, B, …]` to `[B, T, …]`, or back; what has no time stays as it is. */
function batchFirst(tensor: Tensor | undefined, leading: readonly string[] = ['T', 'B']): Tensor {
  if (tensor === undefined) throw new Error('the network needs an input that the data lack');
  return leading.length < 2 ? tensor : swapTimeAndBatch(tensor);
}

function mapped(tensors: Tensors, change: (tensor: Tensor, name: string) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)]));
}
