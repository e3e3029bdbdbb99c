/** Copies a spec and the helpers that it imports to another place, so that every import finds its file again. */
import { basename, dirname, extname, relative, sep } from 'node:path';
import { type Expression, Node, type ObjectLiteralExpression, Project, type SourceFile } from 'ts-morph';
import { isLibraryFile } from './language/library.js';
import { importedFile } from './source/module.js';
import { readSource } from './source/source.js';
import { propertyName, unwrap } from './source/syntax.js';
import type { SpecTree } from './tree.js';

/** Files of a copied spec. */
export interface SpecCopy {
  /** Path below the folder of the copy, and the text. */
  readonly spec: { readonly path: string; readonly text: string };
  /** The same of every file that the spec imports and that does not come with recurve. */
  readonly helpers: readonly { readonly path: string; readonly text: string }[];
}

/**
 * The copy of a cell or model under another name, to be written into some folder. Helpers beside the spec and below it keep their
 * places; those from elsewhere get one below the folder, too, and imports are written anew where they must be.
 *
 * @param tree a spec without mistakes
 * @param name the copy's own name; its file is `<name>.cell.ts` or `<name>.model.ts`
 */
export function copySpec(tree: SpecTree, name: string): SpecCopy {
  const places = placesFor(tree, `${name}.${tree.kind}.ts`);
  const copies = [...places].map(([file, path]) => {
    const source = new Project({ useInMemoryFileSystem: true, compilerOptions: { noLib: true } }).createSourceFile(
      '/copied.ts',
      readSource(file),
    );
    const edits = importEdits(source, file, path, places);
    return { path, text: applyEdits(source.getFullText(), file === tree.file ? [...edits, nameEdit(source, name)] : edits) };
  });
  const [spec, ...helpers] = copies;
  if (spec === undefined) throw new Error(`${tree.file} has no text`);
  return { spec, helpers };
}

/** Where each file of the spec goes, the spec's own first. What comes with recurve stays there. */
function placesFor(tree: SpecTree, own: string): Map<string, string> {
  const folder = dirname(tree.file);
  const helpers = [...importedBy(tree)].filter((file) => file !== tree.file);
  const common = commonFolder([tree.file, ...helpers].map(dirname));
  const places = new Map([[tree.file, own]]);
  const taken = new Set([own]);
  const isBelow = (file: string) => relative(folder, file).split(sep)[0] !== '..';
  // Those that keep their places come first.
  for (const file of [...helpers.filter(isBelow), ...helpers.filter((each) => !isBelow(each))]) {
    const path = freeName(relative(isBelow(file) ? folder : common, file), taken);
    taken.add(path);
    places.set(file, path);
  }
  return places;
}

/** The spec's file and all that it imports. A model also reads the built-in cells that its layers name: those are no imports. */
function importedBy({ file: own, sources }: SpecTree): ReadonlySet<string> {
  const found = new Set([own]);
  for (const file of found) {
    const text = sources[file]?.join('\n') ?? '';
    const source = new Project({ useInMemoryFileSystem: true, compilerOptions: { noLib: true } }).createSourceFile(
      '/read.ts',
      text,
    );
    for (const statement of source.getImportDeclarations()) {
      const from = statement.getModuleSpecifierValue();
      const target = from.startsWith('.') ? importedFile(file, from) : undefined;
      if (target !== undefined && sources[target] !== undefined && !isLibraryFile(target)) found.add(target);
    }
  }
  return found;
}

function commonFolder(folders: readonly string[]): string {
  return folders.reduce((common, folder) => {
    let at = common;
    while (relative(at, folder).split(sep)[0] === '..') at = dirname(at);
    return at;
  });
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const ending = extname(wanted);
  let path = wanted;
  for (let count = 2; taken.has(path); count++) path = `${wanted.slice(0, -ending.length)}-${count}${ending}`;
  return path;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  const fromTheEnd = [...edits].sort((a, b) => b.start - a.start);
  return fromTheEnd.reduce((edited, { start, end, text: put }) => edited.slice(0, start) + put + edited.slice(end), text);
}

function importEdits(source: SourceFile, file: string, path: string, places: ReadonlyMap<string, string>): Edit[] {
  return source.getImportDeclarations().flatMap((statement) => {
    const literal = statement.getModuleSpecifier();
    const from = literal.getLiteralValue();
    const target = from.startsWith('.') ? places.get(importedFile(file, from)) : undefined;
    if (target === undefined) return [];
    const specifier = specifierFor(dirname(path), target, extname(from));
    if (importedFile(path, from) === target) return [];
    return [{ start: literal.getStart(), end: literal.getEnd(), text: JSON.stringify(specifier).replaceAll('"', "'") }];
  });
}

/** With the ending that the author writes: `.js`, `.ts` or none. */
function specifierFor(folder: string, target: string, ending: string): string {
  const way = relative(folder, target)
    .split(sep)
    .join('/')
    .replace(/\.ts$/, ending === '.js' || ending === '.ts' ? ending : '');
  return way.startsWith('.') ? way : `./${way}`;
}

/** The value of `name` in the call of `cell` or `model`, wherever else in the file such a text may stand. */
function nameEdit(source: SourceFile, name: string): Edit {
  const property = definitionOf(source)
    .getProperties()
    .find((each) => !Node.isSpreadAssignment(each) && propertyName(each.getNameNode()) === 'name');
  const text = `'${name}'`;
  if (Node.isPropertyAssignment(property)) {
    const value = property.getInitializerOrThrow();
    return { start: value.getStart(), end: value.getEnd(), text };
  }
  if (!Node.isShorthandPropertyAssignment(property)) throw new Error('a cell without a name was copied');
  return { start: property.getStart(), end: property.getEnd(), text: `name: ${text}` };
}

function definitionOf(source: SourceFile): ObjectLiteralExpression {
  const exported = source.getStatements().find(Node.isExportAssignment);
  const call = exported === undefined ? undefined : unwrap(exported.getExpression());
  const [argument] = Node.isCallExpression(call) ? call.getArguments() : [];
  const definition = Node.isExpression(argument) ? unwrap(argument as Expression) : undefined;
  if (!Node.isObjectLiteralExpression(definition)) throw new Error(`${basename(source.getFilePath())} exports no cell`);
  return definition;
}
