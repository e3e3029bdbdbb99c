/** What must hold between passes; a breach is a defect of the compiler, not of the spec. */

import { ops } from '../ops/index.js';
import {
  argumentsOf,
  isApply,
  isDecays,
  isExpand,
  isReduce,
  isSolve,
  isWindow,
  type Node,
  type NodeId,
  type StepGraph,
} from './graph.js';

export function verify(pass: string, graph: StepGraph): StepGraph {
  const fail = (id: NodeId, what: string): never => {
    throw new Error(`after ${pass}: node ${id} ${what}`);
  };
  graph.nodes.forEach((node, index) => {
    if (node.id !== index) fail(index, `calls itself ${node.id}`);
    for (const argument of argumentsOf(node)) if (argument >= index) fail(index, `reads ${argument}, which comes later`);
    const bent = misshapen(node, graph.nodes);
    if (bent !== undefined) fail(index, bent);
    if (!isApply(node)) return;
    const op = ops[node.op];
    if (node.args.length !== op.arity) fail(index, `(${node.op}) has ${node.args.length} arguments`);
    if (node.type !== op.result) fail(index, `(${node.op}) is a ${node.type}`);
    for (const argument of node.args) {
      const shape = graph.nodes[argument]?.shape ?? [];
      if (shape.length > 0 && shape.join() !== node.shape.join())
        fail(index, `(${node.op}) mixes [${shape}] with [${node.shape}]`);
    }
  });
  for (const id of [...Object.values(graph.next), ...Object.values(graph.outputs)]) {
    if (!graph.nodes[id]) fail(id, 'is a result but does not exist');
  }
  return graph;
}

/** What is wrong with the shape of a node that changes its argument's. */
function misshapen(node: Node, nodes: readonly Node[]): string | undefined {
  if (isDecays(node)) {
    const given = nodes[node.arg]?.shape ?? [];
    return [...given, given.at(-1)].join() === node.shape.join() ? undefined : `(decays) is [${node.shape}] of [${given}]`;
  }
  if (isSolve(node)) {
    const [matrix, given] = [nodes[node.matrix]?.shape ?? [], nodes[node.arg]?.shape ?? []];
    const fits = matrix.join() === [...given.slice(0, -1), given.at(-2)].join() && given.join() === node.shape.join();
    return fits ? undefined : `(solve) is [${node.shape}] of [${matrix}] and [${given}]`;
  }
  if (!isReduce(node) && !isExpand(node) && !isWindow(node)) return undefined;
  const given = nodes[node.arg]?.shape ?? [];
  const wanted = isReduce(node)
    ? given.filter((_, axis) => !node.axes.includes(axis))
    : isExpand(node)
      ? node.axes.map((axis) => node.shape[axis])
      : given.map((dim, axis) => (axis === node.axis ? node.shape[axis] : dim));
  const found = isExpand(node) ? given : node.shape;
  return wanted.join() === found.join() ? undefined : `(${node.op}) is [${node.shape}] of [${given}]`;
}
