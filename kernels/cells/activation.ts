import { elu, hardSigmoid, leakyRelu, relu, sigmoid, softplus, softsign, tanh } from 'recurve';

/** Names that an activation option may take. */
export type Activation = 'tanh' | 'sigmoid' | 'relu' | 'leakyRelu' | 'elu' | 'softplus' | 'softsign' | 'hardSigmoid' | 'identity';

/** The activation an option names; static, so only the chosen one is compiled. */
export function activate(kind: Activation, x: number): number {
  if (kind === 'tanh') return tanh(x);
  if (kind === 'sigmoid') return sigmoid(x);
  if (kind === 'relu') return relu(x);
  if (kind === 'leakyRelu') return leakyRelu(x);
  if (kind === 'elu') return elu(x);
  if (kind === 'softplus') return softplus(x);
  if (kind === 'softsign') return softsign(x);
  if (kind === 'hardSigmoid') return hardSigmoid(x);
  return x;
}

/**
 * The activations of ONNX's RNN, GRU and LSTM with their constants α and β, which are static:
 * leakyRelu x > 0 ? x : αx, elu x > 0 ? x : α(eˣ − 1), thresholdedRelu x > α ? x : 0, hardSigmoid
 * min(max(αx + β, 0), 1), affine αx + β, scaledTanh α tanh(βx). The others have none; `linear` leaves x as it is.
 */
export function activateWith(
  kind: Exclude<Activation, 'identity'> | 'thresholdedRelu' | 'affine' | 'scaledTanh' | 'linear',
  x: number,
  alpha: number,
  beta: number,
): number {
  if (kind === 'leakyRelu') return leakyRelu(x, alpha);
  if (kind === 'elu') return elu(x, alpha);
  if (kind === 'thresholdedRelu') return x > alpha ? x : 0;
  // The language's own has the slope 0.2 = 1/5 and the offset 0.5.
  if (kind === 'hardSigmoid') return hardSigmoid(5 * alpha * x + 5 * (beta - 0.5));
  if (kind === 'affine') return alpha * x + beta;
  if (kind === 'scaledTanh') return alpha * tanh(beta * x);
  if (kind === 'linear') return x;
  return activate(kind, x);
}
