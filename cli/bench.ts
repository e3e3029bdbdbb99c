/** `recurve bench`: timings on this adapter, beside a peer where one is asked for. */
import { resolveOptions } from '../codegen/index.js';
import { loadCell } from './cells.js';
import type { Context, Outcome } from './context.js';
import type { Flags } from './program.js';

/** @throws RecurveError, SpecError */
export async function bench(
  context: Context,
  cells: readonly string[],
  flags: Flags & { readonly against?: string },
): Promise<Outcome> {
  throw new Error('not wired yet');
}
