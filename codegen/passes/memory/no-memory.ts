/** Why a state is no memory: what was met there. */
import type { Node } from '../../ir/graph.js';

export class NoMemory {
  constructor(
    readonly node: Node,
    readonly why: string,
  ) {}
}
