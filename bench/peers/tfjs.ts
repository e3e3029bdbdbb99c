/**
 * `@tensorflow/tfjs-layers` on `@tensorflow/tfjs-backend-webgpu`, on our own device: what a user would otherwise run.
 *
 * The backend takes a device, so nothing of ours and theirs differs but the kernels and the graph they are in.
 */
import { createRequire } from 'node:module';
import type * as TfCore from '@tensorflow/tfjs-core';
import type * as TfLayers from '@tensorflow/tfjs-layers';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, shapeOf, type Tensor } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { type KerasLayer, kerasLayer, packWeights, swapTimeAndBatch, unpackWeights } from './keras.js';
import type { Peer, PeerLayer } from './peer.js';

/** As much of `WebGPUBackend` as is used here. */
type Backend = TfCore.KernelBackend & {
  /** Null when everything recorded has been submitted: tfjs submits by itself every 15 dispatches. */
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
};

interface Packages {
  readonly core: typeof TfCore;
  readonly layers: typeof TfLayers;
  readonly WebGPUBackend: new (device: GPUDevice, info: Pick<GPUAdapterInfo, 'vendor' | 'architecture'>) => Backend;
}

/** The kernels of tfjs are registered for this name only, so one backend can be open at a time. */
const BACKEND = 'webgpu';
const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-webgpu'] as const;

/** Opens tfjs on our device; where it is not installed, says how to get it. One at a time in a process. */
export async function openTfjs(device: RecurveDevice): Promise<Peer | string> {
  // tfjs asks for `navigator.gpu` while loading and when a backend is made, and for nothing else of a browser's.
  const opened = withNavigator(device.gpu, () => {
    const packages = loadPackages();
    if (typeof packages === 'string') return packages;
    if (packages.core.findBackendFactory(BACKEND)) packages.core.removeBackend(BACKEND);
    return { packages, backend: new packages.WebGPUBackend(device.device, device.adapter) };
  });
  if (typeof opened === 'string') return opened;
  const { packages, backend } = opened;
  packages.core.registerBackend(BACKEND, () => backend);
  await packages.core.setBackend(BACKEND);
  return {
    name: 'tfjs-webgpu',
    layer(signature, sizes, data) {
      const keras = kerasLayer(signature);
      if (typeof keras === 'string') return keras;
      if (data.lengths !== undefined || data.reverse) return 'the comparison runs full sequences forward in time';
      return new TfjsLayer(packages, backend, device, keras, signature, sizes, data);
    },
    close() {
      packages.core.removeBackend(BACKEND);
    },
  };
}

function loadPackages(): Packages | string {
  const require = createRequire(import.meta.url);
  try {
    const { WebGPUBackend } = require(PACKAGES[2]) as Pick<Packages, 'WebGPUBackend'>;
    return { core: require(PACKAGES[0]), layers: require(PACKAGES[1]), WebGPUBackend };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    return `it is not installed; npm install ${PACKAGES.map((name) => `${name}@4.22`).join(' ')}`;
  }
}

function withNavigator<R>(gpu: GPU, use: () => R): R {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  try {
    return use();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}

class TfjsLayer implements PeerLayer {
  readonly note: string | undefined;
  private readonly layer: TfLayers.RNN;
  private readonly input: TfCore.Variable;
  /** Initial states; none where the data has none, and then Keras starts from zeros. */
  private readonly initial: TfCore.Variable[];
  /** Of the output sequence, then of each final state. */
  private readonly cotangents: TfCore.Tensor[];

  constructor(
    private readonly packages: Packages,
    private readonly backend: Backend,
    private readonly device: RecurveDevice,
    private readonly keras: KerasLayer,
    private readonly signature: Signature,
    sizes: Sizes,
    data: CellData,
  ) {
    this.note = keras.note;
    const { core } = packages;
    const tensor = ({ shape, data }: Tensor) => core.tensor(data as Float32Array, [...shape]);
    // A variable is a handle of its own on the tensor's memory.
    const variable = (value: Tensor) => core.tidy(() => core.variable(tensor(value)));
    const given = (tensor: Tensor | undefined, shape: readonly number[]) =>
      tensor ?? { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) };

    const x = given(data.inputs.x, shapeOf({ name: 'x', shape: ['I'] }, sizes, ['T', 'B']));
    this.input = variable(swapTimeAndBatch(x));
    this.initial =
      Object.keys(data.state).length === 0
        ? []
        : signature.state.map((state) => variable(given(data.state[state.name], shapeOf(state, sizes, ['B']))));
    const sequence = given(data.cotangents?.outputs.h, shapeOf({ name: 'h', shape: ['H'] }, sizes, ['T', 'B']));
    const finals = data.cotangents?.state ?? {};
    this.cotangents = [
      tensor(swapTimeAndBatch(sequence)),
      ...(Object.keys(finals).length === 0
        ? []
        : signature.state.map((state) => tensor(given(finals[state.name], shapeOf(state, sizes, ['B']))))),
    ];

    this.layer = packages.layers.layers[keras.kind]({
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
    this.packages.core.tidy(() => void this.apply());
    return this.finished();
  }

  forwardBackward(): Promise<void> {
    this.packages.core.tidy(() => void this.gradients());
    return this.finished();
  }

  async read(): Promise<CellResult> {
    const { core } = this.packages;
    const tensors = core.tidy(() => [...this.apply(), ...this.gradients()]);
    const values = await Promise.all(
      tensors.map(async (tensor): Promise<Tensor> => ({ shape: tensor.shape, data: (await tensor.data()) as Float32Array })),
    );
    core.dispose(tensors);
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
    this.packages.core.dispose([this.input, ...weights, ...this.initial, ...this.cotangents]);
  }

  /** The output sequence `[B, T, H]`, and the final states where their cotangents are given. */
  private apply(): TfCore.Tensor[] {
    const initialState = this.initial.length === 0 ? undefined : [...this.initial];
    const outputs = this.layer.apply(this.input, { initialState });
    return (Array.isArray(outputs) ? outputs : [outputs]) as TfCore.Tensor[];
  }

  /** Of the input, the kernel, the recurrent kernel, the bias and the initial states. */
  private gradients(): TfCore.Tensor[] {
    const { core } = this.packages;
    const weights = this.layer.trainableWeights.map((weight) => weight.read() as TfCore.Variable);
    const variables = [this.input, ...weights, ...this.initial];
    const loss = () => {
      const terms = this.apply().map((output, index) => {
        const cotangent = this.cotangents[index];
        return cotangent ? core.sum(core.mul(output, cotangent)) : core.scalar(0);
      });
      return core.addN(terms) as TfCore.Scalar;
    };
    const { grads } = core.variableGrads(loss, variables);
    return variables.map((variable) => {
      const gradient = grads[variable.name];
      if (!gradient) throw new Error(`tfjs gave no gradient of ${variable.name}`);
      return gradient;
    });
  }

  /** Submits what tfjs has recorded, as it does itself when a result is read, and waits for the device. */
  private finished(): Promise<void> {
    this.backend.endComputePassEncoder();
    if (this.backend.commandEncoder) this.backend.submitQueue();
    return this.device.settle(this.device.device.queue.onSubmittedWorkDone());
  }
}
