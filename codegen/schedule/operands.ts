/** How contractions and weight gradients read their factors: a value in memory, seen through moves of its leading axes. */
import type { GraphBuilder } from '../ir/builder.js';
import { isWindow, type NodeId, type Shape, type Window } from '../ir/graph.js';
import type { Access } from './places.js';

/** A window on a leading axis, with the dim that this axis has in the window's result. */
export interface OperandWindow extends Pick<Window, 'axis' | 'offset' | 'stride' | 'dilation'> {
  readonly extent: string;
}

export interface Operand {
  readonly access: Access;
  /** Moves of positions between the operand and memory, outermost first. */
  readonly windows: readonly OperandWindow[];
  /** Shape of the operand as it is contracted. */
  readonly shape: Shape;
}

/** The value behind an operand's moves of leading axes: what has to be in memory. */
export function throughWindows(
  builder: GraphBuilder,
  operand: NodeId,
  inMemory: (id: NodeId) => boolean = () => false,
): { readonly source: NodeId; readonly windows: readonly OperandWindow[] } {
  const windows: OperandWindow[] = [];
  let source = operand;
  for (let node = builder.node(source); isWindow(node) && !inMemory(source); node = builder.node(source)) {
    if (node.axis >= node.shape.length - 1) break;
    const { axis, offset, stride, dilation } = node;
    windows.push({ axis, offset, stride, dilation, extent: node.shape[axis] ?? '' });
    source = node.arg;
  }
  return { source, windows };
}

export const sourceOf = (builder: GraphBuilder, operand: NodeId): NodeId => throughWindows(builder, operand).source;
