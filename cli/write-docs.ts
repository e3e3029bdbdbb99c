/** `npm run docs`: writes docs/cells, a page for each built-in cell and their list. */
import { join } from 'node:path';
import { parseCell } from '../codegen/frontend/index.js';
import { builtInCells } from './cells.js';
import { writeFolder } from './files.js';
import { ownPackage } from './package.js';
import { cellIndex, cellPage } from './page.js';

const trees = builtInCells().map(({ path }) => parseCell(path));
const pages = trees.map((tree) => [`${tree.name}.md`, cellPage(tree)] as const);
await writeFolder(join(ownPackage().root, 'docs', 'cells'), { ...Object.fromEntries(pages), 'README.md': cellIndex(trees) });
