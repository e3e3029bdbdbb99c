/** The codes of errors: all documented, all thrown somewhere; test/errors provokes each. That no other is thrown the types see to. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorPage } from '../../cli/docs/errors.js';
import { ERROR_CODES } from '../../codegen/error-codes.js';
import { ownPackage } from '../../runtime/node/package.js';

const { root } = ownPackage();
const codes = Object.keys(ERROR_CODES);

/** Texts of the TypeScript files below folders. */
function textsOf(folders: readonly string[], except: RegExp): string {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))),
  );
  const ours = files.filter((file) => file.endsWith('.ts') && !except.test(file));
  expect(ours.length).toBeGreaterThan(100);
  return ours.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
}

describe('every code of an error', () => {
  it('is thrown somewhere', () => {
    const source = textsOf(['codegen', 'runtime', 'cli', 'bench'], /(error-codes|diagnostics.codes|docs.errors)\.ts$/);
    expect(codes.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });

  it('has a meaning of its own', () => {
    expect(codes.length).toBeGreaterThan(200);
    for (const meaning of Object.values(ERROR_CODES)) expect(meaning).toMatch(/^.{10,130}[^.]$/);
    expect(new Set(Object.values(ERROR_CODES)).size).toBe(codes.length);
  });

  it('stands once on docs/errors.md, as `npm run docs` writes it', () => {
    const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
    expect(page).toBe(errorPage());
    for (const code of codes) expect(page.split(`| \`${code}\` |`)).toHaveLength(2);
  });
});
