/**
 * Finds a small model that fails as a large one does. Every candidate is a well-formed model again: a node is replaced
 * by one of its arguments or by an input of its shape, a state by an input, a size by a smaller one.
 */
import { lower, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { chooseSizes, derivedDims } from '../../codegen/ir/sizes.js';
import { declaredAs, type Expr, leaf, type Model, type Statement, sameShape } from './model.js';
import { mentions, printModel } from './print.js';

/** Whether a model still fails in the same way. */
type Fails<M> = (model: M) => Promise<boolean>;

/** @param budget how many models may be tried */
export function shrink(model: Model, fails: Fails<Model>, budget: number): Promise<Model> {
  return shrinkWith(candidates, model, fails, budget);
}

export async function shrinkWith<M>(simpler: (model: M) => Generator<M>, model: M, fails: Fails<M>, budget: number): Promise<M> {
  let smallest = model;
  let left = budget;
  for (let progress = true; progress && left > 0; ) {
    progress = false;
    for (const candidate of simpler(smallest)) {
      if (left-- <= 0) break;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      progress = true;
      break;
    }
  }
  return smallest;
}

/** Simpler ones, the simplest first. */
export function* candidates(model: Model): Generator<Model> {
  yield* withoutResults(model);
  yield* simplerRuns(model);
  yield* simplerRoots(model);
  yield* smallerSizes(model);
  yield* plainerDeclarations(model);
}

/** Without an output, or with an input in place of a state. */
function* withoutResults(model: Model): Generator<Model> {
  for (const name of Object.keys(model.outputs)) yield { ...model, outputs: without(model.outputs, name) };
  const states = Object.keys(model.next);
  for (const name of states.length > 1 ? states : []) {
    const next = without(model.next, name);
    const renamed = mapRoots({ ...model, next }, (root) => rewrite(root, (text) => text.replaceAll(`s.${name}`, `x.${name}`)));
    const declared = model.declared[name];
    if (declared === undefined) continue;
    yield { ...renamed, declared: { ...model.declared, [name]: { ...declared, group: 'inputs' } } };
  }
  if (model.listed) yield { ...model, listed: false };
}

function* simplerRuns(model: Model): Generator<Model> {
  const { run, sizes } = model;
  for (const key of ['ragged', 'reverse', 'training'] as const) if (run[key]) yield { ...model, run: { ...run, [key]: false } };
  for (const key of ['T', 'B']) {
    for (const size of new Set([1, 2, (sizes[key] ?? 1) - 1])) {
      if (size >= 1 && size < (sizes[key] ?? 1)) yield { ...model, sizes: { ...sizes, [key]: size } };
    }
  }
}

/** Every root and every node in it by something simpler, the largest parts first. */
function* simplerRoots(model: Model): Generator<Model> {
  const spare = (value: Expr) => `z${value.shape.map((dim) => `_${dim}`).join('')}`;
  const roots = rootsOf(model);
  for (const [at, root] of roots.entries()) {
    for (const [path, node] of nodesOf(root)) {
      const own = node.args.filter((argument) => argument.type === node.type && sameShape(argument.shape, node.shape));
      for (const argument of own) yield withRoot(model, at, replaced(root, path, argument));
      const definition = model.statements.find(({ defines, args }) => node.text in defines && args.length === 1);
      const [value] = definition?.args ?? [];
      if (value !== undefined && sameShape(value.shape, node.shape)) yield withRoot(model, at, replaced(root, path, value));
      if (node.type === 'test' || /^(x\.\w+|a\d|\w+\d)$/.test(node.text) || isHelperRoot(model, at)) continue;
      const name = spare(node);
      const smaller = withRoot(model, at, replaced(root, path, leaf(`x.${name}`, node.shape)));
      yield { ...smaller, declared: { ...model.declared, [name]: declaredAs('inputs', node.shape) } };
    }
  }
}

function* smallerSizes(model: Model): Generator<Model> {
  const rules = rulesOf(model);
  const derived = derivedDims(rules);
  const text = printModel(model);
  for (const [dim, size] of Object.entries(model.sizes)) {
    if (dim === 'T' || dim === 'B' || derived.has(dim) || !text.includes(`'${dim}'`)) continue;
    for (const smaller of new Set([1, Math.floor(size / 2), size - 1])) {
      if (smaller < 1 || smaller >= size) continue;
      const free = Object.fromEntries(Object.entries(model.sizes).filter(([name]) => !derived.has(name)));
      try {
        yield { ...model, sizes: { ...model.sizes, ...chooseSizes(rules, { ...free, [dim]: smaller }, { [dim]: smaller }) } };
      } catch {
        // The rules do not allow this size.
      }
    }
  }
}

/** Without settings: untrained, filled. */
function* plainerDeclarations(model: Model): Generator<Model> {
  const text = printModel(model);
  for (const [name, declared] of Object.entries(model.declared)) {
    const plain = declared.text.replace(/, \{ (trainable: false|init: [^,}]+)(, trainable: false)? \}/, '');
    if (plain !== declared.text && mentions(text, `p.${name}`)) {
      yield { ...model, declared: { ...model.declared, [name]: { ...declared, text: plain } } };
    }
  }
}

function rulesOf(model: Model) {
  try {
    const tree = parseCellSource('fuzzed.cell.ts', printModel(model));
    const given = Object.entries(model.options).filter(([name]) => tree.options.some((option) => option.name === name));
    const options = resolveOptions(tree, Object.fromEntries(given.map(([name, { value }]) => [name, value])));
    return lower(tree, resolveSignature(tree, options)).rules;
  } catch {
    // A model that the frontend refuses has no rules to hold; the refusal is then what is shrunk.
    return [];
  }
}

/** Next states, outputs, then the arguments of statements and helpers. */
function rootsOf(model: Model): Expr[] {
  return [
    ...Object.values(model.next),
    ...Object.values(model.outputs),
    ...[...model.statements, ...model.helpers].flatMap(({ args }) => args),
  ];
}

function mapRoots(model: Model, replace: (root: Expr, at: number) => Expr): Model {
  let at = 0;
  const each = (root: Expr) => replace(root, at++);
  const table = (roots: Readonly<Record<string, Expr>>) =>
    Object.fromEntries(Object.entries(roots).map(([name, root]) => [name, each(root)]));
  const list = (statements: readonly Statement[]) => statements.map((one) => ({ ...one, args: one.args.map(each) }));
  const [next, outputs] = [table(model.next), table(model.outputs)];
  const statements = list(model.statements);
  return { ...model, next, outputs, statements, helpers: list(model.helpers) };
}

function withRoot(model: Model, position: number, root: Expr): Model {
  return mapRoots(model, (own, at) => (at === position ? root : own));
}

/** Whether a root is a helper's: helpers see no inputs, and come last. */
function isHelperRoot(model: Model, at: number): boolean {
  const own = model.helpers.reduce((sum, { args }) => sum + args.length, 0);
  return at >= rootsOf(model).length - own;
}

/** Every node with the way to it, those above first. */
function* nodesOf(root: Expr, path: readonly number[] = []): Generator<[readonly number[], Expr]> {
  yield [path, root];
  for (const [at, argument] of root.args.entries()) yield* nodesOf(argument, [...path, at]);
}

function replaced(root: Expr, [first, ...rest]: readonly number[], by: Expr): Expr {
  if (first === undefined) return by;
  return { ...root, args: root.args.map((argument, at) => (at === first ? replaced(argument, rest, by) : argument)) };
}

function rewrite(root: Expr, text: (text: string) => string): Expr {
  return { ...root, text: text(root.text), args: root.args.map((argument) => rewrite(argument, text)) };
}

function without<T>(table: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([own]) => own !== name));
}
