/** Operations that move values between shapes: spread, join, cut, and count the units. */
import type { NodeId, Shape } from '../../ir/graph.js';
import { countArgument, dimArgument, dimArguments, type Operand, requireSize, sizesOf } from '../machine/arguments.js';
import { showDim } from '../machine/dims.js';
import type { Machine } from '../machine/machine.js';
import { describe, POISON, showShape, type Value } from '../machine/values.js';
import type { Affine, Span } from '../tree.js';
import { sameShape } from './products.js';

export function broadcast(machine: Machine, [operand, ...dims]: readonly Operand[], at: Span): Value {
  const x = operand && machine.number(operand.value, operand.span);
  const shape = dimArguments(machine, dims);
  if (x === undefined || shape === undefined) return POISON;
  const own = machine.shape(x);
  const axes = axesIn(own, shape);
  if (axes !== undefined) return { kind: 'node', id: machine.builder.expand(x, shape, axes, at) };
  const message = `${showShape(own)} cannot be spread to ${showShape(shape)}`;
  machine.report('SPEC-BROADCAST', at, message, `Name all of its axes in order: ${own.map(showDim).join(', ')}.`);
  return POISON;
}

/** Where each axis of `own` lies in `shape`, by name and in order; `undefined` where one does not. */
export function axesIn(own: Shape, shape: Shape): number[] | undefined {
  const axes: number[] = [];
  for (const dim of own) {
    const axis = shape.indexOf(dim, (axes.at(-1) ?? -1) + 1);
    if (axis < 0) return undefined;
    axes.push(axis);
  }
  return axes;
}

/** The last axis seen from another place: unit k of the result is unit k + offset, zero outside. */
function shift(machine: Machine, x: NodeId, dim: string, offset: Affine, at: Span): NodeId {
  const axis = machine.shape(x).length - 1;
  return machine.builder.window(x, axis, dim, { offset, stride: 1, dilation: 1 }, at);
}

export function concat(machine: Machine, [name, ...operands]: readonly Operand[], at: Span): Value {
  if (name?.value.kind === 'node' || name?.value.kind === 'declared') {
    const message = `\`concat\` begins with the dim of what it makes, and this is ${describe(name.value, machine.builder)}`;
    const fix = "Add a dim, such as `'N'`, to `dims` and name it first: `concat('N', a, b)`; its size follows from theirs.";
    machine.report('SPEC-CONCAT-DIM', name.span, message, fix);
    return POISON;
  }
  const dim = name && dimArgument(machine, name);
  const ids = operands.map(({ value, span }) => machine.number(value, span));
  const parts = ids.filter((id) => id !== undefined);
  if (dim === undefined || parts.length < ids.length) return POISON;
  const shapes = parts.map((id) => machine.shape(id));
  const lead = shapes[0]?.slice(0, -1) ?? [];
  for (const [position, shape] of shapes.entries()) {
    if (shape.length > 0 && sameShape(shape.slice(0, -1), lead)) continue;
    const message =
      shape.length === 0
        ? '`concat` joins values along their last axis, and a scalar has none'
        : `\`concat\` joins ${showShape(shapes[0] ?? [])} and ${showShape(shape)}, which differ before their last axes`;
    const fix = shape.length === 0 ? 'Spread it first: `broadcast(x, 1)`.' : 'Give them the same leading axes with `broadcast`.';
    machine.report('SPEC-CONCAT', operands[position]?.span ?? at, message, fix);
    return POISON;
  }
  const sizes = shapes.map((shape) => shape.at(-1) ?? '1');
  const rule = { dim, relation: 'equal', value: sizesOf(0, sizes, 1), divisor: 1, by: 'concat', span: at } as const;
  if (!requireSize(machine, rule)) return POISON;
  // Each part stands in its place with zeros around it; the sum is the whole.
  const placed = parts.map((id, position) => shift(machine, id, dim, sizesOf(0, sizes.slice(0, position), -1), at));
  const whole = placed.reduce((sum, part) => machine.builder.apply('add', [sum, part], at));
  return { kind: 'node', id: whole };
}

export function slice(machine: Machine, [operand, name, start]: readonly Operand[], at: Span): Value {
  if (operand === undefined || name === undefined || start === undefined) return POISON;
  const x = sliceable(machine, 'slice', operand);
  const dim = dimArgument(machine, name);
  const from = countArgument(machine, start, 'the first unit of a slice', 0);
  if (x === undefined || dim === undefined || from === undefined) return POISON;
  const value = sizesOf(from, [dim], 1);
  const rule = { dim: machine.shape(x).at(-1) ?? '', relation: 'atLeast', value, divisor: 1, by: 'slice', span: at } as const;
  if (!requireSize(machine, rule)) return POISON;
  return { kind: 'node', id: shift(machine, x, dim, sizesOf(from, [], 1), at) };
}

export function split(machine: Machine, [operand, ...names]: readonly Operand[], at: Span): Value {
  const x = operand && sliceable(machine, 'split', operand);
  const dims = dimArguments(machine, names);
  if (x === undefined || dims === undefined) return POISON;
  const value = sizesOf(0, dims, 1);
  const rule = { dim: machine.shape(x).at(-1) ?? '', relation: 'equal', value, divisor: 1, by: 'split', span: at } as const;
  if (!requireSize(machine, rule)) return POISON;
  const pieces = dims.map((dim, position) => shift(machine, x, dim, sizesOf(0, dims.slice(0, position), 1), at));
  return { kind: 'array', items: pieces.map((id) => ({ kind: 'node', id })) };
}

function sliceable(machine: Machine, operation: string, { value, span }: Operand): NodeId | undefined {
  const x = machine.number(value, span);
  if (x === undefined || machine.shape(x).length > 0) return x;
  machine.report('SPEC-SLICE', span, `\`${operation}\` cuts the last axis, and a scalar has none`, 'Give it a vector.');
  return undefined;
}

/** `index('H')`: the number of each unit. */
export function index(machine: Machine, [name]: readonly Operand[], at: Span): Value {
  const dim = name && dimArgument(machine, name);
  if (dim === undefined) return POISON;
  return { kind: 'node', id: machine.builder.leaf({ op: 'index', blocks: undefined }, [dim], at) };
}

/** `blockIndex('H', n)`: the block of each unit where they are cut into n. */
export function blockIndex(machine: Machine, [name, count]: readonly Operand[], at: Span): Value {
  const dim = name && dimArgument(machine, name);
  const blocks = count && countArgument(machine, count, 'the number of blocks', 1);
  if (dim === undefined || blocks === undefined) return POISON;
  return { kind: 'node', id: machine.builder.leaf({ op: 'index', blocks }, [dim], at) };
}

/** `delay(h, k)`: an input or state as it was k steps ago. */
export function delay(machine: Machine, [operand, count]: readonly Operand[], at: Span): Value {
  if (operand === undefined || count === undefined) return POISON;
  const { value, span } = operand;
  const steps = countArgument(machine, count, 'the number of steps', 1);
  if (value.kind === 'absent') machine.absent(value, span);
  else if (value.kind !== 'poison' && (value.kind !== 'declared' || value.group === 'params')) {
    const fix = 'Make the value a state, and delay that.';
    machine.report('SPEC-DELAY', span, '`delay` takes an input or state itself, and this is neither', fix);
  }
  if (steps === undefined || value.kind !== 'declared' || value.group === 'params') return POISON;
  const { name, shape, symbols } = value.declaration;
  machine.used.add(`${value.group}.${name}`);
  const group = value.group === 'inputs' ? 'input' : 'state';
  const id = machine.builder.leaf({ op: 'delayed', group, name, steps }, shape, at);
  if (symbols !== undefined) machine.common.vocabularies.declare(id, symbols);
  return { kind: 'node', id };
}
