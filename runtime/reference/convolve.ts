/** Convolution over one or two position axes, by its definition. */
import { type Axis, commonRows, count, rowStride, sameAxes, type Tape, Value } from './tape.js';

export type Padding = 'same' | 'valid' | 'causal';

/** How one position axis of the result reads that of the operand. */
export interface Sweep {
  readonly padding: Padding;
  readonly stride: number;
  readonly dilation: number;
  /** The result's axis; `undefined` keeps the operand's. */
  readonly to: Axis | undefined;
}

interface Geometry {
  readonly extent: number;
  readonly size: number;
  readonly result: Axis;
  readonly stride: number;
  readonly dilation: number;
  readonly left: number;
}

function geometry(position: Axis, extent: number, { padding, stride, dilation, to }: Sweep): Geometry {
  const span = (extent - 1) * dilation;
  const left = padding === 'same' ? Math.floor(span / 2) : padding === 'causal' ? span : 0;
  const sweep = padding === 'valid' ? Math.floor((position.size - span - 1) / stride) + 1 : Math.ceil(position.size / stride);
  if (to === undefined && (padding === 'valid' || stride !== 1))
    throw new Error(`the result of a convolution over ${position.dim} has no name`);
  const result = to ?? position;
  if (sweep < 1 || result.size !== sweep)
    throw new Error(`a convolution over ${position.dim} gives ${sweep} positions, not ${result.size}`);
  return { extent, size: position.size, result, stride, dilation, left };
}

const single: Geometry = { extent: 1, size: 1, result: { dim: '1', size: 1 }, stride: 1, dilation: 1, left: 0 };

/**
 * out[p] = Σ_d k[d] · x[p·stride + d·dilation − left], zero outside. Kernel `[...taps, (G,) O, I]`, operand
 * `[...positions, (G,) I]`, as many positions as `sweeps`; the result is `[...positions, (G,) O]`.
 */
export function convolve(tape: Tape, kernel: Value, x: Value, sweeps: readonly Sweep[]): Value {
  const spatial = sweeps.length;
  const [positions, channels] = [x.axes.slice(0, spatial), x.axes.slice(spatial)];
  const [taps, matrix] = [kernel.axes.slice(0, spatial), kernel.axes.slice(spatial)];
  const [output, input] = matrix.slice(-2);
  const groups = matrix.slice(0, -2);
  if (output === undefined || input === undefined || groups.length > 1 || !sameAxes(channels, [...groups, input])) {
    throw new Error(`a kernel ${kernel} does not take ${x}`);
  }
  const along = positions.map((position, axis) => geometry(position, (taps[axis] as Axis).size, sweeps[axis] as Sweep));
  const [first = single, second = single] = along;
  const axes = [...along.map(({ result }) => result), ...groups, output];
  const rows = commonRows([kernel, x]);
  const [G, O, I] = [count(groups), output.size, input.size];
  const [xRow, kernelRow, columns] = [rowStride(x), rowStride(kernel), count(axes)];

  /** Calls back with the places of the output, kernel and input channels of one group, for every tap that is inside. */
  const each = (visit: (out: number, tap: number, from: number) => void) => {
    for (let row = 0; row < rows; row++) {
      for (let p = 0; p < first.result.size; p++) {
        for (let d = 0; d < first.extent; d++) {
          const at = p * first.stride + d * first.dilation - first.left;
          if (at < 0 || at >= first.size) continue;
          for (let q = 0; q < second.result.size; q++) {
            for (let e = 0; e < second.extent; e++) {
              const beside = q * second.stride + e * second.dilation - second.left;
              if (beside < 0 || beside >= second.size) continue;
              for (let g = 0; g < G; g++) {
                const out = row * columns + ((p * second.result.size + q) * G + g) * O;
                const tap = row * kernelRow + ((d * second.extent + e) * G + g) * O * I;
                visit(out, tap, row * xRow + ((at * second.size + beside) * G + g) * I);
              }
            }
          }
        }
      }
    }
  };

  const data = new Float64Array(rows * columns);
  each((out, tap, from) => {
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let i = 0; i < I; i++) sum += (kernel.data[tap + o * I + i] as number) * (x.data[from + i] as number);
      data[out + o] = (data[out + o] as number) + sum;
    }
  });
  const pullback = (cotangent: Float64Array, gated: boolean) => {
    const dk = kernel.tracked ? kernel.cotangent() : undefined;
    const dx = x.tracked ? x.cotangent() : undefined;
    each((out, tap, from) => {
      for (let o = 0; o < O; o++) {
        const g = cotangent[out + o] as number;
        if (gated && g === 0) continue;
        const entries = tap + o * I;
        if (dk) for (let i = 0; i < I; i++) dk[entries + i] = (dk[entries + i] as number) + g * (x.data[from + i] as number);
        if (dx) for (let i = 0; i < I; i++) dx[from + i] = (dx[from + i] as number) + g * (kernel.data[entries + i] as number);
      }
    });
  };
  // Strides and the end of a `valid` sweep leave positions that nothing reads.
  return tape.record(new Value(rows, axes, data, kernel.tracked || x.tracked), [kernel, x], pullback, [x]);
}
