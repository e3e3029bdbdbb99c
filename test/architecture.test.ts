/** The architecture as imports show it: no circles between files, and arrows that run one way. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Higher floors import from lower ones. Kernels stand beside them: cells are read, and templates are text. */
const FLOORS = ['test', 'cli', 'bench', 'runtime', 'codegen', 'kernels'];
/** The rooms of the frontend, those that may import from all that follow first. */
const ROOMS = ['model', 'lower', 'operations', 'machine', 'declare', 'convert', 'source', 'diagnostics', 'language'];

interface Import {
  /** Path from the root, `codegen/plan.ts`; a package by its name. */
  readonly target: string;
  /** Types vanish when the file is built. */
  readonly types: boolean;
}

const files = FLOORS.flatMap((floor) =>
  readdirSync(`${ROOT}${floor}`, { recursive: true })
    .map((file) => `${floor}/${String(file).split(sep).join('/')}`)
    .filter((file) => file.endsWith('.ts') && !file.startsWith('test/fixtures/')),
);
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, types: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const { text } = specifier;
    const target = text.startsWith('.') ? posix.join(dirname(file), text).replace(/\.js$/, '.ts') : text;
    found.push({ target, types });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(`${ROOT}${file}`, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  const { isTypeOnly, name, namedBindings } = importClause;
  if (isTypeOnly) return true;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

/** Files that import each other, by Tarjan's strongly connected components. */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    open.push(file);
    let low = index;
    for (const target of edges.get(file) ?? []) {
      if (!order.has(target)) low = Math.min(low, visit(target));
      else if (open.includes(target)) low = Math.min(low, order.get(target) ?? low);
    }
    lowest.set(file, low);
    if (low === index) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1 || edges.get(file)?.includes(file)) found.push(circle);
    }
    return low;
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** `from → to` of every import that `allowed` does not allow. */
function forbidden(allowed: (from: string, to: Import) => boolean): string[] {
  return files.flatMap((file) =>
    (imports.get(file) ?? []).filter((to) => !allowed(file, to)).map(({ target }) => `${file} → ${target}`),
  );
}

const floorOf = (file: string) => FLOORS.indexOf(file.split('/')[0] ?? '');

describe('imports', () => {
  it('make no circle between files, types included', () => {
    const edges = new Map([...imports].map(([file, targets]) => [file, targets.map(({ target }) => target)]));
    expect(circles(edges)).toEqual([]);
  });

  it('would be found in a circle', () => {
    const edges = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['d']],
      ['e', ['a']],
    ]);
    expect(circles(edges)).toEqual([['d'], ['a', 'b', 'c']]);
  });

  it('run down: cli → bench → runtime → codegen', () => {
    expect(files.length).toBeGreaterThan(400);
    expect(forbidden((from, { target }) => floorOf(target) < 0 || floorOf(target) >= floorOf(from))).toEqual([]);
  });

  it('of kernels are the names of the language and each other', () => {
    const own = (target: string) => target === 'recurve' || (target.startsWith('kernels/') && files.includes(target));
    expect(forbidden((from, { target }) => !from.startsWith('kernels/') || own(target))).toEqual([]);
  });

  it('of what ships are never the cells: a spec is read, not imported', () => {
    const spec = /^kernels\/(cells|library)\//;
    expect(forbidden((from, { target }) => spec.test(from) || !spec.test(target))).toEqual([]);
  });

  it('between the rooms of the frontend run one way, and every room has its place', () => {
    const rooms = readdirSync(`${ROOT}codegen/frontend`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rooms.map(({ name }) => name).toSorted()).toEqual(ROOMS.toSorted());
    const roomOf = (file: string) => ROOMS.indexOf(/^codegen\/frontend\/([a-z]+)\//.exec(file)?.[1] ?? '');
    expect(
      forbidden((from, { target }) => {
        if (roomOf(from) < 0 || !target.startsWith('codegen/frontend/')) return true;
        return target === 'codegen/frontend/tree.ts' || roomOf(target) >= roomOf(from);
      }),
    ).toEqual([]);
  });
});

describe('the reference', () => {
  /** The parsed tree, and the error that everything throws. */
  const SHARED = ['codegen/frontend/tree.ts', 'codegen/errors.ts'];
  /** The data that go in and come out. */
  const DATA = ['runtime/data.ts', 'runtime/lengths.ts'];
  /** What those are made with: the sizes and fills of tensors. */
  const OF_DATA = ['codegen/frontend/declare/constant.ts', 'codegen/ir/sizes.ts'];
  const isReference = (file: string) => file.startsWith('runtime/reference/');

  it('imports of the compiler nothing but the parsed tree', () => {
    expect(files.filter(isReference)).toContain('runtime/reference/sequence.ts');
    const allowed = ({ target }: Import) => isReference(target) || [...SHARED, ...DATA].includes(target);
    expect(forbidden((from, to) => !isReference(from) || allowed(to))).toEqual([]);
  });

  it('reaches by no detour what computes in the compiler', () => {
    const reached = new Set(files.filter(isReference));
    for (const file of reached)
      for (const { target, types } of imports.get(file) ?? []) if (!types && imports.has(target)) reached.add(target);
    const foreign = [...reached].filter((file) => !isReference(file) && !DATA.includes(file));
    expect(foreign.filter((file) => ![...SHARED, ...OF_DATA].includes(file))).toEqual([]);
  });
});
