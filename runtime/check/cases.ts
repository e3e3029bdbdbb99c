/** Which options and sizes `check` tries: few enough to run everywhere, and all of them reproducible. */
import { RecurveError } from '../../codegen/errors.js';
import type { CellTree, OptionDeclaration, OptionValue, OptionValues, Signature } from '../../codegen/frontend/tree.js';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';

/** Assignments of several options at once, besides every value on its own. */
const COMBINATIONS = 8;

/**
 * The defaults, then every other option value on its own, then seeded combinations that between them meet
 * as many pairs of values as their number allows. Complete assignments, none twice.
 */
export function optionCases(tree: CellTree): OptionValues[] {
  const defaults = Object.fromEntries(tree.options.map((option) => [option.name, option.default]));
  const single = tree.options.flatMap((option) =>
    valuesOf(option)
      .filter((value) => value !== option.default)
      .map((value) => ({ ...defaults, [option.name]: value })),
  );
  const seen = new Set<string>();
  return [defaults, ...single, ...combinations(tree.options)].filter((options) => {
    const key = JSON.stringify(options);
    return !seen.has(key) && seen.add(key);
  });
}

/** Every value of a choice or flag; of a number the default, and where the range leaves room one more. */
function valuesOf(option: OptionDeclaration): readonly OptionValue[] {
  if (option.kind === 'choice') return option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  return [...new Set([option.default, otherNumber(option)])];
}

function otherNumber(option: Extract<OptionDeclaration, { kind: 'real' | 'integer' }>): number {
  const { default: standard, min, max } = option;
  if (option.kind === 'integer')
    return min !== undefined && min !== standard ? min : max === undefined || standard < max ? standard + 1 : standard;
  if (min !== undefined && max !== undefined) return standard === (min + max) / 2 ? min + 0.75 * (max - min) : (min + max) / 2;
  // 0.5 as a limit on pre-activations is met by about half of them, which is what finds mistakes.
  if (min !== undefined) return standard === min + 0.5 ? min + 1 : min + 0.5;
  return max === undefined || standard + 0.5 <= max ? standard + 0.5 : max - 0.5;
}

/** Greedy: of sixty-four random assignments, again and again the one with most pairs of values not met yet. */
function combinations(options: readonly OptionDeclaration[]): OptionValues[] {
  if (options.length < 2) return [];
  const random = mulberry32(options.length);
  const candidates = Array.from({ length: 64 }, () =>
    Object.fromEntries(
      options.map((option) => {
        const values = valuesOf(option);
        return [option.name, values[Math.floor(random() * values.length)] ?? option.default];
      }),
    ),
  );
  const met = new Set<string>();
  const chosen: OptionValues[] = [];
  while (chosen.length < COMBINATIONS) {
    const ranked = candidates
      .map((candidate) => ({ candidate, fresh: pairs(candidate).filter((pair) => !met.has(pair)) }))
      .sort((a, b) => b.fresh.length - a.fresh.length);
    const best = ranked[0];
    if (best === undefined || best.fresh.length === 0) break;
    for (const pair of best.fresh) met.add(pair);
    chosen.push(best.candidate);
  }
  return chosen;
}

function pairs(options: OptionValues): string[] {
  const entries = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return entries.flatMap((first, index) => entries.slice(index + 1).map((second) => `${first} ${second}`));
}

/** A small seeded generator, uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `others`: dims besides I and H, in declared order, repeated from the front when there are more. */
interface ShapeCase {
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly others: readonly number[];
}

/** For every assignment of options: all ones; odd; H above a workgroup of 64 with the inner axis no multiple of 4. */
const SHAPES: readonly ShapeCase[] = [
  { T: 1, B: 1, I: 1, H: 1, others: [1] },
  { T: 5, B: 3, I: 3, H: 5, others: [3, 7, 2] },
  { T: 7, B: 3, I: 5, H: 33, others: [17, 9, 6] },
  { T: 3, B: 2, I: 34, H: 70, others: [19, 35, 66] },
];

/** For the defaults besides: many steps of one sequence, one step of many, H beyond 128 and 256. */
const MORE_SHAPES: readonly ShapeCase[] = [
  { T: 37, B: 1, I: 7, H: 9, others: [4, 11, 5] },
  { T: 1, B: 19, I: 2, H: 12, others: [8, 3, 13] },
  { T: 2, B: 5, I: 64, H: 64, others: [32, 64, 16] },
  { T: 2, B: 33, I: 3, H: 131, others: [65, 5, 130] },
  { T: 2, B: 2, I: 129, H: 260, others: [67, 257, 3] },
];

export type Breadth = 'every assignment' | 'defaults';

/**
 * Sizes to try, for the dims that the signature uses; those that follow from others are computed. Shapes that the
 * cell cannot have are left out.
 * @throws RecurveError `DIMS-RULE` where it can have none of them
 */
export function sizeCases(signature: Signature, breadth: Breadth): Sizes[] {
  const shapes = breadth === 'defaults' ? [...SHAPES, ...MORE_SHAPES] : SHAPES;
  const others = signature.dims.filter((dim) => dim !== 'I' && dim !== 'H');
  let refusal: RecurveError | undefined;
  const cases = shapes.flatMap((shape) => {
    const size = (dim: string) => {
      if (dim === 'I' || dim === 'H') return shape[dim];
      return shape.others[others.indexOf(dim) % shape.others.length] ?? 1;
    };
    const suggested = { T: shape.T, B: shape.B, ...Object.fromEntries(signature.dims.map((dim) => [dim, size(dim)])) };
    try {
      return [chooseSizes(signature.rules, suggested)];
    } catch (error) {
      if (!(error instanceof RecurveError) || error.code !== 'DIMS-RULE') throw error;
      refusal = error;
      return [];
    }
  });
  if (cases.length === 0 && refusal !== undefined) throw refusal;
  return cases;
}
