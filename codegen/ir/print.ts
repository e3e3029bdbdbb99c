/** Text forms of the graphs, one node a line. */
import type { AdjointGraph } from '../passes/adjoint.js';
import { argumentsOf, isApply, isContract, type Node, type NodeId, type StepGraph } from './graph.js';

/** The step graph: every node that the results use, then the results. */
export function printGraph(graph: StepGraph): string {
  return [
    ...printNodes(graph.nodes, [...Object.values(graph.next), ...Object.values(graph.outputs)]),
    ...printRoots('next', graph.next),
    ...printRoots('output', graph.outputs),
  ].join('\n');
}

/** The adjoint: cotangents of the state before the step, of the inputs, and every addend of a parameter's gradient. */
export function printAdjoint({ builder, state, inputs, params }: AdjointGraph): string {
  const terms = Object.values(params).flat();
  const factors = terms.flatMap((term) => (term.kind === 'sum' ? [term.value] : [term.left, term.right]));
  return [
    ...printNodes(builder.nodes, [...Object.values(state), ...Object.values(inputs), ...factors]),
    ...printRoots('d state', state),
    ...printRoots('d input', inputs),
    ...Object.entries(params).map(
      ([name, list]) =>
        `d param ${name} = Σ ${list.map((term) => (term.kind === 'sum' ? `%${term.value}` : `%${term.left} ⊗ %${term.right}`)).join(' + ')}`,
    ),
  ].join('\n');
}

function printNodes(nodes: readonly Node[], roots: readonly NodeId[]): string[] {
  const live = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    const node = nodes[id];
    if (live.has(id) || !node) return;
    live.add(id);
    argumentsOf(node).forEach(visit);
  };
  roots.forEach(visit);
  return nodes.filter(({ id }) => live.has(id)).map((node) => `%${node.id} : [${node.shape.join(', ')}] = ${printBody(node)}`);
}

function printBody(node: Node): string {
  if (isContract(node)) {
    return node.terms.map(({ matrix, transposed, operand }) => `${matrix}${transposed ? 'ᵀ' : ''} · %${operand}`).join(' + ');
  }
  if (isApply(node)) return `${node.op} ${node.args.map((id) => `%${id}`).join(' ')}`;
  if (node.op === 'constant') return String(node.value);
  if (node.op === 'previous') return `previous %${node.of}`;
  return node.op === 'last' ? 'last' : `${node.op} ${node.name}`;
}

const printRoots = (label: string, roots: Readonly<Record<string, NodeId>>) =>
  Object.entries(roots).map(([name, id]) => `${label} ${name} = %${id}`);
