/** `--set` and `--dims` for several cells: what one of them has is for that cell, what none of them has is a mistake. */
import { type ErrorDetail, RecurveError } from '../codegen/errors.js';
import { resolveOptions, resolveSpec } from '../codegen/frontend/index.js';
import type { OptionValue, Signature, SpecTree } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import { didYouMean } from '../codegen/suggest.js';
import { dimsOf } from '../runtime/dims.js';
import type { Flags } from './flags.js';

export interface Chosen<Tree extends SpecTree> {
  readonly tree: Tree;
  /** With the options of `--set` that the cell has. */
  readonly signature: Signature;
  /** Those of `--dims` that the cell has. */
  readonly dims: Sizes;
}

/**
 * @param options of all cells, which `--set` overrules: those that a file of weights states
 * @throws RecurveError `OPTION-UNKNOWN`, `DIMS-UNKNOWN` for what no cell has; `OPTION-*`; SpecError
 */
export function chooseForEach<Tree extends SpecTree>(
  trees: readonly Tree[],
  { set = {}, dims = {} }: Pick<Flags, 'set' | 'dims'>,
  options: Readonly<Record<string, OptionValue>> = {},
): Chosen<Tree>[] {
  const optionsOf = (tree: Tree) => tree.options.map(({ name }) => name);
  refuseForeign(OPTIONS, trees.flatMap(optionsOf), Object.keys(set));
  const chosen = trees.map((tree) => {
    const own = { ...options, ...only(set, optionsOf(tree)) };
    return { tree, signature: resolveSpec(tree, resolveOptions(tree, own)) };
  });
  refuseForeign(
    DIMS,
    chosen.flatMap(({ signature }) => dimsOf(signature)),
    Object.keys(dims),
  );
  return chosen.map((one) => ({ ...one, dims: only(dims, dimsOf(one.signature)) }));
}

function only<T>(given: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

/** What a flag gives values to. */
interface Given {
  readonly flag: '--set' | '--dims';
  readonly what: 'option' | 'dim';
  readonly code: ErrorDetail['code'];
}

const OPTIONS: Given = { flag: '--set', what: 'option', code: 'OPTION-UNKNOWN' };
const DIMS: Given = { flag: '--dims', what: 'dim', code: 'DIMS-UNKNOWN' };

function refuseForeign({ flag, what, code }: Given, known: readonly string[], given: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new RecurveError({
    code,
    message: `${flag} gives the ${what} ${unknown}, which no cell here has`,
    fix: didYouMean(unknown, [...new Set(known)], `Leave ${unknown} out of ${flag}.`, ''),
    where: flag,
  });
}
