/** `recurve run --random`: a first run, without a data file. */
import type { Sizes } from '../codegen/plan.js';
import type { Dialect, RunRequest } from '../runtime/interop/index.js';
import { randomData } from '../runtime/random.js';
import { fillSizes } from './arguments.js';
import type { ReadyCell } from './shelf.js';

export interface Drawn {
  readonly request: RunRequest;
  /** Of all dims. */
  readonly sizes: Sizes;
}

/** Before the cell and its sizes are known: nothing but how its parameters are drawn. */
export function startRandom(seed: number): RunRequest {
  return { options: {}, inputs: {}, state: {}, init: { seed } };
}

/**
 * Inputs and initial state as `check` draws them, within their declared ranges, for sequences of full length. What `--weights`
 * put into the request stays, and tells its sizes.
 *
 * @param given sizes of `--dims`; the others are those of the weights, or the defaults
 * @throws RecurveError `DIMS-*`, `WEIGHTS-*`
 */
export function drawRequest(
  request: RunRequest,
  { face, dialect }: ReadyCell & { readonly dialect: Dialect },
  given: Sizes | undefined,
  seed: number,
): Drawn {
  const { signature, outputs } = face;
  const { weights } = request;
  const told = weights && dialect.sizes(weights, face);
  const sizes = fillSizes(signature, { ...given, ...told });
  const drawn = randomData(signature, sizes, outputs, { seed, gradients: false });
  const { inputs, state } = dialect.drawn(drawn.inputs);
  return {
    request: {
      ...request,
      inputs,
      state: { ...drawn.state, ...state, ...request.state },
      ...(drawn.seed === undefined ? {} : { seed: drawn.seed }),
    },
    sizes,
  };
}
