/** Stands in for onnxruntime, which is not installed everywhere: reads the model as `recurve import` does, and runs the reference. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnnxRuntime, OnnxTensor } from '../../bench/peers/onnxruntime.js';
import { chooseDirection, importWeights, nodeNamed, openOnnx } from '../../runtime/interop/onnx/index.js';
import { weightsToParams } from '../../runtime/interop/weights/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { cellOf } from './cells.js';

/** The weights of a model of one node, and the cell and the options that it is. */
export async function readModel(bytes: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-peer-'));
  try {
    writeFileSync(join(folder, 'model.onnx'), bytes);
    const file = await openOnnx(join(folder, 'model.onnx'), 'model.onnx');
    const node = nodeNamed(file, undefined);
    const { cell, options, sizes, tensors } = await importWeights(file, node, chooseDirection(node, undefined));
    const { tree, signature } = cellOf(cell, options);
    return { tree, signature, sizes, params: weightsToParams('onnx', cell, signature, sizes, tensors) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class StandInTensor implements OnnxTensor {
  constructor(
    readonly type: string,
    readonly data: Float32Array,
    readonly dims: readonly number[],
  ) {}
}

export const STAND_IN: OnnxRuntime = {
  Tensor: StandInTensor,
  InferenceSession: {
    async create(bytes) {
      const { tree, signature, sizes, params } = await readModel(bytes);
      return {
        async run({ X, ...initial }, fetches) {
          const [T = 0, B = 0] = X?.dims ?? [];
          const state = Object.entries(initial).map(([name, { data }]) => {
            return [name.replace('initial_', ''), { shape: [B, sizes.H], data }];
          });
          const data = {
            inputs: { x: { shape: [T, B, sizes.I], data: X?.data ?? new Float32Array() } },
            state: Object.fromEntries(state),
            params,
            reverse: false,
          };
          const found = runReference(tree, signature, { T, B, ...sizes }, data);
          const tensors = { Y: found.outputs.h, Y_h: found.state.h, Y_c: found.state.c };
          const asked = Object.entries(tensors).filter(([name]) => fetches.includes(name));
          return Object.fromEntries(
            asked.map(([name, tensor]) => [name, new StandInTensor('float32', Float32Array.from(tensor?.data ?? []), [])]),
          );
        },
        async release() {},
      };
    },
  },
};
