import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInCells } from '../../../cli/cells.js';
import { lower, parseCell, resolveOptions, resolveSignature } from '../../../codegen/frontend/index.js';
import type { CellTree, OptionDeclaration } from '../../../codegen/frontend/tree.js';
import { leastSize, optionCases, sizeCases } from '../../../runtime/check/index.js';

function builtIn(name: string): CellTree {
  const path = builtInCells().find((cell) => cell.name === name)?.path;
  if (path === undefined) throw new Error(`no cell ${name}`);
  return parseCell(path);
}

describe('option cases', () => {
  it.each(['rnn', 'gru', 'lstm'])('begin with the defaults of %s, meet every value and repeat nothing', (name) => {
    const tree = builtIn(name);
    const cases = optionCases(tree);
    expect(cases[0]).toEqual({ options: resolveOptions(tree, {}), breadth: 'defaults' });
    expect(new Set(cases.map(({ options }) => JSON.stringify(options))).size).toBe(cases.length);
    for (const option of tree.options) {
      const met = new Set(cases.map(({ options }) => options[option.name]));
      if (option.kind === 'choice') expect([...met].sort()).toEqual([...option.values].sort());
      else if (option.kind === 'flag' || option.per === undefined) expect(met.size).toBe(2);
      else expect([...met]).toEqual(expect.arrayContaining([option.default, ...Object.values(option.per.defaults)]));
    }
  });

  it('are the same every time', () => {
    expect(optionCases(builtIn('lstm'))).toEqual(optionCases(builtIn('lstm')));
  });

  it.each(['gru', 'lstm', 'tcn', 'sru'])('let every two values of any two options of %s meet', (name) => {
    const tree = builtIn(name);
    const cases = optionCases(tree);
    // A default that goes with one value of a choice need not meet everything else.
    const special = (option: OptionDeclaration): readonly unknown[] =>
      (option.kind === 'real' || option.kind === 'integer') && option.per ? Object.values(option.per.defaults) : [];
    const values = (option: OptionDeclaration) =>
      [...new Set(cases.map(({ options }) => options[option.name]))].filter((value) => !special(option).includes(value));
    const missing = tree.options.flatMap((first, index) =>
      tree.options
        .slice(index + 1)
        .flatMap((second) =>
          values(first).flatMap((a) =>
            values(second).flatMap((b) =>
              cases.some(({ options }) => options[first.name] === a && options[second.name] === b)
                ? []
                : [`${first.name}=${a} ${second.name}=${b}`],
            ),
          ),
        ),
    );
    expect(missing).toEqual([]);
    // A table of 121 pairs of activations takes 121 rows; the construction should not need many more.
    expect(cases.length).toBeLessThan(170);
  });

  it('meet flags together, not only one at a time', () => {
    const cases = optionCases(builtIn('lstm'));
    expect(cases).toContainEqual(
      expect.objectContaining({ options: expect.objectContaining({ peepholes: true, projection: true }) }),
    );
    expect(cases).toContainEqual(
      expect.objectContaining({ options: expect.objectContaining({ peepholes: true, coupled: true }) }),
    );
  });

  it('stay within the range of numbers, whatever the range', () => {
    const span = { file: '', line: 1, column: 1, length: 1 };
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
          for (const { n } of optionCases({ options: [option] }).map(({ options }) => options)) {
            expect(n).toBeGreaterThanOrEqual(range.min ?? Number.NEGATIVE_INFINITY);
            expect(n).toBeLessThanOrEqual(range.max ?? Number.POSITIVE_INFINITY);
            if (kind === 'integer') expect(Number.isInteger(n)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('size cases', () => {
  const tree = builtIn('lstm');
  const signature = resolveSignature(tree, resolveOptions(tree, { projection: true }));

  it('have T=1, B=1, an odd size and one above a workgroup for every assignment', () => {
    const cases = sizeCases(signature, 'every value');
    expect(cases.some(({ T }) => T === 1)).toBe(true);
    expect(cases.some(({ B }) => B === 1)).toBe(true);
    expect(cases.some(({ H = 0 }) => H % 2 === 1 && H > 1)).toBe(true);
    expect(cases.some(({ H = 0 }) => H > 64)).toBe(true);
    for (const sizes of cases) expect(Object.keys(sizes)).toEqual(['T', 'B', 'I', 'H', 'P']);
  });

  it('begin at 7 where the step reduces over units, at 1 elsewhere, and stay different', () => {
    const sizes = (options: Record<string, string>) => {
      const chosen = resolveSignature(tree, resolveOptions(tree, options));
      return sizeCases(chosen, 'every value', leastSize(lower(tree, chosen)));
    };
    expect(sizes({ layerNorm: 'ba' }).slice(0, 2)).toMatchObject([
      { T: 1, B: 1, I: 7, H: 7 },
      { T: 5, B: 3, I: 9, H: 11 },
    ]);
    expect(sizes({}).slice(0, 2)).toMatchObject([
      { T: 1, B: 1, I: 1, H: 1 },
      { T: 5, B: 3, I: 3, H: 5 },
    ]);
  });

  it('leave out dims that the assignment does not use', () => {
    const plain = resolveSignature(tree, resolveOptions(tree, {}));
    expect(Object.keys(sizeCases(plain, 'defaults')[0] ?? {})).toEqual(['T', 'B', 'I', 'H']);
  });

  it('compute what follows from other sizes, and leave out shapes that the cell cannot have', () => {
    const { span } = tree;
    const sum = {
      constant: 0,
      terms: [
        { dim: 'I', factor: 1 },
        { dim: 'H', factor: 1 },
      ],
    };
    const joined = { dim: 'P', relation: 'equal', value: sum, divisor: 1, by: 'concat', span } as const;
    for (const { I = 0, H = 0, P } of sizeCases({ ...signature, rules: [joined] }, 'every value')) expect(P).toBe(I + H);
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
    const fitting = sizeCases({ ...signature, rules: [one] }, 'every value');
    expect(fitting.map(({ I, H }) => [I, H])).toEqual([[3, 5]]);
    expect(() => sizeCases({ ...signature, rules: [{ ...one, dim: '7' }] }, 'every value')).toThrow(/needs an axis of/);
  });
});
