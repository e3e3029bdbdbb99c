import { constantOf } from '../codegen/frontend/index.js';
import type { TensorDeclaration } from '../codegen/frontend/tree.js';

/** What is said of a tensor besides its shape: `not trained`, `starts at 1`, `drawn from 0 to 1`. */
export function tensorNotes({ init, range, trainable }: TensorDeclaration, kind: 'input' | 'state' | 'param'): string {
  const start = kind === 'state' ? (constantOf(init) ?? 0) : 0;
  return [
    ...(trainable ? [] : ['not trained']),
    ...(start === 0 ? [] : [`starts at ${start}`]),
    ...(range === undefined ? [] : [`drawn from ${range[0]} to ${range[1]}`]),
  ].join(', ');
}
