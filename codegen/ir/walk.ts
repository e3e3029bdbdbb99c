/**
 * Walks over graphs that do not recurse: a chain may be as long as a step is allowed to be, longer than a stack is deep.
 * Both visit in the order in which a recursion would, so that what is numbered on the way keeps its number.
 */
import type { NodeId } from './graph.js';

/** Calls `enter` for every node behind the roots once, before what it reads; what `enter` returns is gone on with. */
export function preorder(roots: Iterable<NodeId>, enter: (id: NodeId) => readonly NodeId[]): void {
  const seen = new Set<NodeId>();
  const open = [...roots].reverse();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const next = enter(id);
    for (let index = next.length - 1; index >= 0; index--) open.push(next[index] ?? 0);
  }
}

/** Calls `leave` for every node behind the roots once, after what `reads` says that it reads. */
export function postorder(roots: Iterable<NodeId>, reads: (id: NodeId) => readonly NodeId[], leave: (id: NodeId) => void): void {
  const entered = new Set<NodeId>();
  const open: { readonly id: NodeId; readonly next: Iterator<NodeId> }[] = [];
  const enter = (id: NodeId): void => {
    if (entered.has(id)) return;
    entered.add(id);
    open.push({ id, next: reads(id)[Symbol.iterator]() });
  };
  for (const root of roots) {
    enter(root);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { value, done } = top.next.next();
      if (done !== true) enter(value);
      else {
        open.pop();
        leave(top.id);
      }
    }
  }
}

/**
 * A property of nodes that follows from those of the nodes they read. It is found for each node once, in the order of
 * the graph, in which a node comes after what it reads; a graph that grows is followed.
 */
export function inherited<V>(derive: (id: NodeId, known: (id: NodeId) => V) => V): (id: NodeId) => V {
  const values: V[] = [];
  const known = (id: NodeId): V => values[id] as V;
  return (id) => {
    for (let next = values.length; next <= id; next++) values.push(derive(next, known));
    return known(id);
  };
}
