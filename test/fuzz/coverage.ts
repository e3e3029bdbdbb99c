/** What a set of random cells has met: per-unit operations, kinds of graph nodes, functions of the language. */
import { BUILTINS } from '../../codegen/frontend/language/vocabulary.js';
import type { Stages } from '../../codegen/index.js';
import { isApply, type Node } from '../../codegen/ir/graph.js';
import { ops } from '../../codegen/ops/index.js';

/**
 * What only models have: values that are the same at every step of a sequence, what all of its steps give back to them, how many it
 * has, and how many sequences there are; and what only sections over chunks of steps have.
 */
type OfModels = 'held' | 'accrued' | 'steps' | 'batch' | 'decays' | 'solve';

/** Every kind of node that is no per-unit operation; typed so that a new one is named here. */
const KINDS: Readonly<Record<Exclude<Node['op'], keyof typeof ops | OfModels>, true>> = {
  constant: true,
  input: true,
  state: true,
  delayed: true,
  param: true,
  time: true,
  index: true,
  extent: true,
  random: true,
  seed: true,
  carry: true,
  final: true,
  last: true,
  previous: true,
  contract: true,
  reduce: true,
  expand: true,
  window: true,
  gather: true,
};

export class Coverage {
  private readonly met = new Map<string, number>();

  /** Counts a cell that was compiled. */
  add({ step, retimed }: Stages, text: string): void {
    const nodes = [...step.nodes, ...retimed.builder.nodes].map((node) => (isApply(node) ? `op ${node.op}` : `node ${node.op}`));
    const calls = Object.keys(BUILTINS).filter((name) =>
      new RegExp(`(?<![.\\w])${name}\\(`).test(text.slice(text.indexOf('\n'))),
    );
    for (const name of new Set([...nodes, ...calls.map((call) => `call ${call}`)]))
      this.met.set(name, (this.met.get(name) ?? 0) + 1);
  }

  /** What no cell had. */
  missing(): string[] {
    const wanted = [
      ...Object.keys(ops).map((name) => `op ${name}`),
      ...Object.keys(KINDS).map((name) => `node ${name}`),
      ...Object.keys(BUILTINS).map((name) => `call ${name}`),
    ];
    return wanted.filter((name) => !this.met.has(name));
  }

  /** How many of the operations and kinds were met. */
  get size(): number {
    return this.met.size;
  }
}
