/** What every operation that is not per unit becomes in the step graph. */
import { describe, expect, test } from 'vitest';
import { lower, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/frontend/index.js';
import type { OptionValue } from '../../codegen/frontend/tree.js';
import { isContract, type Node, type NodeId, type StepGraph } from '../../codegen/ir/graph.js';
import { cellOf, type Parts } from './specs.js';

const NAMES =
  'antisymmetric, blockIndex, blockTriangular, blocks, broadcast, cell, concat, conv1d, conv2d, delay, dot, dropConnect, ' +
  'dropout, flag, index, integer, kernel, logSumExp, lowRank, map, mat, matvec, max, maxOver, mean, noise, norm, outer, ' +
  'real, scalar, sigmoid, slice, softmax, split, stack, sum, tanh, transpose, variance, vec, zoneout';

function graphOf(parts: Parts, options: Record<string, OptionValue> = {}): StepGraph {
  const tree = parseCellSource('mine.cell.ts', cellOf({ imports: `import { ${NAMES} } from 'recurve';`, ...parts }));
  return lower(tree, resolveSignature(tree, resolveOptions(tree, options)));
}

/** The output or next state `name` as one nested expression; every value with its shape where it changes. */
function formula(graph: StepGraph, name = 'h'): string {
  const id = graph.next[name] ?? graph.outputs[name];
  return id === undefined ? '' : show(graph, id);
}

function show(graph: StepGraph, id: NodeId): string {
  const node = graph.nodes[id];
  if (node === undefined) throw new Error(`no node ${id}`);
  const shape = `[${node.shape.join()}]`;
  const inner = (argument: NodeId) => show(graph, argument);
  if (isContract(node)) return `(${node.terms.map((term) => `${matrix(term)}·${inner(term.operand)}`).join(' + ')})${shape}`;
  if (node.op === 'reduce') return `${node.kind}_${node.axes.join()}(${inner(node.arg)})`;
  if (node.op === 'expand') return `${inner(node.arg)}→${shape}@${node.axes.join()}`;
  if (node.op === 'window') {
    const terms = node.offset.terms.map(({ dim, factor }) => `${factor < 0 ? '' : '+'}${factor}${dim}`).join('');
    return `${inner(node.arg)}{${node.axis}: ${node.stride}p+${node.offset.constant}${terms}}→${shape}`;
  }
  if ('args' in node) return `${node.op}(${node.args.map(inner).join(', ')})`;
  return leaf(node);
}

function leaf(node: Node): string {
  if (node.op === 'constant') return String(node.value);
  if (node.op === 'delayed') return `${node.name}@-${node.steps}`;
  if (node.op === 'random') return `${node.distribution}#${node.site}/${node.per}[${node.shape.join()}]`;
  if (node.op === 'extent') return `#(${node.dims.join()})`;
  if (node.op === 'index')
    return node.blocks === undefined ? `index[${node.shape.join()}]` : `block${node.blocks}[${node.shape.join()}]`;
  return 'name' in node ? node.name : node.op;
}

function matrix({ matrix: ref, transposed }: Extract<Node, { op: 'contract' }>['terms'][number]): string {
  const { param, slice, triangle, drop } = ref;
  const taken = slice === undefined ? '' : `[${slice.index}/${slice.axes}]`;
  const masked = triangle === undefined ? '' : `${triangle.side === 'upper' ? '◹' : '◺'}${triangle.blocks}`;
  const rate = drop === undefined ? '' : `?${drop.site}<${typeof drop.rate === 'number' ? drop.rate : drop.rate.param}`;
  return `${param}${taken}${masked}${rate}${transposed ? 'ᵀ' : ''}`;
}

const parts = (params: string, body: string, more: Parts = {}): Parts => ({ params, body, ...more });

describe('products', () => {
  test('a matrix keeps the leading axes of its operand', () => {
    const graph = graphOf(
      parts("{ W: mat('H', 'I') }", 'return { h: matvec(p.W, x) };', {
        dims: "['X', 'I', 'H']",
        inputs: "{ x: map('X', 'I') }",
        state: "{ h: map('X', 'H') }",
      }),
    );
    expect(formula(graph)).toBe('(W·x)[X,H]');
  });
});
