/** `recurve import` of a whole stack: weights of all layers and directions in one file, for `recurve run stack`. */
import { shapeText } from '../runtime/interop/describe.js';
import { convertStack, type ReadStack, type STACK_FORMATS, stackSizes } from '../runtime/interop/index.js';
import { optionFlags } from '../runtime/interop/stack/describe.js';
import type { Context, Outcome } from './context.js';
import { nextRun, store } from './import-store.js';
import { CellShelf } from './shelf.js';

export type StackFormat = (typeof STACK_FORMATS)[number];

/**
 * @param as whose layout and names it is written in, as they are there
 * @throws RecurveError `WEIGHTS-*` where the model cannot take the weights, or `as` cannot say them, `DATA-WRITE`
 */
export async function writeStack(
  context: Context,
  file: ReadStack,
  { out, as }: { readonly out: string; readonly as?: StackFormat | undefined },
): Promise<Outcome> {
  const { options, reverse, initial, readAs, notes, merge } = file;
  // What is written can be run: held to the model now, and not only when somebody needs it.
  const { face } = new CellShelf(context.io.cwd).get('stack', merge === undefined ? options : { ...options, merge: 'sum' });
  const { T: _T, B: _B, ...dims } = stackSizes(file.weights, face);
  const weights = as === undefined ? file.weights : convertStack(file.weights, as, face);
  const { path, shown, names } = await store(
    context,
    out,
    { cell: 'stack', options, reverse, initial, weights },
    as === undefined ? 'weights.' : '',
  );
  const sizes = Object.entries(dims).map(([dim, size]) => ` ${dim}=${size}`);
  const states = Object.entries(initial.state).map(([name, { shape }]) => `state.${name} ${shapeText(shape)}`);
  return {
    document: { ok: true, cell: 'stack', options, reverse, dims, tensors: names, readAs, notes, out: path },
    text: [
      `wrote ${shown}: ${[`${Object.keys(weights.tensors).length} tensors`, ...states].join(', ')},${sizes.join('')}`,
      ...(readAs === undefined ? [] : [`read as ${readAs}`]),
      ...notes,
      `run takes over: ${optionFlags({ options, reverse })}`,
      nextRun('stack', shown),
    ].join('\n'),
  };
}
