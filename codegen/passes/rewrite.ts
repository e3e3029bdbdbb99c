/** An expression again, with some of its parts replaced. */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, type NodeId, withArguments } from '../ir/graph.js';
import { postorder } from '../ir/walk.js';

/** Rebuilds what `root` stands for, with `replace` deciding for some nodes what they become. */
export function rewrite(
  builder: GraphBuilder,
  root: NodeId,
  replace: (id: NodeId) => NodeId | undefined,
  done = new Map<NodeId, NodeId>(),
): NodeId {
  const rebuilt = (id: NodeId): NodeId => {
    const made = done.get(id);
    if (made === undefined) throw new Error(`node ${id} is used before it is rebuilt`);
    return made;
  };
  postorder(
    [root],
    (id) => {
      if (done.has(id)) return [];
      const replaced = replace(id);
      if (replaced === undefined) return argumentsOf(builder.node(id));
      done.set(id, replaced);
      return [];
    },
    (id) => {
      if (done.has(id)) return;
      const node = builder.node(id);
      const leaf = argumentsOf(node).length === 0;
      done.set(id, leaf ? id : builder.make(withArguments(node, rebuilt), node.shape, node.span));
    },
  );
  return rebuilt(root);
}
