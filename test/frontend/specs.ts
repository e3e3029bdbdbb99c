/** Small specs for the tests, and what the frontend says about them. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecurveError, SpecError } from '../../codegen/errors.js';
import { checkSpec, formatDiagnostics, parseCell, parseCellSource } from '../../codegen/frontend/index.js';
import type { CellTree } from '../../codegen/frontend/tree.js';

export interface Parts {
  readonly imports?: string;
  /** Between the imports and the cell. */
  readonly before?: string;
  readonly name?: string;
  readonly options?: string;
  readonly dims?: string;
  readonly inputs?: string;
  readonly state?: string;
  readonly params?: string;
  readonly outputs?: string;
  /** The body of `step({ x }, { h }, p, { options: o })`. */
  readonly body?: string;
  /** The whole property instead. */
  readonly step?: string;
  readonly more?: string;
}

const IMPORTS =
  'import { cell, choice, clamp, elu, exp, flag, integer, log, mat, matvec, max, real, scalar, sigmoid, sqrt, square, tanh, vec } ' +
  "from 'recurve';";

/** A cell that is right but for the parts given. */
export function cellOf(parts: Parts): string {
  const body = parts.body ?? 'return { h: tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) };';
  const properties = [
    `name: ${parts.name ?? "'mine'"},`,
    parts.options === undefined ? '' : `options: ${parts.options},`,
    `dims: ${parts.dims ?? "['I', 'H']"},`,
    `inputs: ${parts.inputs ?? "{ x: vec('I') }"},`,
    `state: ${parts.state ?? "{ h: vec('H') }"},`,
    `params: ${parts.params ?? "{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H') }"},`,
    parts.outputs === undefined ? '' : `outputs: ${parts.outputs},`,
    parts.step ?? `step({ x }, { h }, p, { options: o }) {\n    ${body.split('\n').join('\n    ')}\n  },`,
    parts.more ?? '',
  ].filter((line) => line !== '');
  return [
    parts.imports ?? IMPORTS,
    parts.before ?? '',
    'export default cell({',
    ...properties.map((line) => `  ${line}`),
    '});',
    '',
  ]
    .filter((line, index) => index !== 1 || line !== '')
    .join('\n');
}

/** Everything the frontend has to say about a spec; empty when it is right. */
export function mistakes(text: string): string {
  return said(() => parseCellSource('mine.cell.ts', text));
}

export function mistakesOf(parts: Parts): string {
  return mistakes(cellOf(parts));
}

export const ALL_PARAMS =
  "{ W: mat('H', 'I'), U: mat('H', 'H'), b: vec('H'), K: kernel('H', 'I', 3), S: stack(2, 'H', 'H'), r: scalar() }";

/** A step that uses all of these once, and a map, and then returns `more` besides. */
export const usingAll = (more: string): Parts => ({
  dims: "['X', 'I', 'H']",
  inputs: "{ x: vec('I'), m: map('X', 'I') }",
  params: ALL_PARAMS,
  step: `step({ x, m }, { h }, p) {
    const y = sum(conv1d(p.K, m), 'X') + matvec(p.S[0], h);
    const next = tanh(matvec(p.W, x) + matvec(p.U, h) + p.b) * p.r + y;
    return { h: next, more: ${more} };
  },`,
});

export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** Writes files into a folder of their own, which goes again. */
export function inFolder<R>(files: Files, use: (folder: string) => R): R {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, join(folder, name));
      else writeFileSync(join(folder, name), content);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same for `mine.cell.ts` among other files. */
export function mistakesAmong(files: Files, spec = 'mine.cell.ts'): string {
  return inFolder(files, (folder) =>
    said(() => parseCell(join(folder, spec)))
      .replaceAll(`${folder}/`, '')
      .replaceAll(folder, 'folder'),
  );
}

function said(parse: () => CellTree): string {
  try {
    checkSpec(parse());
    return '';
  } catch (error) {
    if (error instanceof SpecError) return formatDiagnostics(error.diagnostics);
    if (error instanceof RecurveError) return `${error.code}  ${error.message}\n    fix: ${error.fix}`;
    throw error;
  }
}
