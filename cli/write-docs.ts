/** `npm run docs`: writes docs/cells, a page for each built-in cell and their list, and docs/errors.md. */
import { join } from 'node:path';
import { parseCell } from '../codegen/frontend/index.js';
import { writeAll } from '../runtime/files/write-all.js';
import { builtInCells } from '../runtime/node/cells.js';
import { ownPackage } from '../runtime/node/package.js';
import { errorPage } from './error-page.js';
import { cellIndex, cellPage } from './page.js';

const trees = builtInCells().map(({ path }) => parseCell(path));
const pages = trees.map((tree) => [`${tree.name}.md`, cellPage(tree)] as const);
const folder = join(ownPackage().root, 'docs');
await writeAll({
  writes: [...pages, ['README.md', cellIndex(trees)] as const, ['../errors.md', errorPage()] as const].map(([name, content]) => ({
    path: join(folder, 'cells', name),
    content,
    existing: 'replace' as const,
  })),
});
