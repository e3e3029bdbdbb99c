/** `npm run docs`: writes docs/cells, a page for each built-in cell and their list, and the pages of docs that are made of declarations. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCell } from '../../codegen/frontend/index.js';
import { writeAll } from '../../runtime/files/write-all.js';
import { builtInCells } from '../../runtime/node/cells.js';
import { ownPackage } from '../../runtime/node/package.js';
import { apiPage } from './api.js';
import { cellIndex, cellPage } from './cells.js';
import { errorPage } from './errors.js';
import { languagePage } from './language.js';

const folder = join(ownPackage().root, 'docs');
const trees = builtInCells().map(({ path }) => parseCell(path));
const pages: readonly (readonly [name: string, content: string])[] = [
  ...trees.map((tree) => [`cells/${tree.name}.md`, cellPage(tree)] as const),
  ['cells/README.md', cellIndex(trees)],
  ['errors.md', errorPage()],
  ['api.md', apiPage()],
  ['language.md', languagePage(readFileSync(join(folder, 'language.md'), 'utf8'))],
];
await writeAll({ writes: pages.map(([name, content]) => ({ path: join(folder, name), content, existing: 'replace' as const })) });
