import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeOptions, lower, parseCell, resolveOptions, resolveSignature } from '../../../codegen/frontend/index.js';
import type { CellTree, OptionDeclaration, OptionValue, OptionValues } from '../../../codegen/frontend/tree.js';
import { assignmentsOf, leastSize, MOST_ASSIGNMENTS, planCases, sizeCases, valuesOf } from '../../../runtime/check/index.js';
import { builtInCells } from '../../../runtime/node/cells.js';

const span = { file: '', line: 1, column: 1, length: 1 };

function builtIn(name: string): CellTree {
  const path = builtInCells().find((cell) => cell.name === name)?.path;
  if (path === undefined) throw new Error(`no cell ${name}`);
  return parseCell(path);
}

describe('assignments of options', () => {
  const possible = (tree: CellTree) => (options: OptionValues) => {
    try {
      lower(tree, resolveSignature(tree, options));
      return true;
    } catch {
      return false;
    }
  };
  /** Whether an assignment takes a value; `undefined` is the default, which may go with the values of others. */
  const takes = (tree: CellTree, given: OptionValues, { name }: OptionDeclaration, value: OptionValue | undefined) => {
    const others = Object.fromEntries(Object.entries(given).filter(([other]) => other !== name));
    return given[name] === (value ?? completeOptions(tree.options, others)[name]);
  };
  /** Every two values of two options that may be taken together, and do not meet. */
  const notMet = (tree: CellTree, all: readonly OptionValues[]) => {
    const allowed = possible(tree);
    return tree.options.flatMap((first, index) =>
      tree.options.slice(index + 1).flatMap((second) =>
        valuesOf(first).flatMap((a) =>
          valuesOf(second).flatMap((b) => {
            if (all.some((given) => takes(tree, given, first, a) && takes(tree, given, second, b))) return [];
            const chosen = [...(a === undefined ? [] : [[first.name, a]]), ...(b === undefined ? [] : [[second.name, b]])];
            const pair = completeOptions(tree.options, Object.fromEntries(chosen) as OptionValues);
            return allowed(pair) ? [`${first.name}=${a} ${second.name}=${b}`] : [];
          }),
        ),
      ),
    );
  };

  it.each(builtInCells().map(({ name }) => name))(
    'let every two values of any two options of %s meet, the defaults first',
    (name) => {
      const tree = builtIn(name);
      const { options: all, sampledOf } = assignmentsOf(tree, 'sample', possible(tree));
      expect(sampledOf).toBeUndefined();
      expect(all[0]).toEqual(resolveOptions(tree, {}));
      expect(new Set(all.map((options) => JSON.stringify(options))).size).toBe(all.length);
      expect(notMet(tree, all)).toEqual([]);
      for (const option of tree.options) {
        for (const value of valuesOf(option)) expect(all.some((given) => takes(tree, given, option, value))).toBe(true);
      }
    },
  );

  it('are few: beside a table of all pairs of two activations, no other pair takes many more', () => {
    for (const name of ['lstm', 'gru', 'tcn', 'rnn', 'sru', 'jordan']) {
      const tree = builtIn(name);
      const [most = 1, second = 1] = tree.options.map((option) => valuesOf(option).length).sort((a, b) => b - a);
      expect(assignmentsOf(tree).options.length, name).toBeLessThanOrEqual(1.4 * most * second);
    }
  });

  it('are the same every time', () => {
    expect(assignmentsOf(builtIn('lstm'))).toEqual(assignmentsOf(builtIn('lstm')));
  });

  it('leave out what a cell refuses together, and lose no pair beside it', () => {
    const flag = (name: string): OptionDeclaration => ({ name, span, kind: 'flag', default: false });
    const options = [
      flag('a'),
      flag('b'),
      flag('c'),
      { name: 'k', span, kind: 'choice', values: ['x', 'y', 'z'], default: 'x' } as const,
    ];
    const allowed = (given: OptionValues) => !(given.a === true && given.b === true) && !(given.c === true && given.k === 'z');
    const all = assignmentsOf({ options }, 'sample', allowed).options;
    for (const given of all) expect(allowed(given)).toBe(true);
    const met = (one: string, two: string) =>
      all.some((given) => [one, two].every((part) => part.split('=')[1] === String(given[part.split('=')[0] ?? ''])));
    for (const pair of [
      'a=true c=true',
      'b=true c=true',
      'a=true k=z',
      'b=true k=z',
      'c=true k=y',
      'c=false k=z',
      'a=false b=true',
    ])
      expect(met(...(pair.split(' ') as [string, string])), pair).toBe(true);
  });

  it('of very many are a sample, unless all are asked for', () => {
    const wide = (name: string): OptionDeclaration => ({
      name,
      span,
      kind: 'choice',
      values: Array.from({ length: 20 }, (_, at) => `v${at}`),
      default: 'v0',
    });
    const options = ['a', 'b', 'c'].map(wide);
    const sampled = assignmentsOf({ options });
    expect(sampled.sampledOf).toBe(400);
    expect(sampled.options[0]).toEqual({ a: 'v0', b: 'v0', c: 'v0' });
    expect(sampled.options.length).toBeLessThanOrEqual(MOST_ASSIGNMENTS);
    for (const name of ['a', 'b', 'c']) expect(new Set(sampled.options.map((given) => given[name])).size).toBe(20);
    const all = assignmentsOf({ options }, 'all');
    expect(all.sampledOf).toBeUndefined();
    expect(new Set(all.options.map(({ a, c }) => `${a} ${c}`)).size).toBe(400);
  });

  it('stay within the range of numbers, whatever the range', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -9, max: 9 }),
        fc.nat(5),
        fc.nat(5),
        fc.constantFrom('real', 'integer'),
        fc.nat(3),
        (middle, below, above, kind, bounds) => {
          const range = { ...(bounds & 1 ? { min: middle - below } : {}), ...(bounds & 2 ? { max: middle + above } : {}) };
          const option: OptionDeclaration = { name: 'n', span, kind: kind as 'real' | 'integer', default: middle, ...range };
          for (const { n } of assignmentsOf({ options: [option] }).options) {
            expect(n).toBeGreaterThanOrEqual(range.min ?? Number.NEGATIVE_INFINITY);
            expect(n).toBeLessThanOrEqual(range.max ?? Number.POSITIVE_INFINITY);
            if (kind === 'integer') expect(Number.isInteger(n)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('cases', () => {
  it('take every assignment once, at sizes that take turns, and the defaults at all that are left', () => {
    const tree = builtIn('tcn');
    const all = assignmentsOf(tree).options.map((options) => {
      const signature = resolveSignature(tree, options);
      return { signature, sizes: sizeCases(signature) };
    });
    const cases = planCases(all);
    expect(cases.slice(0, all.length).map(({ signature }) => signature)).toEqual(all.map(({ signature }) => signature));
    const shapes = new Set(cases.map(({ sizes }) => JSON.stringify([sizes.T, sizes.B, sizes.H ?? sizes.O])));
    expect(shapes.size).toBe(8);
    for (const option of tree.options) {
      for (const value of new Set(all.map(({ signature }) => signature.options[option.name]))) {
        const own = cases.filter(({ signature }) => signature.options[option.name] === value);
        expect(new Set(own.map(({ sizes }) => JSON.stringify(sizes))).size).toBeGreaterThan(1);
      }
    }
    const one = all.slice(0, 1);
    expect(planCases(one).map(({ sizes }) => sizes)).toEqual(one[0]?.sizes);
  });
});

describe('size cases', () => {
  const tree = builtIn('lstm');
  const signature = resolveSignature(tree, resolveOptions(tree, { projection: true }));

  it('have T=1, B=1, an odd size and one above a workgroup for every assignment', () => {
    const cases = sizeCases(signature);
    expect(cases.some(({ T }) => T === 1)).toBe(true);
    expect(cases.some(({ B }) => B === 1)).toBe(true);
    expect(cases.some(({ H = 0 }) => H % 2 === 1 && H > 1)).toBe(true);
    expect(cases.some(({ H = 0 }) => H > 64)).toBe(true);
    for (const sizes of cases) expect(Object.keys(sizes)).toEqual(['T', 'B', 'I', 'H', 'P']);
  });

  it('begin at 7 where the step reduces over units, at 1 elsewhere, and stay different', () => {
    const sizes = (options: Record<string, string>) => {
      const chosen = resolveSignature(tree, resolveOptions(tree, options));
      return sizeCases(chosen, leastSize(lower(tree, chosen)));
    };
    expect(sizes({ layerNorm: 'ba' }).slice(0, 2)).toMatchObject([
      { T: 5, B: 3, I: 9, H: 11 },
      { T: 1, B: 1, I: 7, H: 7 },
    ]);
    expect(sizes({}).slice(0, 2)).toMatchObject([
      { T: 5, B: 3, I: 3, H: 5 },
      { T: 1, B: 1, I: 1, H: 1 },
    ]);
  });

  it('leave out dims that the assignment does not use', () => {
    const plain = resolveSignature(tree, resolveOptions(tree, {}));
    expect(Object.keys(sizeCases(plain)[0] ?? {})).toEqual(['T', 'B', 'I', 'H']);
  });

  it('compute what follows from other sizes, and leave out shapes that the cell cannot have', () => {
    const sum = {
      constant: 0,
      terms: [
        { dim: 'I', factor: 1 },
        { dim: 'H', factor: 1 },
      ],
    };
    const joined = { dim: 'P', relation: 'equal', value: sum, divisor: 1, by: 'concat', span } as const;
    for (const { I = 0, H = 0, P } of sizeCases({ ...signature, rules: [joined] })) expect(P).toBe(I + H);
    const one = {
      ...joined,
      dim: '8',
      value: {
        constant: 0,
        terms: [
          { dim: 'H', factor: 1 },
          { dim: 'I', factor: 1 },
        ],
      },
    };
    const fitting = sizeCases({ ...signature, rules: [one] });
    expect(fitting.map(({ I, H }) => [I, H])).toEqual([[3, 5]]);
    expect(() => sizeCases({ ...signature, rules: [{ ...one, dim: '7' }] })).toThrow(/needs an axis of/);
  });
});
