/** From a request to its response: finds the cell, binds the data to it, runs, and puts the results into the request's form. */
import { RecurveError } from '../codegen/errors.js';
import type { OptionValue } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import { causeOfNonFinite } from '../runtime/check/nonfinite.js';
import { refuseUnknownDims } from '../runtime/dims.js';
import { type Dialect, dialectOf, type RunRequest, type RunResponse, requireFinite } from '../runtime/interop/index.js';
import type { Engine } from './engine.js';
import type { Flags } from './flags.js';
import type { CellShelf, ReadyCell } from './shelf.js';

export interface Answered {
  readonly cell: string;
  readonly sizes: Sizes;
  /** Writing it in either form refuses what is not finite. */
  readonly response: RunResponse;
}

/**
 * Runs one request; gradients where it has cotangents.
 *
 * @param cell the positional argument; the request may name its own
 * @throws RecurveError `RUN-CELL`, `RUN-OPTION`, `RUN-DIMS`, `DIMS-UNKNOWN` and those of reading, binding, running
 */
export async function answer(
  request: RunRequest,
  cell: string | undefined,
  flags: Pick<Flags, 'dims' | 'set'>,
  shelf: CellShelf,
  engine: Engine,
): Promise<Answered> {
  const { tree, face, dialect } = readyFor(request, cell, flags, shelf);
  const { signature } = face;
  refuseUnknownDims(flags.dims ?? {}, signature, '--dims');
  const { sizes, data } = dialect.bind(request, face, flags.dims);
  try {
    const result = dialect.result(await engine.run({ tree, signature, sizes, data }));
    requireFinite(result, (tensor) => causeOfNonFinite(tree, signature, sizes, data, tensor));
    return { cell: signature.name, sizes, response: dialect.response(result, request, face, sizes) };
  } catch (cause) {
    throw isOutOfMemory(cause) ? tooLarge(sizes, cause) : cause;
  }
}

/** The cell that a request is for, with its options. @throws RecurveError `RUN-CELL`, `RUN-OPTION`, and those of the cell; SpecError */
export function readyFor(
  request: RunRequest,
  cell: string | undefined,
  { set = {} }: Pick<Flags, 'set'>,
  shelf: CellShelf,
): ReadyCell & { readonly dialect: Dialect } {
  const name = request.cell ?? cell;
  if (name === undefined) {
    throw new RecurveError({
      code: 'RUN-CELL',
      message: 'the request names no cell and no <cell> is given',
      fix: 'Write "cell": "lstm" into the request, or `recurve run lstm …`.',
      where: 'cell',
    });
  }
  const given = mergeOptions({ options: set, say: '--set gives' }, { options: request.options, say: 'the data says' });
  const ready = shelf.get(name, given);
  const dialect = dialectOf(ready.tree);
  return { ...shelf.get(name, dialect.options(request, given, ready.face.signature.options)), dialect };
}

/** An array that the engine refused to make; what it does not refuse may still end the process. */
function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof RangeError && /allocation failed|Invalid (typed )?array length|Invalid string length/.test(error.message)
  );
}

function tooLarge(sizes: Sizes, cause: unknown): RecurveError {
  const dims = Object.entries(sizes).map(([dim, size]) => `${dim}=${size}`);
  return new RecurveError(
    {
      code: 'DATA-TOO-LARGE',
      message: `results for ${dims.join(' ')} do not fit the memory`,
      fix: 'Send fewer sequences or steps at once.',
      where: 'inputs',
    },
    { cause },
  );
}

type Options = Readonly<Record<string, OptionValue>>;

/** Options and who gives them, for the message: `--set gives`, `the data says`. */
export interface Stated {
  readonly options: Options;
  readonly say: string;
}

/** @throws RecurveError `RUN-OPTION` where the two disagree */
export function mergeOptions(first: Stated, second: Stated): Options {
  for (const [option, value] of Object.entries(first.options)) {
    const other = Object.hasOwn(second.options, option) ? second.options[option] : undefined;
    if (other === undefined || String(other) === String(value)) continue;
    throw new RecurveError({
      code: 'RUN-OPTION',
      message: `${first.say} ${option}=${value}, but ${second.say} ${option} is ${other}`,
      fix: 'Leave one of them out.',
      where: option,
    });
  }
  return { ...first.options, ...second.options };
}
