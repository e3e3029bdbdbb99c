/** The vocabulary and what is derived from it are in step: whoever adds an op is told what is missing, and where. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { INITS, TYPES, VALUE_EXPORTS } from '../../../codegen/frontend/language/vocabulary.js';
import { declarations } from '../../../codegen/ops/declarations.js';
import { argumentsOf, functions, nameOf, operations, ops } from '../../../codegen/ops/index.js';
import type { FunctionRecord, OpRecord } from '../../../codegen/ops/record.js';
import { callsIn, definitions } from '../../../codegen/ops/wgsl/index.js';
import * as language from '../../../kernels/language.js';

const source = (file: string) => readFileSync(new URL(`../../../kernels/${file}`, import.meta.url), 'utf8');
const records: readonly (readonly [string, OpRecord])[] = Object.entries(ops);
const named: readonly (readonly [string, FunctionRecord])[] = Object.entries(functions);

/** Types that a file declares and exports, or passes on. */
function exportedTypes(name: string): string[] {
  const { statements } = ts.createSourceFile(name, source(name), ts.ScriptTarget.Latest);
  return statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement) && statement.isTypeOnly && statement.exportClause !== undefined)
      return ts.isNamedExports(statement.exportClause) ? statement.exportClause.elements.map((each) => each.name.text) : [];
    if (!ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement)) return [];
    const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return exported ? [statement.name.text] : [];
  });
}

describe('kernels/functions.ts', () => {
  it('declares what the records say: after a change `npm run declarations` writes it', () => {
    expect(source('functions.ts')).toBe(declarations());
  });
});

describe('kernels/language.ts', () => {
  it('exports what a spec can import and nothing else', () => {
    expect(Object.keys(language).toSorted()).toEqual([...VALUE_EXPORTS].toSorted());
  });

  it('exports the types that a spec can import and no others', () => {
    const exported = ['language.ts', 'model-language.ts'].flatMap(exportedTypes);
    expect(exported.toSorted()).toEqual([...TYPES].toSorted());
  });

  it('lists the inits that the compiler knows', () => {
    const [, list = ''] = /export type Init = ([^;]*) \| number;/.exec(source('language.ts')) ?? [];
    expect(list.split(' | ')).toEqual(INITS.map((init) => `'${init}'`));
  });
});

describe('a record', () => {
  it.each(named)('%s has as many parameters as arguments, a use, points and ranges', (name, record) => {
    expect(record.parameters).toHaveLength(record.arity);
    expect(argumentsOf(record)[1]).toBe(record.arity);
    expect(record.cases.expression, 'an expression of `a` and `b` that calls it').toMatch(
      name === 'select' ? /\?/ : new RegExp(`\\b${name}\\(`),
    );
    if (name !== 'select') expect(record.cases.random.join(), 'ways in which random cells write it').toContain(`${name}(`);
    for (const point of record.cases.points) expect(point).toHaveLength(record.arity);
    expect(record.cases.precision).not.toEqual([]);
  });

  it.each(Object.entries(operations))('%s, an operator, has a use', (_, { cases }) => {
    expect(cases.expression).not.toBe('');
  });

  it.each(records)('%s calls only WGSL functions that are defined', (name, record) => {
    const text = record.wgsl(...['a', 'b', 'c'].slice(0, record.arity));
    const defined = definitions(callsIn(text)).map((definition) => definition.text);
    for (const call of callsIn(defined.join('\n') + text)) expect(defined.join('\n')).toContain(`fn ${call}(`);
    expect(nameOf(record)).toBe(name);
  });

  it.each(records)('%s lies where its range says', (name, { arity, fold, range }) => {
    const bounds = [-3, -1, -0.5, 0, 0.5, 1, 4];
    const intervals = bounds.flatMap((low) => bounds.filter((high) => high >= low).map((high) => ({ low, high, wild: false })));
    const inside = ({ low, high }: { low: number; high: number }) => [low, (low + high) / 2, high];
    // Every interval for the first argument, a few for the others.
    const few = intervals.filter((_, position) => position % 9 === 0);
    for (const a of intervals)
      for (const b of arity > 1 ? few : intervals.slice(0, 1))
        for (const c of arity > 2 ? few : intervals.slice(0, 1)) {
          const { low, high, wild } = range(a, b, c);
          for (const x of inside(a))
            for (const y of arity > 1 ? inside(b) : [0])
              for (const z of arity > 2 ? inside(c) : [0]) {
                const value = fold(x, y, z);
                const says = `${name} of ${[x, y, z].slice(0, arity)} is ${value}, and is said to lie from ${low} to ${high}`;
                if (!wild) expect(value >= low - 1e-12 && value <= high + 1e-12, says).toBe(true);
              }
        }
  });
});

describe('a WGSL function', () => {
  it('that nobody defined is refused by its name', () => {
    expect(() => callsIn('rc_nothing(x)')).toThrow('no WGSL function rc_nothing: define it in codegen/ops/wgsl');
  });

  it('is found in the text of its caller, and what that calls too', () => {
    const texts = definitions(callsIn('rc_log1p(x)')).map(({ text }) => text);
    expect(texts.map((text) => /fn (rc_\w+)\(/.exec(text)?.[1]).toSorted()).toEqual(['rc_log', 'rc_log1p', 'rc_log1p_near']);
  });
});
