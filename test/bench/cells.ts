/** Built-in cells for tests of what runs beside them. */
import { parseCell, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';

export function cellOf(name: string, given: Readonly<Record<string, string | number | boolean>>) {
  const tree = parseCell(new URL(`../../kernels/cells/${name}.cell.ts`, import.meta.url).pathname);
  return { tree, signature: resolveSignature(tree, resolveOptions(tree, given)) };
}
