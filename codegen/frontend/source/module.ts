/**
 * The files of a spec: parses each with ts-morph, resolves its imports and says what every module-level name is.
 * Nothing is executed and nothing is type-checked; only syntax trees are read.
 */
import { basename, dirname, join } from 'node:path';
import {
  type ArrowFunction,
  type Expression,
  type FunctionDeclaration,
  type FunctionExpression,
  type ImportDeclaration,
  Node,
  Project,
  type SourceFile,
  ts,
  VariableDeclarationKind,
  type VariableStatement,
} from 'ts-morph';
import { RecurveError } from '../../errors.js';
import { didYouMean, listNames, nearest } from '../../suggest.js';
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import { insteadOf } from '../language/foreign.js';
import { LIBRARY, libraryFile, libraryPath } from '../language/library.js';
import { isBuiltin, isDeclarator, isModelFunction, TYPES, VALUE_EXPORTS } from '../language/vocabulary.js';
import type { Span } from '../tree.js';
import { linesOf, spanAt, spanOf } from './place.js';
import { checkText, importedPath, leavesByLink, readSource } from './source.js';
import { syntaxErrors, unwrap } from './syntax.js';
import { importOf, meansLanguage, required, unimported } from './unimported.js';

export type FunctionNode = FunctionDeclaration | FunctionExpression | ArrowFunction;

/** What a module-level name stands for. `poison` is a name whose mistake has been reported. */
export type Binding =
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'declarator'; readonly name: string }
  | { readonly kind: 'helper'; readonly key: string; readonly node: FunctionNode; readonly module: Module }
  | { readonly kind: 'constant'; readonly key: string; readonly node: Expression; readonly module: Module }
  /** A helper that comes with recurve; importing it loads its file. */
  | { readonly kind: 'library'; readonly name: string }
  /** Of a model: a cell that layers are made of, the default export of a file. It is a spec of its own and not loaded here. */
  | { readonly kind: 'cell'; readonly file: string; readonly at: Span }
  | { readonly kind: 'type' }
  | { readonly kind: 'poison' };

export interface Module {
  /** As the user wrote the path, or relative to it: what diagnostics show. */
  readonly file: string;
  readonly source: SourceFile;
  readonly names: Map<string, Binding>;
  readonly exports: Map<string, Binding>;
  /** False while its own imports are being read. */
  loaded: boolean;
  /** TypeScript could not parse it; its tree is a guess. */
  readonly broken: boolean;
}

const MOST_MODULES = 64;
const MOST_SYNTAX_ERRORS = 10;

export class Modules {
  readonly #project = new Project({
    useInMemoryFileSystem: true,
    skipFileDependencyResolution: true,
    skipLoadingLibFiles: true,
    compilerOptions: { noLib: true, noResolve: true, types: [] },
  });
  readonly #byFile = new Map<string, Module>();

  constructor(readonly diagnostics: Diagnostics) {}

  get sources(): Record<string, readonly string[]> {
    return Object.fromEntries([...this.#byFile.values()].map((module) => [module.file, linesOf(module.source)]));
  }

  get anyBroken(): boolean {
    return [...this.#byFile.values()].some((module) => module.broken);
  }

  /** Parses `text` and, through its imports, the files it needs. Mistakes go to the diagnostics. */
  load(file: string, text: string): Module {
    // The name in memory is ours: a spec's own extension must not make TypeScript read it as JSON or JSX.
    const source = this.#project.createSourceFile(`/module${this.#byFile.size}.ts`, checkText(file, text));
    this.diagnostics.addSource(file, linesOf(source));
    const broken = this.#reportSyntax(file, source);
    const module: Module = { file, source, names: new Map(), exports: new Map(), loaded: false, broken };
    this.#byFile.set(file, module);
    if (!broken) this.#bind(module);
    module.loaded = true;
    return module;
  }

  #reportSyntax(file: string, source: SourceFile): boolean {
    const errors = syntaxErrors(source);
    for (const { start, length, message } of errors.slice(0, MOST_SYNTAX_ERRORS)) {
      const at = Math.min(start, source.getFullText().length);
      const fix = 'Correct the TypeScript here first; the meaning of the cell is checked after.';
      this.diagnostics.report('SPEC-SYNTAX', spanAt(file, source, at, length), message, fix);
    }
    return errors.length > 0;
  }

  #bind(module: Module): void {
    for (const statement of module.source.getStatements()) {
      if (Node.isImportDeclaration(statement)) this.#bindImport(module, statement);
      else if (Node.isFunctionDeclaration(statement)) this.#bindFunction(module, statement);
      else if (Node.isVariableStatement(statement)) this.#bindVariables(module, statement);
      else if (Node.isTypeAliasDeclaration(statement) || Node.isInterfaceDeclaration(statement)) {
        this.#define(module, statement.getName(), { kind: 'type' }, statement, statement.isExported());
      } else if (
        !Node.isExportAssignment(statement) &&
        !Node.isExportDeclaration(statement) &&
        !Node.isEmptyStatement(statement)
      ) {
        this.diagnostics.report(
          'SPEC-MODULE-STATEMENT',
          spanOf(module.file, statement),
          'a spec file holds imports, constants, helper functions, types and one cell, and this is none of them',
          'Remove it: the file is read, never executed.',
        );
      }
    }
    this.#bindUnimported(module);
    for (const statement of module.source.getExportDeclarations()) this.#bindExports(module, statement);
  }

  /**
   * A file that takes nothing from `recurve` by name, and uses it: said once, and its names then mean what they were
   * meant to, so that the file's other mistakes are found too.
   */
  #bindUnimported(module: Module): void {
    if (importsByName(module.source)) return;
    const imports = module.source.getImportDeclarations();
    const used = unimported(module.source, module.names, LANGUAGE);
    const names = used.map((node) => node.getText());
    const whole = imports.find((statement) => moduleNamed(statement) === 'recurve' && !statement.isTypeOnly());
    const fix = `Write \`${importOf(names)}\`${names.length === 0 ? ' with the names it uses' : ''}.`;
    const [first] = used;
    if (whole !== undefined) {
      this.diagnostics.report('SPEC-IMPORT-FORM', spanOf(module.file, whole), 'a spec imports names one by one', fix);
    } else if (first !== undefined) {
      const message = 'the file imports nothing from `recurve`, where every name of the language comes from';
      this.diagnostics.report('SPEC-NO-IMPORTS', spanOf(module.file, first), message, fix);
    }
    for (const node of used) this.#defineLanguage(module, node.getText(), node.getText(), node);
  }

  #defineLanguage(module: Module, name: string, local: string, at: Node): void {
    const binding = LANGUAGE.get(name);
    this.#define(module, local, binding === undefined ? { kind: 'poison' } : this.#loaded(binding), at, false);
  }

  #bindExports(module: Module, statement: ReturnType<SourceFile['getExportDeclarations']>[number]): void {
    if (statement.isTypeOnly()) return;
    if (statement.getModuleSpecifier() !== undefined || statement.isNamespaceExport()) {
      this.diagnostics.report(
        'SPEC-MODULE-STATEMENT',
        spanOf(module.file, statement),
        'a spec file cannot pass on what another file exports',
        'Import the helper from its own file where it is used.',
      );
      return;
    }
    for (const specifier of statement.getNamedExports()) {
      const binding = module.names.get(specifier.getName());
      if (binding !== undefined) module.exports.set(specifier.getAliasNode()?.getText() ?? specifier.getName(), binding);
      else this.#reportUnknownExport(module, specifier, specifier.getName(), module.names.keys());
    }
  }

  #reportUnknownExport(module: Module, at: Node, name: string, known: Iterable<string>): void {
    const fix = didYouMean(name, known, 'Declare it in this file or remove the export.');
    this.diagnostics.report('SPEC-NOT-EXPORTED', spanOf(module.file, at), `nothing called \`${name}\` is declared here`, fix);
  }

  #define(module: Module, name: string, binding: Binding, at: Node, exported: boolean): void {
    // A type and a value may share a name; the value is what expressions mean.
    if (binding.kind === 'type' && module.names.has(name)) return;
    const before = module.names.get(name);
    if (before !== undefined && before.kind !== 'type') {
      this.diagnostics.report(
        'SPEC-DUPLICATE-NAME',
        spanOf(module.file, at),
        `\`${name}\` is already declared in this file`,
        'Rename one of the two.',
      );
      return;
    }
    module.names.set(name, binding);
    if (exported) module.exports.set(name, binding);
  }

  #bindFunction(module: Module, node: FunctionDeclaration): void {
    const name = node.getName();
    // Overload signatures have no body and mean nothing here; `export default function` is reported by the cell's parser.
    if (name === undefined || !node.hasBody()) return;
    const binding: Binding = { kind: 'helper', key: `${module.file}#${name}`, node, module };
    this.#define(module, name, binding, node.getNameNode() ?? node, node.isExported() && !node.isDefaultExport());
  }

  #bindVariables(module: Module, statement: VariableStatement): void {
    const constant = statement.getDeclarationKind() === VariableDeclarationKind.Const;
    for (const declaration of statement.getDeclarations()) {
      const nameNode = declaration.getNameNode();
      const initializer = declaration.getInitializer();
      const exported = statement.isExported();
      const from = initializer && required(unwrap(initializer));
      if (from !== undefined) {
        const message = 'a spec takes names from elsewhere by `import`, not by `require`';
        const names = Node.isIdentifier(nameNode) ? [] : nameNode.getElements().filter(Node.isBindingElement);
        const written = names.map((element) => element.getPropertyNameNode()?.getText() ?? element.getName());
        const fix = `Write \`${importOf(written).replace('recurve', from)}\`.`;
        this.diagnostics.report('SPEC-IMPORT-FORM', spanOf(module.file, declaration), message, fix);
        if (Node.isIdentifier(nameNode)) this.#define(module, nameNode.getText(), { kind: 'poison' }, nameNode, false);
        for (const [at, element] of names.entries()) {
          this.#defineLanguage(module, from === 'recurve' ? (written[at] ?? '') : '', element.getName(), element);
        }
        continue;
      }
      if (!Node.isIdentifier(nameNode)) {
        this.diagnostics.report(
          'SPEC-PATTERN',
          spanOf(module.file, nameNode),
          'constants at module level are declared one by one',
          'Write `const name = value;` for each.',
        );
        for (const element of nameNode.getElements()) {
          if (Node.isBindingElement(element)) this.#define(module, element.getName(), { kind: 'poison' }, element, exported);
        }
        continue;
      }
      const name = nameNode.getText();
      if (!constant || initializer === undefined) {
        this.diagnostics.report(
          'SPEC-MODULE-MUTABLE',
          spanOf(module.file, declaration),
          `\`${name}\` is a variable at module level, and what a cell computes cannot depend on one`,
          `Write \`const ${name} = …;\`, or keep the value in a state of the cell.`,
        );
        this.#define(module, name, { kind: 'poison' }, nameNode, exported);
      } else {
        this.#define(module, name, this.#valueBinding(module, name, initializer), nameNode, exported);
      }
    }
  }

  #valueBinding(module: Module, name: string, initializer: Expression): Binding {
    const key = `${module.file}#${name}`;
    const inner = unwrap(initializer);
    if (Node.isArrowFunction(inner) || Node.isFunctionExpression(inner)) return { kind: 'helper', key, node: inner, module };
    return { kind: 'constant', key, node: inner, module };
  }

  #bindImport(module: Module, statement: ImportDeclaration): void {
    if (statement.isTypeOnly()) return;
    const poison = (name: string, at: Node) => this.#define(module, name, { kind: 'poison' }, at, false);
    const specifierNode = statement.compilerNode.moduleSpecifier;
    if (!ts.isStringLiteral(specifierNode)) {
      // The parser has said so already.
      for (const specifier of statement.getNamedImports()) poison(specifier.getName(), specifier);
      return;
    }
    const from = specifierNode.text;
    const relative = from.startsWith('./') || from.startsWith('../');
    const cell = relative && exportsModel(module.source) ? statement.getDefaultImport() : undefined;
    if (cell !== undefined) this.#bindCell(module, statement, from, cell);
    const unnamed = cell === undefined ? (statement.getDefaultImport() ?? statement.getNamespaceImport()) : undefined;
    const named = statement.getNamedImports().filter((specifier) => !specifier.isTypeOnly());
    if (unnamed !== undefined || (named.length === 0 && statement.getImportClause() === undefined)) {
      // One of the language is told with the names that the file uses.
      if (from !== 'recurve' || importsByName(module.source))
        this.diagnostics.report(
          'SPEC-IMPORT-FORM',
          spanOf(module.file, statement),
          'a spec imports names one by one',
          `Write \`import { name } from '${from}';\` with the names it uses.`,
        );
      if (unnamed !== undefined) poison(unnamed.getText(), unnamed);
    }
    if (cell !== undefined && named.length === 0) return;
    const exports = from === 'recurve' ? LANGUAGE : this.#resolve(module, statement, from);
    for (const specifier of named) {
      const name = specifier.getName();
      const local = specifier.getAliasNode() ?? specifier.getNameNode();
      const binding = exports?.get(name);
      if (binding !== undefined) {
        this.#define(module, local.getText(), this.#loaded(binding), local, false);
        continue;
      }
      poison(local.getText(), local);
      // What a wrong path of the language was to give beyond the language is a consequence.
      if (exports !== undefined && (exports !== LANGUAGE || from === 'recurve')) {
        if (exports === LANGUAGE && (name === 't' || name === 'T')) {
          const fix = 'Remove it; the number of the step is in the fourth parameter: `step({ x }, { h }, p, { t })`.';
          const at = spanOf(module.file, specifier.getNameNode());
          this.diagnostics.report('SPEC-TIME-VALUE', at, `\`${name}\` is not imported`, fix);
          continue;
        }
        const known = exports === LANGUAGE ? insteadOf(name) : undefined;
        const fix = known ?? didYouMean(name, exports.keys(), `It exports ${listNames(exports.keys())}.`);
        const at = spanOf(module.file, specifier.getNameNode());
        this.diagnostics.report('SPEC-NOT-EXPORTED', at, `\`${from}\` exports no \`${name}\``, fix);
      }
    }
  }

  #bindCell(module: Module, statement: ImportDeclaration, from: string, local: Node): void {
    const at = spanOf(module.file, statement.getModuleSpecifier());
    const outside = leavesByLink(module.file, from);
    if (outside) this.#reportOutside(at, from);
    const binding: Binding = outside ? { kind: 'poison' } : { kind: 'cell', file: importedFile(module.file, from), at };
    this.#define(module, local.getText(), binding, local, false);
  }

  #reportOutside(at: Span, from: string): void {
    const message = `\`${from}\` leads out of its folder through a symbolic link`;
    this.diagnostics.report('SPEC-IMPORT-OUTSIDE', at, message, 'Copy the helper into a file beside the spec.');
  }

  /** What an imported name stands for: one of the library is a helper of its file, read when it is first imported. */
  #loaded(binding: Binding): Binding {
    if (binding.kind !== 'library') return binding;
    const file = libraryFile(binding.name);
    if (file === undefined) throw new Error(`the library has no ${binding.name}`);
    const library = this.#byFile.get(file) ?? this.load(file, readSource(libraryPath(file)));
    return library.exports.get(binding.name) ?? { kind: 'poison' };
  }

  /** Exports of a helper file; `undefined` when it was not read and that has been reported. */
  #resolve(module: Module, statement: ImportDeclaration, from: string): Map<string, Binding> | undefined {
    const at = spanOf(module.file, statement.getModuleSpecifier());
    if (!from.startsWith('./') && !from.startsWith('../')) {
      if (meansLanguage(from)) {
        const message = `a spec takes every name of the language from \`recurve\`, not from \`${from}\``;
        this.diagnostics.report('SPEC-IMPORT-PACKAGE', at, message, "Write `from 'recurve'`.");
        return LANGUAGE;
      }
      const near = nearest(from, ['recurve']) ? 'Did you mean `recurve`?' : undefined;
      this.diagnostics.report(
        'SPEC-IMPORT-PACKAGE',
        at,
        `a spec imports only \`recurve\` and files by relative path, not \`${from}\``,
        near ?? 'Copy the helper into a file beside the spec and import it as `./file.js`.',
      );
      return near === undefined ? undefined : LANGUAGE;
    }
    const file = importedFile(module.file, from);
    const known = this.#byFile.get(file);
    if (known !== undefined) {
      if (known.loaded) return known.broken ? undefined : known.exports;
      this.diagnostics.report(
        'SPEC-IMPORT-CYCLE',
        at,
        `\`${file}\` imports this file, directly or through others, so neither can come first`,
        'Move what both need into a third file.',
      );
      return undefined;
    }
    if (this.#byFile.size >= MOST_MODULES) {
      this.diagnostics.report(
        'SPEC-TOO-LARGE',
        at,
        `a spec reads at most ${MOST_MODULES} files`,
        'Put its helpers into fewer files.',
      );
      return undefined;
    }
    if (leavesByLink(module.file, from)) {
      this.#reportOutside(at, from);
      return undefined;
    }
    try {
      const loaded = this.load(file, readSource(file));
      return loaded.broken ? undefined : loaded.exports;
    } catch (error) {
      if (!(error instanceof RecurveError)) throw error;
      const meant = /^(recurve|language)\.ts$/i.test(basename(file)) && error.code === 'SPEC-NOT-FOUND';
      const fix = meant ? "The language is a package: write `from 'recurve'`." : error.fix;
      this.diagnostics.report('SPEC-IMPORT-NOT-FOUND', at, error.message, fix);
      return meant ? LANGUAGE : undefined;
    }
  }
}

/** Whether a file ends with `export default model({ … })`, under whatever name it imports `model`. */
function exportsModel(source: SourceFile): boolean {
  const specifiers = source.getImportDeclarations().flatMap((statement) => statement.getNamedImports());
  const alias =
    specifiers
      .find((specifier) => specifier.getName() === 'model')
      ?.getAliasNode()
      ?.getText() ?? 'model';
  const calls = source.getStatements().map((each) => (Node.isExportAssignment(each) ? unwrap(each.getExpression()) : each));
  return calls.some((call) => Node.isCallExpression(call) && call.getExpression().getText() === alias);
}

/** Whether a file takes names from `recurve` one by one. */
function importsByName(source: SourceFile): boolean {
  const imports = source.getImportDeclarations();
  return imports.some((statement) => moduleNamed(statement) === 'recurve' && statement.getNamedImports().length > 0);
}

/** What an import names, which TypeScript's parser may have found missing. */
function moduleNamed(statement: ImportDeclaration): string | undefined {
  const { moduleSpecifier } = statement.compilerNode;
  return ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : undefined;
}

/** The file that an import in `file` means, by its path alone. */
export function importedFile(file: string, from: string): string {
  return join(dirname(file), importedPath(from));
}

const LANGUAGE: Map<string, Binding> = new Map<string, Binding>([
  ...VALUE_EXPORTS.filter((name) => isBuiltin(name) || isModelFunction(name)).map((name): [string, Binding] => [
    name,
    { kind: 'builtin', name },
  ]),
  ...VALUE_EXPORTS.filter(isDeclarator).map((name): [string, Binding] => [name, { kind: 'declarator', name }]),
  ...LIBRARY.map((name): [string, Binding] => [name, { kind: 'library', name }]),
  ...TYPES.map((name): [string, Binding] => [name, { kind: 'type' }]),
]);
