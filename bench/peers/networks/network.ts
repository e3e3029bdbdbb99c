/** A model of ours, written in the operations of tfjs. */
import type { Tensors } from '../../../runtime/data.js';
import type { TfCore } from '../tfjs-device.js';

export type Core = typeof TfCore;
export type Named = Readonly<Record<string, TfCore.Tensor>>;

export interface Network {
  /** What it takes, under our names. */
  readonly inputs: readonly string[];
  readonly params: readonly string[];
  /** Our parameters in the layout that suits tfjs: its weights. */
  pack(params: Tensors): Tensors;
  /**
   * Outputs under our names. Sequences are `[B, T, …]`, as everywhere in tfjs; symbols are int32.
   * @param inputs under our names, likewise
   */
  run(core: Core, inputs: Named, weights: Named): Named;
  /** Gradients of the weights, under our names and in our layout. */
  unpack(gradients: Tensors): Tensors;
}

/** `[…, N]` to `[…, M]` by a matrix `[M, N]`, as ours are. */
export function product(core: Core, x: TfCore.Tensor, matrix: TfCore.Tensor, bias?: TfCore.Tensor): TfCore.Tensor {
  const rows = core.reshape(x, [-1, x.shape.at(-1) ?? 1]) as TfCore.Tensor2D;
  const y = core.fused.matMul({
    a: rows,
    b: matrix as TfCore.Tensor2D,
    transposeB: true,
    ...(bias === undefined ? {} : { bias }),
  });
  return core.reshape(y, [...x.shape.slice(0, -1), matrix.shape[0] ?? 1]);
}

/** Along an axis. The gradient of tfjs's own fails where there is one alone. */
export function unstack(core: Core, x: TfCore.Tensor, axis: number): TfCore.Tensor[] {
  return x.shape[axis] === 1 ? [core.squeeze(x, [axis])] : core.unstack(x, axis);
}

/** Rows of a table. The gradient of tfjs's own fails where the symbols come out of `argMax`, for it wants one of them. */
export function embed(core: Core, table: TfCore.Tensor, symbols: TfCore.Tensor): TfCore.Tensor {
  const [count = 1, width = 1] = table.shape;
  return core.customGrad((rows, save) => {
    (save as TfCore.GradSaveFunc)([symbols]);
    return {
      value: core.gather(rows as TfCore.Tensor, symbols as TfCore.Tensor1D),
      gradFunc: (cotangent: TfCore.Tensor, [kept]: TfCore.Tensor[]) => {
        const flat = core.reshape(kept as TfCore.Tensor, [-1]) as TfCore.Tensor1D;
        return core.unsortedSegmentSum(core.reshape(cotangent, [-1, width]), flat, count);
      },
    };
  })(table);
}
