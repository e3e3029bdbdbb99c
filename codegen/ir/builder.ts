/** Builds graphs: hash-consing (common subexpressions), constant folding and the identities that are exact in floating point. */
import type { SizeRule, Span } from '../frontend/tree.js';
import { type OpName, ops } from '../ops/index.js';
import {
  isApply,
  type Leaf,
  type MatrixRef,
  type Node,
  type NodeBody,
  type NodeId,
  type Shape,
  type StepGraph,
  type Term,
  type Window,
} from './graph.js';

const NOWHERE: Span = { file: '', line: 1, column: 1, length: 1 };

/** A parameter that is one plain matrix. */
export const plainMatrix = (param: string): MatrixRef => ({ param, slice: undefined, triangle: undefined, drop: undefined });

export class GraphBuilder {
  readonly nodes: Node[] = [];
  private readonly interned = new Map<string, NodeId>();

  constant(value: number, span: Span = NOWHERE): NodeId {
    // −0 and NaN print like other numbers in JSON, so the key spells them out.
    return this.intern(`constant ${Object.is(value, -0) ? '-0' : value}`, { op: 'constant', value }, [], 'number', span);
  }

  input(name: string, shape: Shape, span: Span): NodeId {
    return this.leaf({ op: 'input', name }, shape, span);
  }

  state(name: string, shape: Shape, span: Span): NodeId {
    return this.leaf({ op: 'state', name }, shape, span);
  }

  param(name: string, shape: Shape, span: Span): NodeId {
    return this.leaf({ op: 'param', name }, shape, span);
  }

  leaf(body: Leaf, shape: Shape, span: Span): NodeId {
    if (body.op === 'constant') return this.constant(body.value, span);
    return this.make(body, shape, span);
  }

  /** `matrix · operand`, a value of `shape`. */
  contract(matrix: MatrixRef, shape: Shape, operand: NodeId, span: Span): NodeId {
    return this.product([{ matrix, transposed: false, operand }], shape, span);
  }

  product(terms: readonly Term[], shape: Shape, span: Span): NodeId {
    return this.make({ op: 'contract', terms }, shape, span);
  }

  /** Sum or maximum over axes of the argument, given by position, ascending; `before` as in `Reduce`. */
  reduce(kind: 'sum' | 'max', arg: NodeId, axes: readonly number[], span: Span, before?: number): NodeId {
    const { shape } = this.node(arg);
    if (axes.length === 0) return arg;
    return this.make(
      { op: 'reduce', kind, arg, axes, ...(before === undefined ? {} : { before }) },
      shape.filter((_, axis) => !axes.includes(axis)),
      span,
    );
  }

  /** The argument spread over `shape`, its axis j lying along `axes[j]`. */
  expand(arg: NodeId, shape: Shape, axes: readonly number[], span: Span): NodeId {
    const same = axes.length === shape.length && axes.every((axis, index) => axis === index);
    return same ? arg : this.make({ op: 'expand', arg, axes }, shape, span);
  }

  /** The products of what lies between any two along the last axis. */
  decays(arg: NodeId, span: Span): NodeId {
    const { shape } = this.node(arg);
    return this.make({ op: 'decays', arg }, [...shape, ...shape.slice(-1)], span);
  }

  /** X of X = B + L X, or of X = B + Lᵀ X. */
  solve(matrix: NodeId, arg: NodeId, side: 'forward' | 'transposed', span: Span): NodeId {
    return this.make({ op: 'solve', matrix, arg, transposed: side === 'transposed' }, this.node(arg).shape, span);
  }

  /** The argument through another index on one axis, which then has the size of `dim`. */
  window(arg: NodeId, axis: number, dim: string, view: Pick<Window, 'offset' | 'stride' | 'dilation'>, span: Span): NodeId {
    const { shape } = this.node(arg);
    const { offset, stride, dilation } = view;
    const still = offset.constant === 0 && offset.terms.length === 0 && stride === 1 && dilation === 1;
    if (still && shape[axis] === dim) return arg;
    const body: Window = { op: 'window', arg, axis, offset, stride, dilation };
    return this.make(
      body,
      shape.map((old, position) => (position === axis ? dim : old)),
      span,
    );
  }

  /** The row of a matrix parameter that a scalar is the number of; `shape` is that of a row. */
  gather(param: string, symbol: NodeId, shape: Shape, span: Span): NodeId {
    return this.make({ op: 'gather', param, symbol }, shape, span);
  }

  /** Applies a per-unit op to arguments whose shapes agree or are scalar. */
  apply(op: OpName, args: readonly NodeId[], span: Span = NOWHERE): NodeId {
    return (
      this.simplify(op, args, span) ??
      this.intern(`${op} ${args.join(' ')}`, { op, args }, this.broadcast(args), ops[op].result, span)
    );
  }

  /** A node of any kind; for per-unit ops the shape is found, not taken. */
  make(body: NodeBody, shape: Shape, span: Span): NodeId {
    if ('args' in body) return this.apply(body.op, body.args, span);
    const type = body.op === 'last' ? 'boolean' : 'number';
    return this.intern(`${JSON.stringify(body)} ${shape.join()}`, body, shape, type, span);
  }

  node(id: NodeId): Node {
    const node = this.nodes[id];
    if (!node) throw new Error(`no node ${id}`);
    return node;
  }

  finish(
    next: Readonly<Record<string, NodeId>>,
    outputs: Readonly<Record<string, NodeId>>,
    rules: readonly SizeRule[] = [],
    traces: Readonly<Record<string, NodeId>> = {},
  ): StepGraph {
    return { nodes: this.nodes, next, outputs, rules, traces };
  }

  /** The same value, whatever its arguments: exact identities only (0·x is not 0 when x is NaN). */
  private simplify(op: OpName, args: readonly NodeId[], span: Span): NodeId | undefined {
    const constants = args.map((id) => this.constantOf(id));
    if (constants.every((value) => value !== undefined) && ops[op].result === 'number') {
      const value = ops[op].fold(...constants);
      // What float32 cannot hold is left to the kernel, which propagates it.
      if (Number.isFinite(Math.fround(value))) return this.constant(value, span);
    }
    const [a, b, c] = args;
    const [ka, kb] = constants;
    if (op === 'add' && kb === 0) return a;
    if (op === 'add' && ka === 0) return b;
    if (op === 'sub' && kb === 0) return a;
    if (op === 'mul' && kb === 1) return a;
    if (op === 'mul' && ka === 1) return b;
    if (op === 'div' && kb === 1) return a;
    if (op === 'mul' && kb === -1 && a !== undefined) return this.apply('neg', [a], span);
    if (op === 'mul' && ka === -1 && b !== undefined) return this.apply('neg', [b], span);
    if (op === 'pow' && kb === 1) return a;
    if (op === 'pow' && kb === 2 && a !== undefined) return this.apply('square', [a], span);
    if (op === 'select' && b === c) return b;
    if (op === 'select' && a !== undefined) {
      const test = this.decided(a);
      const taken = test === undefined ? undefined : test ? b : c;
      if (taken !== undefined && this.node(taken).shape.join() === this.broadcast(args).join()) return taken;
    }
    if (op === 'neg' && a !== undefined) {
      const inner = this.node(a);
      if (inner.op === 'neg') return inner.args[0];
    }
    return undefined;
  }

  private constantOf(id: NodeId): number | undefined {
    const node = this.node(id);
    return node.op === 'constant' ? node.value : undefined;
  }

  /** What a comparison of constants says. */
  private decided(id: NodeId): boolean | undefined {
    const node = this.node(id);
    if (!isApply(node)) return undefined;
    const values = node.args.map((argument) => this.constantOf(argument));
    return values.every((value) => value !== undefined) ? ops[node.op].fold(...values) === 1 : undefined;
  }

  private broadcast(args: readonly NodeId[]): Shape {
    return args.map((id) => this.node(id).shape).find((shape) => shape.length > 0) ?? [];
  }

  private intern(key: string, body: NodeBody, shape: Shape, type: Node['type'], span: Span): NodeId {
    const found = this.interned.get(key);
    if (found !== undefined) return found;
    const id = this.nodes.length;
    this.nodes.push({ ...body, id, shape, type, span });
    this.interned.set(key, id);
    return id;
  }
}
