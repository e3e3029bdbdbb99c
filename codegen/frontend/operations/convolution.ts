/** Convolutions: a contraction with one term for each tap of the kernel, its operand seen from the tap's place. */
import { plainMatrix } from '../../ir/builder.js';
import type { NodeId, Shape, Term } from '../../ir/graph.js';
import { dimArgument, type Operand, requireSize, sizesOf } from '../machine/arguments.js';
import { showDim } from '../machine/dims.js';
import type { Machine } from '../machine/machine.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import type { Span } from '../tree.js';
import { sameShape } from './products.js';
import { type Settings, settingsOf } from './settings.js';

type Rank = 1 | 2;

interface Kernel {
  readonly name: string;
  /** Taps along each position axis. */
  readonly extents: readonly number[];
  /** `[O, I]`, or `[G, O, I]` where every group of channels has its own. */
  readonly matrix: Shape;
}

/** One position axis of the result: what it is called and where each tap looks. */
interface Axis {
  readonly dim: string;
  readonly stride: number;
  /** Where tap d looks from position 0. */
  readonly offset: (tap: number) => number;
}

/** `conv1d(k, x, settings)` over `[X, I]` or `[X, G, I]`, `conv2d` over `[X, Y, I]` or `[X, Y, G, I]`. */
export function convolution(rank: Rank) {
  const by = `conv${rank}d` as const;
  return (machine: Machine, [first, second, third]: readonly Operand[], at: Span): Value => {
    if (first === undefined || second === undefined) return POISON;
    const kernel = kernelArgument(machine, rank, first);
    const x = machine.number(second.value, second.span);
    const settings = settingsOf(machine, rank, third);
    if (kernel === undefined || x === undefined || settings === undefined) return POISON;
    const shape = machine.shape(x);
    const [columns = '', rows = ''] = kernel.matrix.slice(-2).reverse();
    const groups = kernel.matrix.slice(0, -2);
    if (shape.length !== rank + kernel.matrix.length - 1 || !sameShape(shape.slice(rank), [...groups, columns])) {
      reportShape(machine, by, kernel, [...groups, columns], shape, second.span);
      return POISON;
    }
    const axes = Array.from({ length: rank }, (_, axis) => axisOf(machine, by, kernel, settings, shape, axis, at));
    const known = axes.filter((axis) => axis !== undefined);
    if (known.length < rank) return POISON;
    const result = [...known.map(({ dim }) => dim), ...groups, rows];
    return { kind: 'node', id: machine.builder.product(taps(machine, kernel, x, known, at), result, at) };
  };
}

function kernelArgument(machine: Machine, rank: Rank, { value, span }: Operand): Kernel | undefined {
  if (value.kind === 'poison') return undefined;
  if (value.kind === 'absent') {
    machine.absent(value, span);
    return undefined;
  }
  const fits =
    value.kind === 'declared' && value.constructor_ === 'kernel' && [rank + 2, rank + 3].includes(value.declaration.shape.length);
  if (!fits) {
    const example = rank === 1 ? "kernel('O', 'I', 3)" : "kernel('O', 'I', 3, 3)";
    const message = `\`conv${rank}d\` takes a kernel with ${rank === 1 ? 'one extent' : 'two extents'}, not ${describe(value, machine.builder)}`;
    machine.report('SPEC-CONV-KERNEL', span, message, `Declare \`K: ${example}\`.`);
    return undefined;
  }
  const { name, shape } = value.declaration;
  if (!machine.uses(name, 'matrix', span)) return undefined;
  return { name, extents: shape.slice(0, rank).map(Number), matrix: shape.slice(rank) };
}

function reportShape(machine: Machine, by: string, kernel: Kernel, channels: Shape, given: Shape, at: Span): void {
  const positions = kernel.extents.length === 1 ? "'X'" : "'X', 'Y'";
  const wanted = `map(${positions}, ${channels.map(showDim).join(', ')})`;
  const message = `\`${by}\` with \`${kernel.name}\` takes a ${wanted} over any positions, not ${showShape(given)}`;
  machine.report(
    'SPEC-CONV-SHAPE',
    at,
    message,
    `Give it a map whose last ${channels.length === 1 ? 'axis is' : 'axes are'} ${channels.map(showDim).join(', ')}.`,
  );
}

/** `undefined` after a mistake. */
function axisOf(
  machine: Machine,
  by: string,
  { extents }: Kernel,
  { padding, stride, dilation, to }: Settings,
  shape: Shape,
  axis: number,
  at: Span,
): Axis | undefined {
  const own = shape[axis] ?? '';
  const step = stride[axis] ?? 1;
  const reach = ((extents[axis] ?? 1) - 1) * (dilation[axis] ?? 1);
  const named = to?.[axis];
  if (named === undefined && (padding === 'valid' || stride.some((each) => each !== 1))) {
    const dims = extents.length === 1 ? "'Y'" : "['X2', 'Y2']";
    const message = `the result of this \`${by}\` has other positions than its argument, and no dim for them`;
    machine.report('SPEC-CONV-SETTING', at, message, `Add \`to: ${dims}\` to its settings, and the dim to \`dims\`.`);
    return undefined;
  }
  const dim = named === undefined ? own : dimArgument(machine, named);
  if (dim === undefined) return undefined;
  const left = padding === 'same' ? Math.floor(reach / 2) : padding === 'causal' ? reach : 0;
  if (named !== undefined) {
    // ⌈X / stride⌉, or ⌊(X − reach − 1) / stride⌋ + 1.
    const value = sizesOf(padding === 'valid' ? step - 1 - reach : step - 1, [own], 1);
    if (!requireSize(machine, { dim, relation: 'equal', value, divisor: step, by, span: at })) return undefined;
  }
  return { dim, stride: step, offset: (tap) => tap * (dilation[axis] ?? 1) - left };
}

function taps(machine: Machine, { name, extents }: Kernel, x: NodeId, axes: readonly Axis[], at: Span): Term[] {
  const count = extents.reduce((product, extent) => product * extent, 1);
  return Array.from({ length: count }, (_, index): Term => {
    machine.spend(at);
    const matrix = { ...plainMatrix(name), slice: { axes: extents.length, index } };
    machine.multiplies(matrix, at);
    return { matrix, transposed: false, operand: seen(machine, x, extents, axes, index, at) };
  });
}

/** The argument as one tap sees it, from every position of the result. */
function seen(machine: Machine, x: NodeId, extents: readonly number[], axes: readonly Axis[], index: number, at: Span): NodeId {
  let rest = index;
  let value = x;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { dim = '', stride = 1, offset = () => 0 } = axes[axis] ?? {};
    const extent = extents[axis] ?? 1;
    const view = { offset: sizesOf(offset(rest % extent), [], 1), stride, dilation: 1 };
    value = machine.builder.window(value, axis, dim, view, at);
    rest = Math.floor(rest / extent);
  }
  return value;
}
