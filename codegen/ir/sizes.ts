/** Sizes of dims, and what must hold between them. A dim written in digits is its own size. */
import { RecurveError } from '../errors.js';
import type { Span } from '../frontend/tree.js';
import type { Sizes } from '../plan.js';

/** constant + Σ factor · size(dim). */
export interface Affine {
  readonly constant: number;
  readonly terms: readonly { readonly dim: string; readonly factor: number }[];
}

/** The size of `dim` is, or is at least, ⌊value / divisor⌋. */
export interface SizeRule {
  readonly dim: string;
  readonly relation: 'equal' | 'atLeast';
  readonly value: Affine;
  readonly divisor: number;
  /** `concat`, `conv1d`: what asks for it. */
  readonly by: string;
  readonly span: Span;
}

/** Whether a dim is its own size. */
export const isFixed = (dim: string): boolean => /^\d+$/.test(dim);

export const affine = (constant: number, terms: Affine['terms'] = []): Affine => ({ constant, terms });

export const negated = ({ constant, terms }: Affine): Affine => ({
  constant: 0 - constant,
  terms: terms.map(({ dim, factor }) => ({ dim, factor: -factor })),
});

/** @throws Error where a dim has no size: callers complete the sizes first */
export function sizeIn(sizes: Sizes, dim: string): number {
  const size = isFixed(dim) ? Number(dim) : sizes[dim];
  if (size === undefined) throw new Error(`no size for dim ${dim}`);
  return size;
}

export function evaluateAffine({ constant, terms }: Affine, sizes: Sizes): number {
  return terms.reduce((sum, { dim, factor }) => sum + factor * sizeIn(sizes, dim), constant);
}

/** Dims whose size follows from others: nobody has to give them. */
export function derivedDims(rules: readonly SizeRule[]): ReadonlySet<string> {
  return new Set(rules.filter(({ relation, dim }) => relation === 'equal' && !isFixed(dim)).map(({ dim }) => dim));
}

/**
 * Sizes that meet the rules: those that are given, those that follow from others, and the rest as suggested, or as
 * much larger as a slice or a convolution's kernel needs. In the order of `suggested`.
 * @throws RecurveError `DIMS-RULE` where the given ones cannot be met
 */
export function chooseSizes(rules: readonly SizeRule[], suggested: Sizes, given: Sizes = {}): Sizes {
  const derived = derivedDims(rules);
  const free = new Set(Object.keys(suggested).filter((dim) => !derived.has(dim) && given[dim] === undefined));
  const chosen = { ...Object.fromEntries([...free].map((dim) => [dim, sizeIn(suggested, dim)])), ...given };
  // Raising one size can break another rule, so this goes round; what no size mends is said by `completeSizes`.
  for (let round = 0; round < 4 * rules.length; round++) {
    const sizes = derive(rules, chosen);
    for (const rule of rules) raise(rule, sizes, chosen, free);
  }
  const sizes = completeSizes(rules, chosen);
  return Object.fromEntries(Object.keys({ ...suggested, ...sizes }).map((dim) => [dim, sizeIn(sizes, dim)]));
}

/** Raises a free size that is too small for a rule. */
function raise(
  { dim, relation, value, divisor }: SizeRule,
  sizes: Sizes,
  chosen: Record<string, number>,
  free: ReadonlySet<string>,
): void {
  if (!value.terms.every((term) => isKnown(sizes, term.dim))) return;
  const amount = evaluateAffine(value, sizes);
  const wanted = Math.floor(amount / divisor);
  if (relation === 'atLeast') {
    if (free.has(dim) && sizeIn(sizes, dim) < wanted) chosen[dim] = wanted;
    return;
  }
  const grown = value.terms.find((term) => free.has(term.dim) && term.factor > 0);
  if (wanted < 1 && grown !== undefined)
    chosen[grown.dim] = sizeIn(sizes, grown.dim) + Math.ceil((divisor - amount) / grown.factor);
}

/**
 * The sizes with those that the rules derive; sizes that were given are held to the rules.
 * @throws RecurveError `DIMS-RULE`
 */
export function completeSizes(rules: readonly SizeRule[], given: Sizes): Sizes {
  const sizes = derive(rules, given);
  for (const rule of rules) check(rule, sizes);
  return sizes;
}

/** The sizes with those that follow from them. */
function derive(rules: readonly SizeRule[], given: Sizes): Sizes {
  const sizes: Record<string, number> = { ...given };
  // A derived size may need another derived one: as many rounds as there are rules settle all of them.
  for (let round = 0; round < rules.length; round++) {
    for (const { dim, relation, value, divisor } of rules) {
      if (relation !== 'equal' || isKnown(sizes, dim) || !value.terms.every((term) => isKnown(sizes, term.dim))) continue;
      const size = Math.floor(evaluateAffine(value, sizes) / divisor);
      if (size >= 1) sizes[dim] = size;
    }
  }
  return sizes;
}

const isKnown = (sizes: Sizes, dim: string): boolean => isFixed(dim) || sizes[dim] !== undefined;

function check({ dim, relation, value, divisor, by, span }: SizeRule, sizes: Sizes): void {
  const known = (name: string) => isKnown(sizes, name);
  if (!value.terms.every((term) => known(term.dim))) return;
  const wanted = Math.floor(evaluateAffine(value, sizes) / divisor);
  const fits = known(dim) && (relation === 'equal' ? sizeIn(sizes, dim) === wanted : sizeIn(sizes, dim) >= wanted);
  if (fits) return;
  const named = isFixed(dim) ? `an axis of ${dim}` : known(dim) ? `${dim} = ${sizeIn(sizes, dim)}` : `no size for ${dim}`;
  const others = value.terms.map((term) => `${term.dim} = ${sizeIn(sizes, term.dim)}`).join(', ');
  const bound = `${relation === 'equal' ? '' : 'at least '}${wanted}`;
  throw new RecurveError({
    code: 'DIMS-RULE',
    message: `\`${by}\` at ${span.file}:${span.line} needs ${isFixed(dim) ? 'an axis' : dim} of ${bound}${others === '' ? '' : ` for ${others}`}, and there is ${named}`,
    fix: wanted < 1 ? 'Give larger sizes.' : isFixed(dim) ? 'Give other sizes.' : `Give ${dim} = ${wanted}, or other sizes.`,
    where: dim,
  });
}
