/** Activation functions in the operations of jax-js. */
import type * as JaxPackage from '@jax-js/jax';
import type { ChosenActivation } from './plain.js';

export type Jax = typeof JaxPackage;
export type JaxArray = JaxPackage.Array;
export type JaxActivation = (x: JaxArray) => JaxArray;

/** `undefined` where it is not written here. */
export function jaxActivation({ numpy, nn }: Jax, { name, alpha, beta }: ChosenActivation): JaxActivation | undefined {
  const affine: JaxActivation = (x) => numpy.add(numpy.multiply(x, alpha), beta);
  switch (name) {
    case 'tanh':
      return numpy.tanh;
    case 'sigmoid':
      return nn.sigmoid;
    case 'relu':
      return nn.relu;
    case 'softplus':
      return nn.softplus;
    case 'softsign':
      return nn.softSign;
    case 'leakyRelu':
      return (x) => nn.leakyRelu(x, alpha);
    case 'elu':
      return (x) => nn.elu(x, alpha);
    case 'hardSigmoid':
      return (x) => numpy.clip(affine(x), 0, 1);
    case 'affine':
      return affine;
    case 'scaledTanh':
      return (x) => numpy.multiply(numpy.tanh(numpy.multiply(x, beta)), alpha);
    case 'linear':
      return (x) => x;
    default:
      return undefined;
  }
}
