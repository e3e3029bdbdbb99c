/** The tables of docs/language.md: every function that a spec imports, from the doc comments of its declaration. */

import { LIBRARY } from '../../codegen/frontend/language/library.js';
import { isDeclarator, isModelFunction, isStructural } from '../../codegen/frontend/language/vocabulary.js';
import { isFunction } from '../../codegen/ops/index.js';
import { isOfLanguage } from './api.js';
import { type Entry, type Exported, readEntries } from './exports.js';

/** Which table a name is in: a name of the vocabulary is in one of them by itself. */
const TABLES: readonly (readonly [title: string, holds: (name: string) => boolean])[] = [
  ['Declarations', isDeclarator],
  ['Between units, shapes and steps', (name) => isStructural(name)],
  ['Per unit', isFunction],
  ['Written in the language itself', (name) => LIBRARY.includes(name)],
  ['Whole sequences, in models alone', isModelFunction],
];

const START = '<!-- From the doc comments of the declarations: `npm run docs` writes what follows. -->';

/**
 * The page with its tables written anew below the prose that stands in it.
 * @throws Error where the page has no place for them, or a function of the language is in no table
 */
export function languagePage(page: string, entries: readonly Entry[] = readEntries()): string {
  const [prose, ...tables] = page.split(START);
  if (prose === undefined || tables.length !== 1) throw new Error('docs/language.md does not say once where its tables begin');
  const functions = entries.flatMap((entry) => entry.exported.filter((exported) => isOfLanguage(entry, exported)));
  const homeless = functions.filter(({ name }) => !TABLES.some(([, holds]) => holds(name)));
  if (homeless.length > 0) throw new Error(`no table of docs/language.md has ${homeless.map(({ name }) => name).join(', ')}`);
  const sections = TABLES.map(([title, holds]) => {
    const rows = functions.filter(({ name }) => holds(name)).map(row);
    return `### ${title}\n\n| call | meaning |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return [`${prose}${START}\n`, ...sections].join('\n');
}

function row({ name, parameters, documentation }: Exported): string {
  const cells = [`\`${name}(${parameters.join(', ')})\``, documentation.replace(/\s+/g, ' ')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
