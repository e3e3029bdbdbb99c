/**
 * The step graph: values of one time step of one sequence, in topological order.
 * Nodes are hash-consed, so equal expressions are one node; edges only point backwards.
 */
import type { Span } from '../frontend/tree.js';
import { isOp, type OpName } from './ops.js';

export type NodeId = number;

/** Dim names of one step of one sequence: `['H']` a vector over units, `[]` a scalar. */
export type Shape = readonly string[];

export type Leaf =
  | { readonly op: 'constant'; readonly value: number }
  | { readonly op: 'input'; readonly name: string }
  /** The state's value before this step. */
  | { readonly op: 'state'; readonly name: string }
  /** A vector or scalar parameter. Matrices appear only inside `contract`. */
  | { readonly op: 'param'; readonly name: string }
  /** Cotangent of an output sequence at this step. */
  | { readonly op: 'seed'; readonly name: string }
  /** Cotangent of the state after this step, from the steps behind it. `retime` replaces it by the three leaves below. */
  | { readonly op: 'carry'; readonly name: string }
  /** Cotangent that the caller gave for the final state. */
  | { readonly op: 'final'; readonly name: string }
  /** Whether this is its sequence's last step. */
  | { readonly op: 'last' }
  /** Another node's value at the step that the backward loop visited before this one, t+1. */
  | { readonly op: 'previous'; readonly of: NodeId };

/** One product of a matrix parameter, or its transpose, with a vector. */
export interface Term {
  readonly matrix: string;
  readonly transposed: boolean;
  readonly operand: NodeId;
}

/** Sum of matrix-vector products: each unit needs all units of the operands. */
export interface Contract {
  readonly op: 'contract';
  readonly terms: readonly Term[];
}

/** Per-unit operation; scalars broadcast. */
export interface Apply {
  readonly op: OpName;
  readonly args: readonly NodeId[];
}

export type NodeBody = Leaf | Contract | Apply;
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
}

export const isApply = (node: Node): node is Node & Apply => isOp(node.op);
export const isContract = (node: Node): node is Node & Contract => node.op === 'contract';

/** The nodes that a node reads at this step. */
export function argumentsOf(node: Node): readonly NodeId[] {
  if (isContract(node)) return node.terms.map((term) => term.operand);
  return isApply(node) ? node.args : [];
}
