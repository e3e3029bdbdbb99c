/** Every framework whose layers are read: its name, its layout, and what it calls its gates. */
import type { FrameworkName } from '../types.js';
import type { Block, CellName, FormatLayout } from './layout.js';
import { FLAX, NNX } from './layouts/flax.js';
import { HASTE } from './layouts/haste.js';
import { CUDNN, KERAS } from './layouts/keras.js';
import { MLX } from './layouts/mlx.js';
import { ONNX } from './layouts/onnx.js';
import { TF1 } from './layouts/tf1.js';
import { TORCH } from './layouts/torch.js';

interface Framework {
  readonly title: string;
  readonly layout: FormatLayout;
  /** Its letter for our gates g and n, the candidates, and z, where it has another. */
  readonly letters: Readonly<Record<string, string>>;
}

export const FRAMEWORKS: Readonly<Record<FrameworkName, Framework>> = {
  onnx: { title: 'ONNX', layout: ONNX, letters: { g: 'c', n: 'h' } },
  torch: { title: 'PyTorch', layout: TORCH, letters: {} },
  keras: { title: 'Keras', layout: KERAS, letters: { g: 'c', n: 'h' } },
  cudnn: { title: 'Keras CuDNN', layout: CUDNN, letters: { g: 'c', n: 'h' } },
  flax: { title: 'Flax', layout: FLAX, letters: {} },
  nnx: { title: 'Flax NNX', layout: NNX, letters: {} },
  mlx: { title: 'MLX', layout: MLX, letters: {} },
  haste: { title: 'Haste', layout: HASTE, letters: { n: 'g' } },
  tf1: { title: 'TensorFlow 1', layout: TF1, letters: { g: 'j', z: 'u', n: 'c' } },
};

/** `i f c o`: the gates of the framework's layer in its own order and letters, empty where it has one only. */
export function gateOrder(format: FrameworkName, cell: CellName): string {
  const { layout, letters } = FRAMEWORKS[format];
  const matrices = layout[cell]?.tensors.flatMap(({ blocks }) => blocks).map(nameOf) ?? [];
  const gates = matrices.flatMap((name) => /^W_([a-gi-z])$/.exec(name)?.[1] ?? []);
  return gates.map((gate) => letters[gate] ?? gate).join(' ');
}

const nameOf = (block: Block): string => [block].flat()[0] ?? '';
