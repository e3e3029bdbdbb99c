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
