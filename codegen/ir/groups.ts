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

/** Those that need each other, directly or through others, together; groups in no special order. */
export function stronglyConnected(names: readonly string[], needs: (name: string) => readonly string[]): string[][] {
  const reached = new Map(names.map((name) => [name, reachedFrom(name, needs)]));
  const groups: string[][] = [];
  for (const name of names) {
    const group = groups.find(([first = '']) => reached.get(name)?.has(first) && reached.get(first)?.has(name));
    if (group === undefined) groups.push([name]);
    else group.push(name);
  }
  return groups;
}

function reachedFrom(start: string, needs: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const waiting = [...needs(start)]; waiting.length > 0; ) {
    const name = waiting.pop();
    if (name === undefined || found.has(name)) continue;
    found.add(name);
    waiting.push(...needs(name));
  }
  return found;
}
