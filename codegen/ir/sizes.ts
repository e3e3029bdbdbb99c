/** Sizes of dims, and what must hold between them. A dim written in digits is its own size. */
import { RecurveError } from '../errors.js';
import type { Affine, SizeRule, Sizes } from '../frontend/tree.js';

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
export function chooseSizes(rules: readonly SizeRule[], suggested: Sizes, wanted: Sizes = {}): Sizes {
  const given = derive(rules, wanted);
  const free = freeDims(rules, Object.keys(suggested), given);
  const chosen = { ...Object.fromEntries([...free].map((dim) => [dim, sizeIn(suggested, dim)])), ...given };
  // A size that has no room grows by what is missing, or what it follows from does.
  const grow = (dim: string, missing: number): boolean => {
    if (free.has(dim)) chosen[dim] = (chosen[dim] ?? 0) + missing;
    if (free.has(dim) || given[dim] !== undefined) return free.has(dim);
    return rules.some((rule) => rule.dim === dim && rule.relation === 'equal' && growValue(rule, missing * rule.divisor));
  };
  const growValue = ({ value }: SizeRule, missing: number): boolean =>
    value.terms.some(({ dim, factor }) => factor > 0 && grow(dim, Math.ceil(missing / factor)));
  // One size at a time: growing it can mend or break other rules. What no size mends is said by `completeSizes`.
  for (let round = 0; round < 4 * rules.length; round++) {
    const sizes = derive(rules, chosen);
    if (!rules.some((rule) => mend(rule, sizes, grow, growValue))) break;
  }
  const sizes = completeSizes(rules, chosen);
  return Object.fromEntries(Object.keys({ ...suggested, ...sizes }).map((dim) => [dim, sizeIn(sizes, dim)]));
}

/** Dims that are neither given nor follow from others; of those that only follow from each other, the first. */
function freeDims(rules: readonly SizeRule[], dims: readonly string[], given: Sizes): ReadonlySet<string> {
  const free = new Set<string>();
  const derived = derivedDims(rules);
  const follows = (dim: string, from: string, seen: Set<string>): boolean =>
    rules.some(
      (rule) =>
        rule.dim === dim &&
        rule.relation === 'equal' &&
        rule.value.terms.some((term) => term.dim === from || leads(term.dim, from, seen)),
    );
  const leads = (dim: string, from: string, seen: Set<string>): boolean => {
    if (seen.has(dim) || free.has(dim) || given[dim] !== undefined) return false;
    return follows(dim, from, seen.add(dim));
  };
  for (const dim of dims) if (given[dim] === undefined && (!derived.has(dim) || follows(dim, dim, new Set()))) free.add(dim);
  return free;
}

/** Grows what a rule that does not hold lacks; whether anything grew. */
function mend(
  rule: SizeRule,
  sizes: Sizes,
  grow: (dim: string, missing: number) => boolean,
  growValue: (rule: SizeRule, missing: number) => boolean,
): boolean {
  const { dim, relation, value, divisor } = rule;
  if (!value.terms.every((term) => isKnown(sizes, term.dim))) return false;
  const amount = evaluateAffine(value, sizes);
  if (relation === 'equal') return amount < divisor && growValue(rule, divisor - amount);
  const missing = isKnown(sizes, dim) ? Math.floor(amount / divisor) - sizeIn(sizes, dim) : 0;
  return missing > 0 && grow(dim, missing);
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

/**
 * The sizes with those that follow from them, in either direction: of `N = 1 + M`, what `concat` says, N tells M and M
 * tells N. Where the rule rounds down, several sizes give the same, and none follows backwards.
 */
function derive(rules: readonly SizeRule[], given: Sizes): Sizes {
  const sizes: Record<string, number> = { ...given };
  // A derived size may need another derived one: as many rounds as there are rules settle all of them.
  for (let round = 0; round < rules.length; round++) {
    for (const { dim, relation, value, divisor } of rules) {
      if (relation !== 'equal') continue;
      const unknown = [...new Set(value.terms.map((term) => term.dim))].filter((name) => !isKnown(sizes, name));
      const [only] = unknown;
      if (only === undefined && !isKnown(sizes, dim)) {
        const size = Math.floor(evaluateAffine(value, sizes) / divisor);
        if (size >= 1) sizes[dim] = size;
      } else if (only !== undefined && unknown.length === 1 && divisor === 1 && isKnown(sizes, dim)) {
        const factor = value.terms.reduce((sum, term) => (term.dim === only ? sum + term.factor : sum), 0);
        const size = (sizeIn(sizes, dim) - evaluateAffine(value, { ...sizes, [only]: 0 })) / factor;
        if (Number.isInteger(size) && size >= 1) sizes[only] = size;
      }
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
