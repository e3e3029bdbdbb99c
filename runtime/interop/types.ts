/** What a request holds, and whose weights can be read. */
import type { OptionValue } from '../../codegen/frontend/tree.js';
import type { Tensors } from '../data.js';
import type { Lengths } from '../lengths.js';

/** Frameworks whose weight layouts are read and written. */
export const FRAMEWORK_NAMES = ['onnx', 'torch', 'keras', 'cudnn', 'flax', 'nnx', 'mlx', 'haste', 'tf1'] as const;
export type FrameworkName = (typeof FRAMEWORK_NAMES)[number];

/** The frameworks' layouts, and recurve's own: the parameters of any cell or model by their names. */
export const WEIGHT_FORMATS = ['recurve', ...FRAMEWORK_NAMES] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

/** One run, as a data file states it: its form is checked, its names and shapes are not yet held to a cell. */
export interface RunRequest {
  /** Only on a stream, where every line names its own. */
  readonly cell?: string;
  readonly options: Readonly<Record<string, OptionValue>>;
  /** `[T, B, …]` each. */
  readonly inputs: Tensors;
  /** Initial state, `[B, …]` each. */
  readonly state: Tensors;
  readonly params?: Tensors;
  /** Where it is there, what `params` and `weights` leave out is drawn as the cell declares it, from this seed. */
  readonly init?: { readonly seed: number };
  /** One direction's tensors in the framework's own names, shapes and gate order; of `recurve` the cell's parameters. */
  readonly weights?: { readonly format: WeightFormat; readonly tensors: Tensors };
  /** Steps of each sequence: whole numbers, 0 to T. */
  readonly lengths?: Lengths;
  /** Absent where the request leaves it to the weights. */
  readonly reverse?: boolean;
  /** Of the random masks: a whole number below 2³². */
  readonly seed?: number;
  readonly cotangents?: { readonly outputs: Tensors; readonly state: Tensors };
}
