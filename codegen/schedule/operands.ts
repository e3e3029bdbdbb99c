/**
 * How contractions and weight gradients read their factors: a value in memory, seen through moves of its leading axes.
 *
 * A worked example is `conv1d(p.K, h)` with three taps on h, a map of X = 5 positions and C = 4 channels. The graph has
 *   %3 = K[0] · (window of h at p − 1) + K[1] · h + K[2] · (window of h at p + 1)
 * and none of the windows is ever stored: all three operands are h itself. Their views say how a row of h is walked (width 5:
 * five positions of one `vec4f`), those of the first and third with one window of stride 1 over `inner` = 5 positions, outside
 * of which they are zero. The two have one view, so one piece of code serves both; they differ in their `Start`, whose window
 * offsets are −1 and 1.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { isWindow, type NodeId, type Shape, type Window } from '../ir/graph.js';
import { evaluateAffine } from '../ir/sizes.js';
import { type Access, type Layout, widthOf } from './places.js';
import type { Storage } from './storage.js';

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

/** What the code that reads an operand is made of: operands of one view differ in their `Start` only. */
export interface View {
  readonly buffer: string;
  readonly layout: Layout;
  /** `vec4f` of one row. */
  readonly width: number;
  /** Steps later that are read; one that is not guarded is in `Start` where all rows are walked at once. */
  readonly shift: number;
  /** Zero outside the T steps. */
  readonly guarded: boolean;
  /** As in `Access`. */
  readonly own?: Access['own'];
  /** Of the positions, in memory. */
  readonly extents: readonly number[];
  /** `vec4f` from one position to the next. */
  readonly stride: number;
  /** Moves of positions; `inner` is the extent of what a window looks at. */
  readonly windows: readonly {
    readonly axis: number;
    readonly stride: number;
    readonly dilation: number;
    readonly inner: number;
  }[];
}

/** Where an operand lies, apart from how it is seen. */
export interface Start {
  /** In `vec4f` from the start of the buffer. */
  readonly base: number;
  /** Of each window. */
  readonly offsets: readonly number[];
}

/**
 * @param rows which rows a kernel walks: the B sequences at one step, or all T·B rows
 * @param head which of the heads on the last leading axis, where each has a member of its own; else heads are positions
 */
export function viewOf(storage: Storage, operand: Operand, rows: 'step' | 'all', head?: number): { view: View; start: Start } {
  const { access, windows, shape } = operand;
  const { place, shift, guarded, own } = access;
  const depth = place.extents.at(-1) ?? 1;
  const apart = place.layout === 'memory';
  if (apart && head !== undefined) throw new Error('heads on the steps of a sequence');
  const width = apart ? depth : widthOf(place);
  const positions = shape.length - (head === undefined ? 1 : 2);
  if (windows.some(({ axis }) => axis >= positions)) throw new Error('a window on an axis that no position has');
  const moving = place.layout === 'alternating' || (place.layout === 'sequence' && rows === 'step');
  const inBase = place.layout === 'sequence' && !guarded && !moving && own === undefined;
  const view: View = {
    buffer: place.buffer,
    layout: place.layout,
    width,
    shift: guarded || moving || own !== undefined ? shift : 0,
    guarded,
    ...(own === undefined ? {} : { own }),
    extents: place.extents.slice(0, Math.max(0, positions)),
    stride: apart ? storage.size('B') * depth : head === undefined ? depth : depth * (place.extents.at(-2) ?? 1),
    windows: windows.map(({ axis, stride, dilation }, turn) => {
      // What the outer window moves has the extent of the next one's result, or of what is in memory.
      const next = windows.slice(turn + 1).find((window) => window.axis === axis);
      return { axis, stride, dilation, inner: storage.size((next ? next.extent : place.shape[axis]) ?? '') };
    }),
  };
  const base = place.base + (inBase ? shift * storage.size('B') * width : 0) + (head ?? 0) * depth;
  return { view, start: { base, offsets: windows.map(({ offset }) => evaluateAffine(offset, storage.sizes)) } };
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
