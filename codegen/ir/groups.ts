/** Questions about who needs whom, of graphs that are small: nodes of a step, states of a cell. */
import { argumentsOf, type Node, type NodeId } from './graph.js';
import { preorder } from './walk.js';

/** Everything behind `roots` at this step, themselves included. */
export function ancestorsOf(nodes: readonly Node[], roots: readonly NodeId[]): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  preorder(roots, (id) => {
    found.add(id);
    const node = nodes[id];
    return node === undefined ? [] : argumentsOf(node);
  });
  return found;
}

/**
 * Those that need each other, directly or through others, together: of `roots` and whatever they need. Each group stands behind
 * those that it needs.
 *
 * Tarjan 1972, "Depth-first search and linear graph algorithms", by a stack of its own: a chain may be long.
 */
export function stronglyConnected<N>(roots: readonly N[], needs: (one: N) => readonly N[]): N[][] {
  const found: N[][] = [];
  const seen = new Map<N, { readonly number: number; low: number; open: boolean }>();
  const open: N[] = [];
  const enter = (one: N) => {
    const own = { number: seen.size, low: seen.size, open: true };
    seen.set(one, own);
    open.push(one);
    return { one, own, left: [...needs(one)] };
  };
  for (const root of roots) {
    if (seen.has(root)) continue;
    for (const path = [enter(root)]; path.length > 0; ) {
      const top = path.at(-1);
      if (top === undefined) break;
      const next = top.left.pop();
      const known = next === undefined ? undefined : seen.get(next);
      if (next !== undefined && known === undefined) path.push(enter(next));
      else if (known?.open) top.own.low = Math.min(top.own.low, known.number);
      if (next !== undefined) continue;
      path.pop();
      const below = path.at(-1);
      if (below !== undefined) below.own.low = Math.min(below.own.low, top.own.low);
      if (top.own.low < top.own.number) continue;
      const group = open.splice(open.lastIndexOf(top.one));
      for (const one of group) {
        const state = seen.get(one);
        if (state !== undefined) state.open = false;
      }
      found.push(group);
    }
  }
  return found;
}
