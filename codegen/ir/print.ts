/** Text forms of the graphs, one node a line. */
import type { Affine } from '../frontend/tree.js';
import type { AdjointGraph } from '../passes/adjoint.js';
import {
  argumentsOf,
  isApply,
  isContract,
  isDecays,
  isExpand,
  isGather,
  isReduce,
  isSolve,
  isWindow,
  type MatrixRef,
  type Node,
  type NodeId,
  type StepGraph,
} from './graph.js';
import type { ModelGraph } from './model.js';
import { preorder } from './walk.js';

/** The step graph: every node that the results use, then the results. */
export function printGraph(graph: StepGraph): string {
  return [
    ...printNodes(graph.nodes, [...Object.values(graph.next), ...Object.values(graph.outputs)]),
    ...printRoots('next', graph.next),
    ...printRoots('output', graph.outputs),
  ].join('\n');
}

/** A model's sections in order, each with what it reads, what it computes and what others read of it. */
export function printModel({ sections, outputs }: ModelGraph): string {
  const named = (section: number, name: string) =>
    Object.entries(outputs).flatMap(([output, source]) => (source.section === section && source.name === name ? [output] : []));
  return sections
    .map(({ time, order, step, inputs, states }, index) => {
      const head = `section ${index}, ${time === undefined ? 'without time' : `over ${time}${order === 'back' ? ', from the last step' : ''}`}`;
      return [
        head,
        ...inputs.map(({ name, shape, seen, source }) => {
          const from =
            source.kind === 'host' ? `input ${source.name}` : `${source.kind} ${source.name} of section ${source.section}`;
          return `  reads ${name} : [${shape.join(', ')}] = ${from}${SEEN[seen]}`;
        }),
        ...states.map(
          ({ name, shape, initial }) =>
            `  state ${name} : [${shape.join(', ')}] from ${initial.kind === 'host' ? `state ${initial.name}` : `${initial.name} of section ${initial.section}`}`,
        ),
        ...printNodes(step.nodes, [...Object.values(step.next), ...Object.values(step.outputs)]).map((line) => `  ${line}`),
        ...printRoots('next', step.next).map((line) => `  ${line}`),
        ...Object.entries(step.outputs).map(([name, id]) => {
          const known = named(index, name);
          return `  output ${name}${known.length === 0 ? '' : `, which is ${known.join(' and ')}`} = %${id}`;
        }),
      ].join('\n');
    })
    .join('\n\n');
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
        `d param ${name} = Σ ${list.map((term) => (term.kind === 'sum' ? `%${term.value}` : `${term.chosen ? 'one-hot ' : ''}%${term.left} ⊗ %${term.right}${term.matrix.slice === undefined ? '' : ` at ${term.matrix.slice.index}`}`)).join(' + ')}`,
    ),
  ].join('\n');
}

function printNodes(nodes: readonly Node[], roots: readonly NodeId[]): string[] {
  const live = new Set<NodeId>();
  preorder(roots, (id) => {
    const node = nodes[id];
    if (!node) return [];
    live.add(id);
    return argumentsOf(node);
  });
  return nodes.filter(({ id }) => live.has(id)).map((node) => `%${node.id} : [${node.shape.join(', ')}] = ${printBody(node)}`);
}

function printBody(node: Node): string {
  if (isContract(node)) {
    return node.terms
      .map(({ matrix, transposed, operand }) => `${printMatrix(matrix)}${transposed ? 'ᵀ' : ''} · %${operand}`)
      .join(' + ');
  }
  if (isReduce(node))
    return `${node.kind} %${node.arg} over axes ${node.axes.join(', ')}${node.before === undefined ? '' : ` before axis ${node.before}`}`;
  if (isExpand(node)) return `expand %${node.arg} along ${node.axes.join(', ') || 'none'}`;
  if (isWindow(node)) return `window %${node.arg} axis ${node.axis} at ${printIndex(node)}`;
  if (isGather(node)) return `row %${node.symbol} of ${node.param}`;
  if (isDecays(node)) return `products of %${node.arg} between any two`;
  if (isSolve(node)) return `solve x = %${node.arg} + %${node.matrix}${node.transposed ? 'ᵀ' : ''} x`;
  if (isApply(node)) return `${node.op} ${node.args.map((id) => `%${id}`).join(' ')}`;
  if (node.op === 'constant') return String(node.value);
  if (node.op === 'previous') return `previous %${node.of}${node.steps === 1 ? '' : ` by ${node.steps}`}`;
  if (node.op === 'accrued') return `sum of %${node.of} over steps`;
  if (node.op === 'delayed') return `${node.group} ${node.name} delayed by ${node.steps}`;
  if (node.op === 'random') return `${node.distribution} draw ${node.site} per ${node.per}`;
  if (node.op === 'index') return node.blocks === undefined ? 'index' : `index of ${node.blocks} blocks`;
  if (node.op === 'batch') return 'sequences';
  if (node.op === 'steps') return `steps over ${node.time}`;
  if (node.op === 'extent') return `extent ${node.dims.join('·')}`;
  return node.op === 'last' || node.op === 'time' ? node.op : `${node.op} ${node.name}`;
}

function printMatrix({ param, slice, triangle, drop }: MatrixRef): string {
  const sliced = slice === undefined ? param : `${param}[${slice.index}]`;
  const cut = triangle === undefined ? sliced : `${triangle.side}(${sliced}, ${triangle.blocks})`;
  return drop === undefined ? cut : `dropped(${cut}, site ${drop.site})`;
}

/** `2·p − 1 + H`, over the dilation. */
function printIndex({ offset, stride, dilation }: { offset: Affine; stride: number; dilation: number }): string {
  const terms = offset.terms.map(
    ({ dim, factor }) => `${factor < 0 ? '−' : '+'} ${Math.abs(factor) === 1 ? '' : `${Math.abs(factor)}·`}${dim}`,
  );
  const constant = offset.constant === 0 ? [] : [`${offset.constant < 0 ? '−' : '+'} ${Math.abs(offset.constant)}`];
  const index = [`${stride === 1 ? '' : `${stride}·`}p`, ...constant, ...terms].join(' ');
  return dilation === 1 ? index : `(${index}) / ${dilation}`;
}

const printRoots = (label: string, roots: Readonly<Record<string, NodeId>>) =>
  Object.entries(roots).map(([name, id]) => `${label} ${name} = %${id}`);

const SEEN = { step: '', held: ', at every step', memory: ', all of it at every step', chunk: ', all steps of a chunk' } as const;
