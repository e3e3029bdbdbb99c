/** How the requests of a cell or model are written, and its results: the built-in model `stack` has a form of its own, as its frameworks have. */
import type { OptionValue, OptionValues, SpecTree } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { shippedPath } from '../../codegen/shipped.js';
import type { CellResult, Tensors } from '../data.js';
import { type BoundRequest, bindRequest, type CellInterface } from './bind.js';
import { type RunResponse, toResponse } from './response.js';
import { bindStack, stackDrawn, stackOptions, stackResponse, stackResult, stackSizes } from './stack/bind.js';
import type { RunRequest } from './types.js';
import { sizesFromWeights } from './weights/index.js';

type Given = Readonly<Record<string, OptionValue>>;

export interface Dialect {
  /** Options to compile with. @param given those that were stated @param chosen with the defaults of the others */
  options(request: RunRequest, given: Given, chosen: OptionValues): Given;
  /** As `bindRequest`. */
  bind(request: RunRequest, face: CellInterface, stated?: Sizes): BoundRequest;
  /** Sizes that weights fix. */
  sizes(weights: NonNullable<RunRequest['weights']>, face: CellInterface): Sizes;
  /** Inputs as they were drawn, and states among them. */
  drawn(inputs: Tensors): Pick<RunRequest, 'inputs' | 'state'>;
  /** Results by the names of requests. */
  result(result: CellResult): CellResult;
  /** As `toResponse`, of such results. */
  response(result: CellResult, request: RunRequest, face: CellInterface, sizes: Sizes): RunResponse;
}

const PLAIN: Dialect = {
  options: (_request, given) => given,
  bind: bindRequest,
  sizes: ({ format, tensors }, { signature }) => sizesFromWeights(format, signature.name, signature, tensors),
  drawn: (inputs) => ({ inputs, state: {} }),
  result: (result) => result,
  response: (result, request, { signature }, sizes) => toResponse(result, request, signature, sizes),
};

export function dialectOf(tree: SpecTree): Dialect {
  if (tree.kind !== 'model' || tree.file !== shippedPath('models', 'stack.model.ts')) return PLAIN;
  return {
    options: (request, given, chosen) => stackOptions(request, tree, given, chosen),
    bind: bindStack,
    sizes: stackSizes,
    drawn: stackDrawn,
    result: stackResult,
    response: stackResponse,
  };
}
