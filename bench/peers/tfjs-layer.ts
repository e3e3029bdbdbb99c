/** One layer of `@tensorflow/tfjs-layers`. */
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, shapeOf, type Tensor } from '../../runtime/data.js';
import { type KerasLayer, orZeros, packWeights, swapTimeAndBatch, unpackWeights } from './keras.js';
import type { PeerLayer } from './peer.js';
import { gradientsOf, readAll, type TfCore, type Tfjs, type TfLayers } from './tfjs-device.js';

export class TfjsLayer implements PeerLayer {
  readonly differs: string | undefined;
  private readonly layer: TfLayers.RNN;
  private readonly input: TfCore.Variable;
  /** Initial states; none where the data has none, and then Keras starts from zeros. */
  private readonly initial: TfCore.Variable[];
  /** Of the output sequence, then of each final state. */
  private readonly cotangents: TfCore.Tensor[];

  constructor(
    private readonly tfjs: Tfjs,
    private readonly keras: KerasLayer,
    private readonly signature: Signature,
    sizes: Sizes,
    data: CellData,
  ) {
    this.differs = keras.differs;
    const { core, layers } = tfjs.packages;
    const tensor = ({ shape, data }: Tensor) => core.tensor(data as Float32Array, [...shape]);
    // A variable is a handle of its own on the tensor's memory.
    const variable = (value: Tensor) => core.tidy(() => core.variable(tensor(value)));

    const x = orZeros(data.inputs.x, shapeOf({ name: 'x', shape: ['I'] }, sizes, ['T', 'B']));
    this.input = variable(swapTimeAndBatch(x));
    this.initial =
      Object.keys(data.state).length === 0
        ? []
        : signature.state.map((state) => variable(orZeros(data.state[state.name], shapeOf(state, sizes, ['B']))));
    const sequence = orZeros(data.cotangents?.outputs.h, shapeOf({ name: 'h', shape: ['H'] }, sizes, ['T', 'B']));
    const finals = data.cotangents?.state ?? {};
    this.cotangents = [
      tensor(swapTimeAndBatch(sequence)),
      ...(Object.keys(finals).length === 0
        ? []
        : signature.state.map((state) => tensor(orZeros(finals[state.name], shapeOf(state, sizes, ['B']))))),
    ];

    this.layer = layers.layers[keras.kind]({
      units: shapeOf({ name: 'h', shape: ['H'] }, sizes)[0] ?? 0,
      activation: keras.activation,
      recurrentActivation: keras.recurrentActivation,
      useBias: true,
      resetAfter: false,
      returnSequences: true,
      returnState: this.cotangents.length > 1,
      // Overwritten below; the default, orthogonal, would spend seconds on a large matrix.
      recurrentInitializer: 'zeros',
    } as TfLayers.GRULayerArgs) as TfLayers.RNN;
    this.layer.build(this.input.shape);
    this.layer.built = true; // `apply` would set it, after a run of its own
    const weights = packWeights(keras, data.params);
    core.tidy(() => this.layer.setWeights([weights.kernel, weights.recurrentKernel, weights.bias].map(tensor)));
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
    const tensors = core.tidy(() => [...this.apply(), ...this.gradients()]);
    const values = await readAll(this.tfjs, tensors);
    const outputs = this.cotangents.length;
    const [h, ...finals] = values.slice(0, outputs);
    const [x, kernel, recurrentKernel, bias, ...initial] = values.slice(outputs);
    if (!h || !x || !kernel || !recurrentKernel || !bias) throw new Error('tfjs gave fewer tensors than asked for');
    const states = (found: readonly Tensor[]) =>
      Object.fromEntries(found.map((tensor, index) => [this.signature.state[index]?.name ?? '', tensor]));
    return {
      outputs: { h: swapTimeAndBatch(h) },
      state: states(finals),
      gradients: {
        inputs: { x: swapTimeAndBatch(x) },
        state: states(initial),
        params: unpackWeights(this.keras, { kernel, recurrentKernel, bias }),
      },
    };
  }

  dispose(): void {
    // Not by the layer's own dispose, which wants it to have been used in a model.
    const weights = this.layer.weights.map((weight) => weight.read());
    this.tfjs.packages.core.dispose([this.input, ...weights, ...this.initial, ...this.cotangents]);
  }

  /** The output sequence `[B, T, H]`, and the final states where their cotangents are given. */
  private apply(): TfCore.Tensor[] {
    const initialState = this.initial.length === 0 ? undefined : [...this.initial];
    const outputs = this.layer.apply(this.input, { initialState });
    return (Array.isArray(outputs) ? outputs : [outputs]) as TfCore.Tensor[];
  }

  /** Of the input, the kernel, the recurrent kernel, the bias and the initial states. */
  private gradients(): TfCore.Tensor[] {
    const weights = this.layer.trainableWeights.map((weight) => weight.read() as TfCore.Variable);
    return gradientsOf(this.tfjs, [this.input, ...weights, ...this.initial], () =>
      this.apply().map((output, index) => [output, this.cotangents[index] as TfCore.Tensor]),
    );
  }
}
