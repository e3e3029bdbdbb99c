/** Which of our models are written in the operations of tfjs. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { CellData } from '../../../runtime/data.js';
import type { Network } from './network.js';
import { stackNetwork } from './stack.js';
import { translatorNetwork } from './translator.js';

export type { Network } from './network.js';

/** The model as tfjs computes it, or a sentence that says why it is not written for it. */
export function networkOf(signature: Signature, data: CellData): Network | string {
  const network = written(signature, data);
  if (typeof network === 'string') return network;
  const trained = signature.params.filter(({ trainable }) => trainable);
  const same = sameNames(network.params, trained) && sameNames(network.inputs, signature.inputs);
  return same ? network : `this ${signature.name} takes other tensors than the built-in model of its name`;
}

function written(signature: Signature, data: CellData): Network | string {
  switch (signature.name) {
    case 'stack':
      return stackNetwork(signature);
    case 'translator':
      return translatorNetwork(signature, data);
    default:
      return `the model ${signature.name} is not written in its operations`;
  }
}

function sameNames(names: readonly string[], declared: readonly { readonly name: string }[]): boolean {
  return names.length === declared.length && declared.every(({ name }) => names.includes(name));
}
