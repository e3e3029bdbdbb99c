/** The signature of a cell: its declarations evaluated, and what its step asks of the dims. */
import { Diagnostics } from '../diagnostics/diagnostics.js';
import { Recovery } from '../diagnostics/recovery.js';
import type { CellTree, OptionValues, Signature } from '../tree.js';
import { lowerWith } from './lower.js';
import { signatureWith } from './signature.js';

/**
 * The signature of a cell under the given options (all of them, see `resolveOptions`).
 * @throws SpecError when a shape names an undeclared dim, an `init` or `when` has the wrong kind, and so on; mistakes
 *   of the step are left to `lower`
 */
export function resolveSignature(tree: CellTree, options: OptionValues): Signature {
  const diagnostics = new Diagnostics(tree.sources);
  const recovery = new Recovery();
  const { signature, bad } = signatureWith(tree, options, recovery, diagnostics.report, '');
  diagnostics.throwIfAny();
  // Dims of a slice or a convolution's result are named in the step only.
  const { dims, rules, rates } = lowerWith(tree, signature, { recovery, bad, report: () => {}, note: '' });
  const used = new Set([...signature.dims, ...dims]);
  return { ...signature, dims: tree.dims.map(({ name }) => name).filter((name) => used.has(name)), rules, rates: [...rates] };
}
