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

export const affine = (constant: number, terms: Affine['terms'] = []): Affine => ({ constant, terms });

export const negated = ({ constant, terms }: Affine): Affine => ({
  constant: 0 - constant,
  terms: terms.map(({ dim, factor }) => ({ dim, factor: -factor })),
});

/** @throws Error where a dim has no size: callers complete the sizes first */
export function sizeIn(sizes: Sizes, dim: string): number {
  const size = /^\d+$/.test(dim) ? Number(dim) : sizes[dim];
  if (size === undefined) throw new Error(`no size for dim ${dim}`);
  return size;
}

export function evaluateAffine({ constant, terms }: Affine, sizes: Sizes): number {
  return terms.reduce((sum, { dim, factor }) => sum + factor * sizeIn(sizes, dim), constant);
}

/** Dims whose size follows from others: nobody has to give them. */
export function derivedDims(rules: readonly SizeRule[]): ReadonlySet<string> {
  return new Set(rules.filter(({ relation, dim }) => relation === 'equal' && !/^\d+$/.test(dim)).map(({ dim }) => dim));
}

/**
 * The sizes with those that the rules derive; sizes that were given are held to the rules.
 * @throws RecurveError `DIMS-RULE`
 */
export function completeSizes(rules: readonly SizeRule[], given: Sizes): Sizes {
  const sizes: Record<string, number> = { ...given };
  const known = (dim: string) => /^\d+$/.test(dim) || sizes[dim] !== undefined;
  // A derived size may need another derived one: as many rounds as there are rules settle all of them.
  for (let round = 0; round < rules.length; round++) {
    for (const { dim, relation, value, divisor } of rules) {
      if (relation !== 'equal' || known(dim) || !value.terms.every((term) => known(term.dim))) continue;
      const size = Math.floor(evaluateAffine(value, sizes) / divisor);
      if (size >= 1) sizes[dim] = size;
    }
  }
  for (const rule of rules) check(rule, sizes, known);
  return sizes;
}

function check({ dim, relation, value, divisor, by, span }: SizeRule, sizes: Sizes, known: (dim: string) => boolean): void {
  if (!value.terms.every((term) => known(term.dim))) return;
  const wanted = Math.floor(evaluateAffine(value, sizes) / divisor);
  const named = known(dim) ? `${dim} = ${sizeIn(sizes, dim)}` : `a size for ${dim}`;
  const fits = known(dim) && (relation === 'equal' ? sizeIn(sizes, dim) === wanted : sizeIn(sizes, dim) >= wanted);
  if (fits) return;
  const others = value.terms.map((term) => `${term.dim} = ${sizeIn(sizes, term.dim)}`).join(', ');
  throw new RecurveError({
    code: 'DIMS-RULE',
    message: `\`${by}\` at ${span.file}:${span.line} needs ${dim} to be ${relation === 'equal' ? '' : 'at least '}${wanted}${others === '' ? '' : ` for ${others}`}, and there is ${named}`,
    fix: wanted < 1 ? 'Give larger sizes.' : `Give ${dim} = ${wanted}, or other sizes.`,
    where: dim,
  });
}
