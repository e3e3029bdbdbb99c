/** The naming schemes, in the order in which they are tried. */
import { FLAX_NAMES } from './flax.js';
import { KERAS_NAMES } from './keras.js';
import { MLX_NAMES } from './mlx.js';
import { ONNX_NAMES } from './onnx.js';
import type { Scheme } from './scheme.js';
import { TF1_NAMES } from './tf1.js';
import { TORCH_NAMES } from './torch.js';

export const SCHEMES: readonly Scheme[] = [TORCH_NAMES, KERAS_NAMES, FLAX_NAMES, MLX_NAMES, TF1_NAMES, ONNX_NAMES];
export type { Found, Recognized, Scheme, Source } from './scheme.js';
