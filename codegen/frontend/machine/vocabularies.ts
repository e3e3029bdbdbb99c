/** Which values are symbols, and of what vocabulary: a number below one dim's size means nothing among those of another. */
import type { GraphBuilder } from '../../ir/builder.js';
import type { NodeId } from '../../ir/graph.js';
import { preorder } from '../../ir/walk.js';

export class Vocabularies {
  readonly #known = new Map<NodeId, readonly string[]>();

  constructor(private readonly builder: GraphBuilder) {}

  /** Notes that a value is one of as many symbols as a dim counts. */
  declare(id: NodeId, dim: string): void {
    if (!this.of(id).includes(dim)) this.#known.set(id, [...this.of(id), dim]);
  }

  /** Notes that a value is the same symbol as another, at another step or in another section. */
  copy(from: NodeId, to: NodeId): void {
    for (const dim of this.of(from)) this.declare(to, dim);
  }

  /**
   * The dims that count the symbols a value may be one of: of a choice those of both sides. What is computed of a symbol is
   * a number like any other, and has none.
   */
  of(id: NodeId): readonly string[] {
    const dims = new Set<string>();
    preorder([id], (each) => {
      for (const dim of this.#known.get(each) ?? []) dims.add(dim);
      const node = this.builder.node(each);
      if (node.op === 'select') return node.args.slice(1);
      return node.op === 'stopGradient' ? node.args : [];
    });
    return [...dims];
  }
}
