/** `npm run docs`: writes docs/cells and docs/models, a page for each built-in cell and model and their lists, and the pages of docs that are made of declarations. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCell, parseSpec } from '../../codegen/frontend/index.js';
import { writeAll } from '../../runtime/files/write-all.js';
import { builtInCells, builtInModels } from '../../runtime/node/cells.js';
import { ownPackage } from '../../runtime/node/package.js';
import { apiPage } from './api.js';
import { cellIndex, cellPage } from './cells.js';
import { errorPage } from './errors.js';
import { languagePage } from './language.js';
import { modelIndex, modelPage } from './models.js';

const folder = join(ownPackage().root, 'docs');
const trees = builtInCells().map(({ path }) => parseCell(path));
const models = builtInModels()
  .map(({ path }) => parseSpec(path))
  .filter((tree) => tree.kind === 'model');
const pages: readonly (readonly [name: string, content: string])[] = [
  ...trees.map((tree) => [`cells/${tree.name}.md`, cellPage(tree)] as const),
  ['cells/README.md', cellIndex(trees)],
  ...models.map((tree) => [`models/${tree.name}.md`, modelPage(tree)] as const),
  ['models/README.md', modelIndex(models)],
  ['errors.md', errorPage()],
  ['api.md', apiPage()],
  ['language.md', languagePage(readFileSync(join(folder, 'language.md'), 'utf8'))],
];
await writeAll({ writes: pages.map(([name, content]) => ({ path: join(folder, name), content, existing: 'replace' as const })) });
