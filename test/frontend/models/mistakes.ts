/** Small models for the tests, and what parsing says about them. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecurveError, SpecError } from '../../../codegen/errors.js';
import { checkSpec, formatDiagnostics, parseSpec, parseSpecSource } from '../../../codegen/frontend/index.js';

export interface Parts {
  readonly imports?: string;
  readonly before?: string;
  readonly options?: string;
  readonly dims?: string;
  readonly times?: string;
  readonly inputs?: string;
  readonly layers?: string;
  readonly params?: string;
  /** The body of `run({ x }, { first }, p, { options: o })`. */
  readonly body?: string;
  /** The whole property instead. */
  readonly run?: string;
  readonly more?: string;
}

const IMPORTS =
  'import { choice, delay, flag, integer, layer, mat, matvec, mean, model, over, real, repeat, shift, tanh, vec } ' +
  "from 'recurve';";

/** A model that is right but for the parts given. */
export function modelOf(parts: Parts): string {
  const body = parts.body ?? 'return { y: matvec(p.W, first({ x }).h) };';
  const properties = [
    "name: 'mine',",
    parts.options === undefined ? '' : `options: ${parts.options},`,
    `dims: ${parts.dims ?? "['I', 'H', 'K']"},`,
    parts.times === undefined ? '' : `times: ${parts.times},`,
    `inputs: ${parts.inputs ?? "{ x: over('T', vec('I')) }"},`,
    `layers: ${parts.layers ?? "{ first: layer('gru') }"},`,
    `params: ${parts.params ?? "{ W: mat('K', 'H') }"},`,
    parts.run ?? `run({ x }, { first }, p, { options: o }) {\n    ${body.split('\n').join('\n    ')}\n  },`,
    parts.more ?? '',
  ].filter((line) => line !== '');
  const lines = [
    parts.imports ?? IMPORTS,
    parts.before ?? '',
    'export default model({',
    ...properties.map((line) => `  ${line}`),
  ];
  return [...lines.filter((line, index) => index !== 1 || line !== ''), '});', ''].join('\n');
}

export function mistakes(text: string, file = 'mine.model.ts'): string {
  return said(() => checkSpec(parseSpecSource(file, text)));
}

export function mistakesOf(parts: Parts): string {
  return mistakes(modelOf(parts));
}

/** The same for `mine.model.ts` among other files. */
export function mistakesAmong(
  files: Readonly<Record<string, string | { readonly link: string }>>,
  parse: (path: string) => unknown = parseSpec,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === 'string') writeFileSync(join(folder, name), content);
      else symlinkSync(content.link, join(folder, name));
    }
    return said(() => parse(join(folder, 'mine.model.ts'))).replaceAll(`${folder}/`, '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function said(parse: () => unknown): string {
  try {
    parse();
    return '';
  } catch (error) {
    if (error instanceof SpecError) return formatDiagnostics(error.diagnostics);
    if (error instanceof RecurveError) return `${error.code}  ${error.message}\n    fix: ${error.fix}`;
    throw error;
  }
}
