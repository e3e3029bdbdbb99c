/**
 * The step graph: values of one time step of one sequence, in topological order.
 * Nodes are hash-consed, so equal expressions are one node; edges only point backwards.
 */
import type { Affine, SizeRule, Span } from '../frontend/tree.js';
import { isOp, type OpName } from '../ops/index.js';
import type { NodeId } from '../ops/record.js';

export type { NodeId };

/** Dims of one step of one sequence, positions first and units last: `['H']`, `['X', 'C']`; `[]` for a scalar. */
export type Shape = readonly string[];

export type Leaf =
  | { readonly op: 'constant'; readonly value: number }
  | { readonly op: 'input'; readonly name: string }
  /** A value that is the same at every step of a sequence. */
  | { readonly op: 'held'; readonly name: string }
  /** The state's value before this step. */
  | { readonly op: 'state'; readonly name: string }
  /**
   * An input or state as it was `steps` steps ago; before the first step zero. Of an input `steps` may be negative: as it
   * will be, and behind the last step zero.
   */
  | { readonly op: 'delayed'; readonly group: 'input' | 'state'; readonly name: string; readonly steps: number }
  /** A parameter used per unit. As a matrix it appears inside `contract`. */
  | { readonly op: 'param'; readonly name: string }
  /** The number of the step, from 0. */
  | { readonly op: 'time' }
  /** The number of each unit of a vector, or of the block it falls into where its units are cut into `blocks` blocks. */
  | { readonly op: 'index'; readonly blocks: number | undefined }
  /** How many steps the sequence has along a time axis. */
  | { readonly op: 'steps'; readonly time: string }
  /** How many sequences the run has, in the rows of those; 0 in those that a plan for more has besides. */
  | { readonly op: 'batch' }
  /** How many values a shape of these dims has. */
  | { readonly op: 'extent'; readonly dims: readonly string[] }
  /** Draws of a counter-based generator, fresh at each step or once for each sequence. */
  | {
      readonly op: 'random';
      readonly site: number;
      readonly distribution: 'uniform' | 'normal';
      readonly per: 'step' | 'sequence';
    }
  /** A cotangent of an output sequence at this step. */
  | { readonly op: 'seed'; readonly name: string }
  /** Cotangent of the state after this step, from the steps behind it. `retime` replaces it by the three leaves below. */
  | { readonly op: 'carry'; readonly name: string }
  /** A cotangent of the final state. */
  | { readonly op: 'final'; readonly name: string }
  /** Whether this is its sequence's last step. */
  | { readonly op: 'last' }
  /**
   * Another node's value `steps` steps later in the sequence, which the backward loop visited before.
   * Guarded, it is zero behind the sequence's end; one that is not must not be used there.
   */
  | { readonly op: 'previous'; readonly of: NodeId; readonly steps: number; readonly guarded: boolean }
  /** The sum of another node's values at all steps of a sequence. */
  | { readonly op: 'accrued'; readonly of: NodeId };

/** A matrix parameter as a contraction uses it. */
export interface MatrixRef {
  readonly param: string;
  /** Which matrix of a stack or kernel: `axes` leading axes are fixed, at this flattened index. */
  readonly slice: { readonly axes: number; readonly index: number } | undefined;
  /** Entry (i, k) counts where block(k) ≥ block(i) (`upper`) or ≤ (`lower`). */
  readonly triangle: { readonly blocks: number; readonly side: 'upper' | 'lower' } | undefined;
  /** Entries dropped at random, the same for the whole run. */
  readonly drop: { readonly site: number; readonly rate: Rate } | undefined;
}

/** A probability: a number, or a scalar parameter by name. */
export type Rate = number | { readonly param: string };

/**
 * One product of a matrix with the innermost axis of an operand. A matrix of rank 2 serves every leading index of
 * the operand; one of rank 3 has a matrix for each index of the operand's last leading axis.
 */
export interface Term {
  readonly matrix: MatrixRef;
  readonly transposed: boolean;
  readonly operand: NodeId;
}

/** Sum of matrix products: each unit needs all units of the operands. */
export interface Contract {
  readonly op: 'contract';
  readonly terms: readonly Term[];
}

/** Sum or maximum over some axes: each unit needs others. */
export interface Reduce {
  readonly op: 'reduce';
  readonly kind: 'sum' | 'max';
  readonly arg: NodeId;
  /** Positions in the argument's shape, ascending. */
  readonly axes: readonly number[];
  /**
   * Of a sum over one axis: an outer axis of the argument whose index it stops before. Behind it the argument is zero, or made of what
   * is not to be known yet.
   */
  readonly before?: number | undefined;
}

/** The argument repeated along new axes, and its own in another order: its axis j is the result's axis `axes[j]`. */
export interface Expand {
  readonly op: 'expand';
  readonly arg: NodeId;
  readonly axes: readonly number[];
}

/**
 * The argument seen through another index on one axis: out[p] = in[(p·stride + offset) / dilation] where that is a
 * whole number inside the axis, else zero. Slices, paddings and the taps of a convolution are windows.
 */
export interface Window {
  readonly op: 'window';
  readonly arg: NodeId;
  readonly axis: number;
  readonly offset: Affine;
  readonly stride: number;
  readonly dilation: number;
}

/** A row of a matrix parameter: the one whose number a scalar is, rounded to the nearest there is. */
export interface Gather {
  readonly op: 'gather';
  readonly param: string;
  readonly symbol: NodeId;
}

/**
 * Of numbers a along the last axis, the products of those between any two: out[…, i, j] = a[…, j+1] ⋯ a[…, i−1] for j < i, which is 1
 * for neighbours, and zero for the others. What a value that decays by a[m] at step m keeps from behind step j to before step i.
 */
export interface Decays {
  readonly op: 'decays';
  readonly arg: NodeId;
}

/**
 * X of X = B + L X by forward substitution, or of X = B + Lᵀ X by backward substitution, where L, a matrix of the last two axes,
 * counts below its diagonal alone; B and X have its rows along the axis before their last.
 */
export interface Solve {
  readonly op: 'solve';
  readonly matrix: NodeId;
  readonly arg: NodeId;
  readonly transposed: boolean;
}

/** Per-unit operation on values of one shape; scalars broadcast. */
export interface Apply {
  readonly op: OpName;
  readonly args: readonly NodeId[];
}

export type NodeBody = Leaf | Contract | Reduce | Expand | Window | Gather | Decays | Solve | Apply;
export type Node = NodeBody & {
  readonly id: NodeId;
  readonly shape: Shape;
  readonly type: 'number' | 'boolean';
  readonly span: Span;
};

/** A cell's step after lowering. */
export interface StepGraph {
  readonly nodes: readonly Node[];
  /** Value of every state after the step. */
  readonly next: Readonly<Record<string, NodeId>>;
  /** Every output sequence: a state's next value or a further value of `step`. */
  readonly outputs: Readonly<Record<string, NodeId>>;
  /** Values that are looked at, by the names they have in `step`: kept for every step, and their cotangents too. */
  readonly traces: Readonly<Record<string, NodeId>>;
  /** What must hold between the sizes of dims. */
  readonly rules: readonly SizeRule[];
}

export const isApply = (node: Node): node is Node & Apply => isOp(node.op);
export const isContract = (node: Node): node is Node & Contract => node.op === 'contract';
export const isReduce = (node: Node): node is Node & Reduce => node.op === 'reduce';
export const isExpand = (node: Node): node is Node & Expand => node.op === 'expand';
export const isWindow = (node: Node): node is Node & Window => node.op === 'window';
export const isGather = (node: Node): node is Node & Gather => node.op === 'gather';
export const isDecays = (node: Node): node is Node & Decays => node.op === 'decays';
export const isSolve = (node: Node): node is Node & Solve => node.op === 'solve';

/** Whether a node's rows along an axis are found one after the other: by a kernel of its own. */
export const findsRows = (node: Node): node is Node & (Decays | Solve) => isDecays(node) || isSolve(node);

/** Whether each of a node's units needs the argument's other units. */
export const mixesUnits = (node: Node): boolean => isContract(node) || isReduce(node) || findsRows(node);

/** The nodes that a node reads at this step. */
export function argumentsOf(node: Node): readonly NodeId[] {
  if (isContract(node)) return node.terms.map((term) => term.operand);
  if (isReduce(node) || isExpand(node) || isWindow(node) || isDecays(node)) return [node.arg];
  if (isSolve(node)) return [node.matrix, node.arg];
  if (isGather(node)) return [node.symbol];
  return isApply(node) ? node.args : [];
}

/** The same body with other arguments, in the order of `argumentsOf`. */
export function withArguments(node: Node, replace: (id: NodeId) => NodeId): NodeBody {
  if (isContract(node)) return { op: 'contract', terms: node.terms.map((term) => ({ ...term, operand: replace(term.operand) })) };
  if (isReduce(node)) {
    const { kind, axes, before } = node;
    return { op: 'reduce', kind, arg: replace(node.arg), axes, ...(before === undefined ? {} : { before }) };
  }
  if (isExpand(node)) return { op: 'expand', arg: replace(node.arg), axes: node.axes };
  if (isWindow(node)) {
    const { axis, offset, stride, dilation } = node;
    return { op: 'window', arg: replace(node.arg), axis, offset, stride, dilation };
  }
  if (isGather(node)) return { op: 'gather', param: node.param, symbol: replace(node.symbol) };
  if (isDecays(node)) return { op: 'decays', arg: replace(node.arg) };
  if (isSolve(node)) {
    return { op: 'solve', matrix: replace(node.matrix), arg: replace(node.arg), transposed: node.transposed };
  }
  return isApply(node) ? { op: node.op, args: node.args.map(replace) } : bodyOf(node);
}

/** What a leaf is, without where it stands. */
function bodyOf({ id: _id, shape: _shape, type: _type, span: _span, ...body }: Leaf & Node): Leaf {
  return body;
}
