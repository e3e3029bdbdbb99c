/**
 * Work that nothing asks for at some steps, the same ones for all sequences: what only a branch that is not taken there would read. A module
 * of a Clockwork network keeps its state between its ticks; the products behind its next state, and the gradients behind
 * that, count at its ticks alone.
 *
 * A condition is a test of the step's number and of units (`mod(t, period) === 0`), with which result of it is meant. Values are only taken
 * as not asked for where nobody can tell: what was not computed is zero, and a product that goes on with it is zero of the same
 * sign because its other factor is.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, type Node, type NodeId } from '../ir/graph.js';
import { inherited } from '../ir/walk.js';
import type { Ranges } from './ranges.js';

export interface Condition {
  readonly test: NodeId;
  readonly holds: boolean;
}

/** Conditions by text; all must hold. */
type Conditions = ReadonlyMap<string, Condition>;
const ALWAYS: Conditions = new Map();

/** Whether a value depends on nothing but the number of the step and of the unit. */
export function clocks(builder: GraphBuilder): (id: NodeId) => boolean {
  return inherited<boolean>((id, known) => {
    const node = builder.node(id);
    if (isApply(node)) return node.args.every(known);
    return node.op === 'constant' || node.op === 'time' || node.op === 'index' || node.op === 'extent';
  });
}

/** Conditions without which a value is zero. */
function idleIn(builder: GraphBuilder, isClock: (id: NodeId) => boolean, tame: (id: NodeId) => boolean) {
  const isZero = (id: NodeId | undefined) => {
    const node = id === undefined ? undefined : builder.node(id);
    return node?.op === 'constant' && node.value === 0;
  };
  return inherited<Conditions>((id, known) => {
    const node = builder.node(id);
    if (!isApply(node)) return ALWAYS;
    const [a = id, b = id, c = id] = node.args;
    switch (node.op) {
      case 'select':
        if (isZero(c)) return both(condition(isClock, a, true), known(b));
        return isZero(b) ? both(condition(isClock, a, false), known(c)) : either(known(b), known(c));
      case 'mul':
        return both(tame(b) ? known(a) : ALWAYS, tame(a) ? known(b) : ALWAYS);
      case 'add':
      case 'sub':
        return either(known(a), known(b));
      case 'neg':
        return known(a);
      default:
        return ALWAYS;
    }
  });
}

/** Conditions without which a value is zero, at its own step, whatever finite numbers it is made of. */
export function idles(builder: GraphBuilder): (id: NodeId) => readonly Condition[] {
  const idle = idleIn(builder, clocks(builder), () => true);
  return (id) => [...idle(id).values()];
}

/** Whether a value is zero at some steps for all sequences, or what it was some steps before: what multiplies with it may look. */
export function mayIdle(builder: GraphBuilder): (id: NodeId) => boolean {
  const idle = idles(builder);
  return (id) => {
    const node = builder.node(id);
    return idle(node.op === 'previous' ? node.of : id).length > 0;
  };
}

/**
 * The conditions of every value of a graph: those without which it makes no difference to the roots.
 * @param roots all that is stored for somebody else
 */
export function dueIn(builder: GraphBuilder, roots: Iterable<NodeId>, ranges: Ranges): (id: NodeId) => readonly Condition[] {
  const isClock = clocks(builder);
  const { nodes } = builder;
  const idle = idleIn(builder, isClock, (id) => !ranges.of(id).wild);
  // A value that nothing reads makes no difference at all.
  const found: (Conditions | undefined)[] = nodes.map(() => undefined);
  for (const root of roots) found[root] = ALWAYS;
  for (let id = nodes.length - 1; id >= 0; id--) {
    const node = nodes[id];
    const own = found[id];
    if (node === undefined || own === undefined) continue;
    for (const [position, argument] of argumentsOf(node).entries()) {
      const before = found[argument];
      const asked = seenBy(argument, node, askedBy(node, position, own));
      found[argument] = before === undefined ? asked : either(before, asked);
    }
  }
  return (id) => [...(found[id] ?? ALWAYS).values()];

  /** Of a value that is spread over the units of another no test of these can be made. */
  function seenBy(argument: NodeId, { shape }: Node, asked: Conditions): Conditions {
    if (builder.node(argument).shape.length === shape.length) return asked;
    return new Map([...asked].filter(([, { test }]) => builder.node(test).shape.length === 0));
  }

  /** By one use of a value, at this position of the arguments. */
  function askedBy(node: Node, position: number, own: Conditions): Conditions {
    if (!isApply(node)) return ALWAYS;
    const [a = 0, b = 0, c = 0] = node.args;
    if (node.op === 'select') {
      if (position > 0) return both(condition(isClock, a, position === 1), own);
      return both(either(idle(b), idle(c)), own);
    }
    if (node.op === 'mul' && a !== b) {
      const [value, other] = position === 0 ? [a, b] : [b, a];
      const { low, high, wild } = ranges.of(value);
      return !wild && (low >= 0 || high <= 0) ? both(idle(other), own) : own;
    }
    return own;
  }
}

const condition = (isClock: (id: NodeId) => boolean, test: NodeId, holds: boolean): Conditions =>
  isClock(test) ? new Map([[`${test} ${holds}`, { test, holds }]]) : ALWAYS;

const both = (a: Conditions, b: Conditions): Conditions => (a.size === 0 ? b : b.size === 0 ? a : new Map([...a, ...b]));
const either = (a: Conditions, b: Conditions): Conditions =>
  a.size === 0 || b.size === 0 ? ALWAYS : new Map([...a].filter(([text]) => b.has(text)));
