/**
 * `onnxruntime-node` on the processor: one operator of ONNX for the whole sequence, written by hand in C++, on as many threads as it
 * takes by itself. It runs models forward, and has no gradients.
 */
import { availableParallelism } from 'node:os';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, elements, shapeOf, type Tensor } from '../../runtime/data.js';
import { whereInstalled } from './installed.js';
import { orZeros } from './keras.js';
import { type OnnxModel, onnxModel } from './onnx-model.js';
import type { Peer, PeerLayer } from './peer.js';
import { unevenness } from './plain.js';

/** As much of the package as is used here: it is not installed with us, for it takes 300 MB. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: { readonly executionProviders: readonly string[] }): Promise<Session>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
}
export interface OnnxTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}
interface Session {
  run(feeds: Readonly<Record<string, OnnxTensor>>, fetches: readonly string[]): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** Its script would fetch libraries for NVIDIA's devices. */
const INSTALL = 'ONNXRUNTIME_NODE_INSTALL=skip npm install --no-save onnxruntime-node';

/** Opens onnxruntime; where it is not installed, says how to get it. */
export async function openOnnxRuntime(load: () => Promise<OnnxRuntime> = loadPackage): Promise<Peer | string> {
  const onnx = await whereInstalled(INSTALL, load);
  if (typeof onnx === 'string') return onnx;
  return {
    name: 'onnxruntime',
    layer(signature, sizes, data) {
      const uneven = unevenness(data);
      if (uneven !== undefined) return uneven;
      const model = onnxModel(signature, sizes, data.params);
      return typeof model === 'string' ? model : new OnnxLayer(onnx, model, signature, sizes, data);
    },
    close() {},
  };
}

async function loadPackage(): Promise<OnnxRuntime> {
  // A name that the compiler does not look up.
  const name = 'onnxruntime-node';
  const module = (await import(name)) as OnnxRuntime & { readonly default?: OnnxRuntime };
  return module.default ?? module;
}

class OnnxLayer implements PeerLayer {
  readonly note =
    `on the processor, native code on as many threads as it takes of ${availableParallelism()}; it has no gradients`;
  private readonly session: Promise<Session>;
  private readonly feeds: Readonly<Record<string, OnnxTensor>>;
  /** Y, and the final states where their cotangents are given. */
  private readonly fetches: readonly string[];

  constructor(
    onnx: OnnxRuntime,
    model: OnnxModel,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    data: CellData,
  ) {
    this.session = onnx.InferenceSession.create(model.bytes, { executionProviders: ['cpu'] });
    const tensor = ({ data }: Tensor, shape: readonly number[]) => new onnx.Tensor('float32', Float32Array.from(data), shape);
    const x = shapeOf({ name: 'x', shape: ['I'] }, sizes, ['T', 'B']);
    const states = signature.state.map((state) => {
      const shape = shapeOf(state, sizes, ['B']);
      return tensor(orZeros(data.state[state.name], shape), [1, ...shape]);
    });
    const values = [tensor(orZeros(data.inputs.x, x), x), ...states];
    this.feeds = Object.fromEntries(model.inputs.map((input, at) => [input, values[at] as OnnxTensor]));
    const finals = Object.keys(data.cotangents?.state ?? {}).length > 0;
    this.fetches = finals ? model.outputs : model.outputs.slice(0, 1);
  }

  async forward(): Promise<void> {
    await (await this.session).run(this.feeds, this.fetches);
  }

  async read(): Promise<CellResult> {
    const found = await (await this.session).run(this.feeds, this.fetches);
    const [h, ...finals] = this.fetches.map((name) => found[name]?.data ?? new Float32Array());
    const states = finals.map((data, at): [string, Tensor] => {
      const state = this.signature.state[at];
      if (state === undefined) throw new Error('onnxruntime gave more states than the cell has');
      return [state.name, { shape: shapeOf(state, this.sizes, ['B']), data }];
    });
    const shape = shapeOf({ name: 'h', shape: ['H'] }, this.sizes, ['T', 'B']);
    return { outputs: { h: { shape, data: h ?? new Float32Array(elements(shape)) } }, state: Object.fromEntries(states) };
  }

  dispose(): void {
    void this.session.then(
      (session) => session.release(),
      () => {},
    );
  }
}
