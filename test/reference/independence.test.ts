import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const folder = new URL('../../runtime/reference/', import.meta.url);
/** The parsed tree's types, errors, sizes and data: nothing that computes. */
const shared = ['codegen/frontend/tree.js', 'codegen/errors.js', 'codegen/plan.js', 'runtime/data.js'];

it('the reference shares no code with the compiler', () => {
  const files = readdirSync(folder);
  expect(files).toContain('sequence.ts');
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
      const inside = /^\.\/[a-z]+\.js$/.test(target);
      const path = new URL(target, folder).pathname;
      const allowed = inside || shared.some((name) => path.endsWith(`/${name}`));
      expect(allowed, `${file} imports ${target}`).toBe(true);
    }
  }
});
