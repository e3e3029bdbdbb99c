/** The pages that are written from declarations; `npm run docs` brings them in step. Declarations are read from dist, as built. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiPage, isOfLanguage } from '../../cli/docs/api.js';
import { readEntries } from '../../cli/docs/exports.js';
import { languagePage } from '../../cli/docs/language.js';
import { VALUE_EXPORTS } from '../../codegen/frontend/language/vocabulary.js';
import { ownPackage } from '../../runtime/node/package.js';

const pageOf = (name: string) => readFileSync(join(ownPackage().root, 'docs', name), 'utf8');
const entries = readEntries();

describe('the entries', () => {
  it('are the four of the package, each with a comment that says what it is for', () => {
    expect(entries.map(({ name }) => name)).toEqual(['recurve', 'recurve/runtime', 'recurve/node', 'recurve/codegen']);
    for (const { documentation } of entries) expect(documentation.length).toBeGreaterThan(60);
  });

  it('document every name that they export, and every public member', () => {
    const bare = entries.flatMap((entry) =>
      entry.exported.flatMap(({ name, documentation, members }) => [
        ...(documentation === '' ? [`${entry.name}: ${name}`] : []),
        ...members.filter((member) => member.documentation === '').map((member) => `${entry.name}: ${name}.${member.name}`),
      ]),
    );
    expect(bare).toEqual([]);
    const members = entries.flatMap(({ exported }) => exported.flatMap((each) => each.members));
    expect(members.length).toBeGreaterThan(200);
  });
});

it('every type that the library names can be imported, and has a section', () => {
  const known = new Set(entries.flatMap(({ exported }) => exported.map(({ name }) => name)));
  for (const { name, exported } of entries) {
    if (name !== 'recurve/runtime' && name !== 'recurve/node') continue;
    const mentioned = exported.flatMap(({ name: by, mentions }) => mentions.map((type) => ({ by, type })));
    expect(mentioned.filter(({ type }) => !known.has(type))).toEqual([]);
    expect(mentioned.length).toBeGreaterThan(20);
  }
});

describe('docs/api.md', () => {
  it('is what `npm run docs` makes of the declarations', () => {
    expect(pageOf('api.md')).toBe(apiPage(entries));
  });

  it('has a section for every export but the functions of the language', () => {
    const headings = new Set([...pageOf('api.md').matchAll(/^### (\w+)$/gm)].map(([, name]) => name));
    for (const entry of entries) {
      for (const exported of entry.exported) {
        if (!isOfLanguage(entry, exported)) expect(headings).toContain(exported.name);
      }
    }
    expect(headings.size).toBeGreaterThan(80);
  });

  it('shows nothing that is private or for recurve alone', () => {
    expect(pageOf('api.md')).not.toMatch(/#private|@internal|sharedParams\(\)|Executable/);
  });
});

describe('docs/language.md', () => {
  it('has the tables that `npm run docs` makes of the declarations', () => {
    expect(pageOf('language.md')).toBe(languagePage(pageOf('language.md'), entries));
  });

  it('has a row with a meaning for every name that a spec can import', () => {
    const named = [...pageOf('language.md').matchAll(/^\| `(\w+)\([^`]*\)` \| .{2,} \|$/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(VALUE_EXPORTS.toSorted());
  });

  it('is not made where a function is in no table, or the page has no place for them', () => {
    const [language, ...others] = entries;
    const [known] = language?.exported.filter(({ kind }) => kind === 'function') ?? [];
    if (language === undefined || known === undefined) throw new Error('the language has no functions');
    const strange = { ...language, exported: [{ ...known, name: 'strange' }] };
    expect(() => languagePage(pageOf('language.md'), [strange, ...others])).toThrow('no table of docs/language.md has strange');
    expect(() => languagePage('# The language\n', entries)).toThrow('does not say once where its tables begin');
  });
});
