/** What the conversion of syntax trees carries along. */
import type { Node } from 'ts-morph';
import type { Report } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import type { Binding, FunctionNode, Module } from '../source/module.js';
import { spanOf } from '../source/place.js';
import type { Expression, FunctionTree, Span } from '../tree.js';
import type { Scope } from './scope.js';

/** Helper functions and constants met so far; each is converted once, when first used. */
export interface Library {
  readonly helpers: Map<string, FunctionTree>;
  readonly constants: Map<string, Expression>;
  /** Keys of helpers and constants being converted, outermost first: meeting one again is a cycle. */
  readonly open: string[];
  /** Converts a helper that is called for the first time: expressions call helpers, and helpers are made of expressions. */
  readonly convertHelper: (context: Context, name: string, node: FunctionNode) => FunctionTree;
}

export interface Context {
  readonly report: Report;
  readonly recovery: Recovery;
  readonly library: Library;
  readonly module: Module;
  readonly scope: Scope;
  /** In a model: the names of its layers, which functions call. */
  readonly layers: ReadonlySet<string> | undefined;
  /** Whether this is the first argument of `layer`, where an imported cell stands for itself. */
  readonly choosesCell: boolean;
  /** Levels of nesting so far. */
  readonly depth: number;
}

/** Deeper expressions are refused: every later stage walks trees by recursion. */
export const MOST_DEPTH = 400;

export function span(context: Context, node: Node): Span {
  return spanOf(context.module.file, node);
}

export function deeper(context: Context): Context {
  return { ...context, depth: context.depth + 1 };
}

/** The name of a helper or constant from its key, for messages. */
export function nameOfKey(key: string): string {
  return key.slice(key.lastIndexOf('#') + 1);
}

/** Names that an expression here could have meant. */
export function knownNames(context: Context): string[] {
  const usable = [...context.module.names].filter(([, binding]) => isValue(binding)).map(([name]) => name);
  return [...context.scope.names(), ...usable];
}

function isValue(binding: Binding): boolean {
  return binding.kind === 'builtin' || binding.kind === 'helper' || binding.kind === 'constant';
}
