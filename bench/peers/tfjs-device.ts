/** As much of tfjs as the peers use, and how a run of it ends. */
import type * as TfCore from '@tensorflow/tfjs-core';
import type * as TfLayers from '@tensorflow/tfjs-layers';
import type { Tensor } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';

export type { TfCore, TfLayers };

/** As much of `WebGPUBackend` as is used here. */
export type Backend = TfCore.KernelBackend & {
  /** Null when everything recorded has been submitted: tfjs submits by itself every 15 dispatches. */
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
};

export interface Packages {
  readonly core: typeof TfCore;
  readonly layers: typeof TfLayers;
}

/** tfjs, with a backend open. */
export interface Tfjs {
  readonly packages: Packages;
  /** Resolves when all that was asked for is done. */
  readonly finished: () => Promise<void>;
}

/** Submits what tfjs has recorded, as it does itself when a result is read, and waits for the device. */
export function submitted(backend: Backend, device: RecurveDevice): Promise<void> {
  backend.endComputePassEncoder();
  if (backend.commandEncoder) backend.submitQueue();
  return device.settle(device.device.queue.onSubmittedWorkDone());
}

/** Of Σ outputs·cotangents, in the order of the variables. */
export function gradientsOf(
  { packages: { core } }: Tfjs,
  variables: readonly TfCore.Variable[],
  products: () => readonly (readonly [output: TfCore.Tensor, cotangent: TfCore.Tensor])[],
): TfCore.Tensor[] {
  const loss = () => core.addN(products().map(([output, cotangent]) => core.sum(core.mul(output, cotangent)))) as TfCore.Scalar;
  const { grads } = core.variableGrads(loss, [...variables]);
  return variables.map((variable) => {
    const gradient = grads[variable.name];
    if (!gradient) throw new Error(`tfjs gave no gradient of ${variable.name}`);
    return gradient;
  });
}

/** Their numbers, and frees them. */
export async function readAll({ packages: { core } }: Tfjs, tensors: readonly TfCore.Tensor[]): Promise<Tensor[]> {
  const values = await Promise.all(
    tensors.map(async (tensor): Promise<Tensor> => ({ shape: tensor.shape, data: Float32Array.from(await tensor.data()) })),
  );
  core.dispose([...tensors]);
  return values;
}
