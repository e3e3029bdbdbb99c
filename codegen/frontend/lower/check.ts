/**
 * Checks a whole spec: lowers it at every value of every option, so that mistakes in any branch are found, and
 * looks for what no choice of options uses.
 */
import { argumentsOf, isContract, isGather, type NodeId, type StepGraph } from '../../ir/graph.js';
import { SINGULAR } from '../declare/declarations.js';
import type { Diagnostics, Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import type { CellTree, DeclarationGroup, OptionDeclaration, OptionValue, OptionValues, Signature, SpecTree } from '../tree.js';
import { lowerWith } from './lower.js';
import { resolveOptions } from './options.js';
import { signatureWith } from './signature.js';

/** Most choices of options that are lowered in one check. */
const MOST_CHOICES = 300;
/** What they may evaluate in all; the rest is looked at when it is compiled. */
const MOST_EVALUATIONS = 3_000_000;

/** What one choice of options makes of a cell or model. */
export interface Tried {
  readonly signature: Pick<Signature, 'dims' | 'inputs' | 'params'>;
  /** Tensors that a result depends on, or that were computed with where there are mistakes. */
  readonly used: Iterable<string>;
  readonly dims: Iterable<string>;
  readonly tooLarge: boolean;
  readonly evaluations: number;
}

/** Lowers at one choice of options, reporting mistakes. */
export type Lowering<T> = (tree: T, options: OptionValues, recovery: Recovery, report: Report, note: string) => Tried;

/** Into given diagnostics every mistake under any choice of options, of a tree that may already have some. */
export function explore<T extends SpecTree>(tree: T, lowering: Lowering<T>, recovery: Recovery, diagnostics: Diagnostics): void {
  const seen: Seen = { used: new Set(), present: new Set(), dims: new Set(), evaluations: 0 };
  const single = singleChoices(tree);
  const tried = new Set<string>();
  const tryAll = (choices: Iterable<OptionValues>, enough: () => boolean = () => false): boolean => {
    for (const options of choices) {
      if (enough()) return true;
      const key = JSON.stringify(options);
      if (tried.has(key)) continue;
      if (tried.size >= MOST_CHOICES) return true;
      tried.add(key);
      if (!tryOne(tree, lowering, options, recovery, diagnostics, seen) || seen.evaluations > MOST_EVALUATIONS) return false;
    }
    return true;
  };
  if (!tryAll(single)) return;
  // What no single option brings into use may need two at once.
  const unused = () => unusedTensors(tree, seen).length > 0 || tree.dims.some(({ name }) => !seen.dims.has(name));
  if (!tryAll(pairs(tree), () => !unused())) return;
  reportUnused(tree, recovery, diagnostics, seen);
}

interface Seen {
  /** `params.W`: tensors that a result depends on, or that were computed with where there are mistakes. */
  readonly used: Set<string>;
  readonly present: Set<string>;
  readonly dims: Set<string>;
  evaluations: number;
}

/** False when the step is too large for more. */
function tryOne<T extends SpecTree>(
  tree: T,
  lowering: Lowering<T>,
  options: OptionValues,
  recovery: Recovery,
  diagnostics: Diagnostics,
  seen: Seen,
): boolean {
  const { signature, used, dims, tooLarge, evaluations } = lowering(
    tree,
    options,
    recovery,
    diagnostics.report,
    noteOf(tree, options),
  );
  seen.evaluations += evaluations;
  for (const name of used) seen.used.add(name);
  for (const dim of [...signature.dims, ...dims]) seen.dims.add(dim);
  for (const { name } of signature.inputs) seen.present.add(`inputs.${name}`);
  for (const { name } of signature.params) seen.present.add(`params.${name}`);
  return !tooLarge;
}

/** The lowering of a cell. */
export const cellOnce: Lowering<CellTree> = (tree, options, recovery, report, note) => {
  const { signature, bad } = signatureWith(tree, options, recovery, report, note);
  const { graph, used, ...rest } = lowerWith(tree, signature, { recovery, bad, report, note });
  return { signature, used: graph === undefined ? used : reached(graph), ...rest };
};

/** ` (when coupled = true)`, nothing for the defaults. */
function noteOf(tree: SpecTree, options: OptionValues): string {
  const changed = tree.options.filter((option) => options[option.name] !== option.default);
  return changed.length === 0 ? '' : ` (when ${changed.map(({ name }) => `${name} = ${options[name]}`).join(', ')})`;
}

/** The values of an option worth trying: all of a choice or flag, the ends and one more of a number. */
function valuesOf(option: OptionDeclaration): readonly OptionValue[] {
  switch (option.kind) {
    case 'choice':
      return option.values;
    case 'flag':
      return [option.default, !option.default];
    case 'real':
    case 'integer': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option;
      const candidates = [option.default, option.min ?? option.default, Math.min(option.default + 1, max)];
      return [...new Set(candidates.filter((value) => value >= min && value <= max))];
    }
  }
}

/** The defaults, then every value of every option with the others at their defaults. */
function* singleChoices(tree: SpecTree): Generator<OptionValues> {
  const defaults = resolveOptions(tree, {});
  yield defaults;
  for (const option of tree.options) {
    for (const value of valuesOf(option)) yield { ...defaults, [option.name]: value };
  }
}

/** Every two options at every two values; flags first, since they guard most parameters. */
function* pairs(tree: SpecTree): Generator<OptionValues> {
  const defaults = resolveOptions(tree, {});
  const options = [...tree.options].sort((a, b) => valuesOf(a).length - valuesOf(b).length);
  const flipped = options.filter((option) => option.kind === 'flag').map(({ name, default: value }) => [name, !value]);
  yield { ...defaults, ...Object.fromEntries(flipped) };
  for (const [index, first] of options.entries()) {
    for (const second of options.slice(index + 1)) {
      for (const a of valuesOf(first)) for (const b of valuesOf(second)) yield { ...defaults, [first.name]: a, [second.name]: b };
    }
  }
}

/** Tensors that a next state or output depends on. */
export function reached(graph: StepGraph): Set<string> {
  const names = new Set<string>();
  const seen = new Set<NodeId>();
  const open = [...Object.values(graph.next), ...Object.values(graph.outputs)];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const node = graph.nodes[id];
    if (node === undefined || seen.has(id)) continue;
    seen.add(id);
    open.push(...argumentsOf(node));
    if (node.op === 'input') names.add(`inputs.${node.name}`);
    else if (node.op === 'param') names.add(`params.${node.name}`);
    else if (isGather(node)) names.add(`params.${node.param}`);
    else if (node.op === 'delayed') names.add(`${node.group === 'input' ? 'inputs' : 'state'}.${node.name}`);
    else if (isContract(node)) {
      for (const { matrix } of node.terms) {
        names.add(`params.${matrix.param}`);
        if (typeof matrix.drop?.rate === 'object') names.add(`params.${matrix.drop.rate.param}`);
      }
    }
  }
  return names;
}

function unusedTensors(tree: SpecTree, seen: Seen) {
  const entries = (['inputs', 'params'] as const).flatMap((group) => tree[group].entries.map((entry) => ({ group, entry })));
  return entries.filter(({ group, entry }) => !seen.used.has(`${group}.${entry.name}`));
}

function reportUnused(tree: SpecTree, recovery: Recovery, diagnostics: Diagnostics, seen: Seen): void {
  if (recovery.stepOpen) return;
  // A misspelt use, or a step without results, leaves tensors unused: that is one mistake, not two.
  if (diagnostics.has('SPEC-UNKNOWN-MEMBER', 'SPEC-NO-RETURN', 'SPEC-RETURN')) return;
  // Where a mistake hides part of the step, only what is written nowhere else counts as unused.
  const hidden = diagnostics.any;
  for (const { group, entry } of unusedTensors(tree, seen)) {
    // A tensor that none of the tried choices brings into being cannot be judged.
    if ((hidden && occurrences(tree, entry.name) > 1) || !seen.present.has(`${group}.${entry.name}`)) continue;
    const code = group === 'params' ? 'SPEC-UNUSED-PARAM' : 'SPEC-UNUSED-INPUT';
    const message = `the ${SINGULAR[group]} \`${entry.name}\` is never used: nothing that \`${tree.kind === 'cell' ? 'step' : 'run'}\` returns depends on it`;
    const fix = `Use it in \`${tree.kind === 'cell' ? 'step' : 'run'}\`, or remove the declaration.`;
    diagnostics.report(code, entry.span, message, fix);
  }
  const whole = !diagnostics.any && groupsOf(tree).every((group) => !recovery.isOpen(group));
  for (const { name, span } of tree.dims) {
    if (!whole || seen.dims.has(name) || mentions(tree, name)) continue;
    diagnostics.report('SPEC-DIM-UNUSED', span, `no shape uses the dim \`${name}\``, 'Remove it, or use it in a shape.');
  }
}

function groupsOf(tree: SpecTree): readonly DeclarationGroup[] {
  return [tree.inputs, tree.state, tree.params];
}

/** Whether a shape or the step names a dim under some options, tried or not. */
function mentions(tree: SpecTree, dim: string): boolean {
  const shapes = groupsOf(tree).flatMap(({ entries }) => entries.map(({ shape }) => shape));
  const { body } = tree.kind === 'cell' ? tree.step : tree.run;
  const layers = tree.kind === 'cell' ? [] : tree.layers.map(({ dims }) => dims);
  return words([shapes, layers, body, Object.values(tree.helpers).map((helper) => helper.body)]).has(dim);
}

/** How often a name is written in the files of a spec, its declaration included. */
function occurrences(tree: SpecTree, name: string): number {
  const text = Object.values(tree.sources).flat().join('\n');
  return text.split(/[^A-Za-z0-9_]+/).filter((word) => word === name).length;
}

/** Every member and string in some part of a tree. Constants are shared, so each node is visited once. */
function words(part: unknown): Set<string> {
  const found = new Set<string>();
  const seen = new Set<object>();
  const open = [part];
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if ('property' in value && typeof value.property === 'string') found.add(value.property);
    if ('kind' in value && value.kind === 'string' && 'value' in value && typeof value.value === 'string') found.add(value.value);
    for (const item of Object.values(value)) open.push(item);
  }
  return found;
}
