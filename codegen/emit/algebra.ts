/** How the kernels of a scan put steps and stretches behind each other, in the algebra of what they carry. */
import type { Algebra, ScanGroup } from '../schedule/scan.js';

/** What a stretch keeps of how an old value comes into a new one: the factor, and what rounding left out of it. */
export type Part = 'factor' | 'tail';

/** A product: the factor of step and what it is multiplied with, by name. */
interface Term {
  readonly factor: string;
  readonly of: (part: Part | 'rest') => string;
}

/**
 * WGSL of one algebra. A step's own factors and rests are a0_0, b0 …; those of several steps f0_0, g0_0 (its tail) and r0; what a stretch
 * begins with is h0.
 */
interface AlgebraText {
  readonly parts: readonly Part[];
  /** Which functions its template has. */
  readonly tropical: boolean;
  /** The factor of what stays as it is, and what is made of nothing. */
  readonly one: string;
  readonly none: string;
  /** Declares f0_0 …, by their indices as they are written. */
  readonly product: (index: string, terms: readonly Term[]) => readonly string[];
  /** The rest of several steps: what comes of the rests of those before, and the last one's own. */
  readonly restOf: (terms: readonly Term[], own: readonly string[]) => string;
  /** What memory keeps of f0_0 …, and of a rest. */
  readonly kept: (index: string, place: (part: Part) => string) => readonly string[];
  readonly keptRest: (rest: string) => string;
  /** Whether numbers may be trusted to be what steps one by one would give, but for rounding. */
  readonly sure: (all: readonly number[]) => string;
  /** What the next stretch begins with. */
  readonly onward: (all: readonly number[], i: number) => string;
}

export const nameOf = (part: Part, i: number, j: number): string => `${part}${i}_${j}`;
/** In the words of a stretch that is read. */
export const letter = { factor: 'f', tail: 'g' } as const satisfies Record<Part, string>;
export const rest = (i: number): string => `rest${i}`;

const allFinite = (all: readonly number[]) =>
  all.flatMap((i) => [...all.map((j) => `finite(f${i}_${j})`), `finite(r${i})`]).join(' && ');

const AFFINE: AlgebraText = {
  parts: ['factor', 'tail'],
  tropical: false,
  one: 'vec4f(1)',
  none: 'vec4f(0)',
  product: (index, terms) => [
    `var f${index} = vec4f(0);`,
    `var g${index} = vec4f(0);`,
    ...terms.map(({ factor, of }) => `added(&f${index}, &g${index}, ${factor}, ${of('factor')}, ${of('tail')});`),
  ],
  restOf: (terms, own) => {
    const sum = [...terms.map(({ factor, of }) => `passed(${factor}, ${of('rest')})`), ...own];
    return sum.length === 0 ? 'vec4f(0)' : sum.join(' + ');
  },
  kept: (index, place) => [
    `let whole${index} = factor${index} + tail${index};`,
    `${place('factor')} = whole${index};`,
    `${place('tail')} = tail${index} - (whole${index} - factor${index});`,
  ],
  keptRest: (own) => own,
  sure: allFinite,
  onward: (all, i) => {
    const through = (of: 'f' | 'g') => all.map((j) => `passed(${of}${i}_${j}, h${j})`).join(' + ');
    return `${through('f')} + (${through('g')} + r${i})`;
  },
};

const larger = (terms: readonly string[]) =>
  terms.length === 0 ? 'NEVER' : terms.reduce((sum, term) => `larger(${sum}, ${term})`);

/**
 * Rests are the phases' own numbers, for they add the same in the same order, and a maximum rounds nothing. What a stretch adds to what it
 * begins with is summed before it is added, and so rounded otherwise than step by step, but no further: its sums are differences of
 * values that the steps round. Where sums are exact (whole numbers, a running maximum) all bits are the same. Of two equal maxima
 * either is taken: they differ in the sign of zero at most.
 */
const MAX_PLUS: AlgebraText = {
  parts: ['factor'],
  tropical: true,
  one: 'vec4f(0)',
  none: 'NEVER',
  product: (index, terms) => [`let f${index} = ${larger(terms.map(({ factor, of }) => `along(${of('factor')}, ${factor})`))};`],
  restOf: (terms, own) => larger([...terms.map(({ factor, of }) => `later(${of('rest')}, ${factor})`), ...own]),
  kept: (index, place) => [`${place('factor')} = factor${index};`],
  // Steps that leave −∞ leave nothing: no number is less.
  keptRest: (own) => `select(${own}, NEVER, ${own} < NEVER)`,
  // Where nothing at all comes out the step's own −∞ does, and from what is no number, or ∞, whatever the steps make of it.
  sure: (all) =>
    [
      allFinite(all),
      ...all.map((i) => `all(h${i} <= -NEVER)`),
      ...all.map((i) => `all(${[...all.map((j) => `(f${i}_${j} != NEVER)`), `(r${i} != NEVER)`].join(' | ')})`),
    ].join(' && '),
  onward: (all, i) => larger([...all.map((j) => `later(h${j}, f${i}_${j})`), `r${i}`]),
};

export const algebraText = ({ algebra }: { readonly algebra: Algebra }): AlgebraText =>
  algebra === 'affine' ? AFFINE : MAX_PLUS;

/** Puts a step's own factors and rests behind those of the steps so far. */
export function composition(group: ScanGroup): string[] {
  const { parts, product, restOf } = algebraText(group);
  const all = group.carried.map((_, index) => index);
  const terms = (i: number, j: number): Term[] =>
    all.flatMap((k) => {
      const of = (part: Part | 'rest') => (part === 'rest' ? rest(k) : nameOf(part, k, j));
      return group.factors[i]?.[k] === undefined ? [] : [{ factor: `a${i}_${k}`, of }];
    });
  return [
    ...all.flatMap((i) => [
      ...all.flatMap((j) => product(`${i}_${j}`, terms(i, j))),
      `let r${i} = ${restOf(terms(i, i), group.rests[i] === undefined ? [] : [`b${i}`])};`,
    ]),
    ...all.flatMap((i) => [
      ...all.flatMap((j) => parts.map((part) => `${nameOf(part, i, j)} = ${letter[part]}${i}_${j};`)),
      `${rest(i)} = r${i};`,
    ]),
  ];
}
