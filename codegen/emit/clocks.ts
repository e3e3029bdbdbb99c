/**
 * What is the same for all sequences at a step: a lane computes it once for all rows of its tile, before the sums, and leaves sums out
 * that count only where it holds.
 */
import { argumentsOf, type NodeId, type Shape } from '../ir/graph.js';
import type { WgslFunction } from '../ops/wgsl/index.js';
import { clocks } from '../passes/due.js';
import type { Section } from '../schedule/passes.js';
import type { Phase } from '../schedule/phases.js';
import { takes } from '../schedule/weights.js';
import type { Bindings } from './bindings.js';
import { printValues } from './body.js';
import { homeSpot, indexLines } from './indices.js';
import { name } from './values.js';

/** A function of the step and the units in a kernel. */
export interface Clock {
  readonly id: NodeId;
  readonly name: string;
  readonly type: 'vec4f' | 'vec4<bool>';
  readonly lines: readonly { readonly text: string }[];
  readonly value: string;
  readonly calls: ReadonlySet<WgslFunction>;
}

/** Instructions that are worth a place among a function's arguments. */
const WORTH = 16;

/** The largest values that a phase computes of the step and of units alone, where they take a while. */
export function clockValues({ builder }: Section, phase: Phase): NodeId[] {
  const isClock = clocks(builder);
  const found = new Set<NodeId>();
  const seen = new Set<NodeId>();
  const open = phase.stores.map(({ value }) => value);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id) || phase.loads.has(id)) continue;
    seen.add(id);
    const { shape } = builder.node(id);
    const placed = shape.length === 0 || shape.join() === phase.shape.join();
    if (isClock(id) && placed && weight(id) >= WORTH) found.add(id);
    else if (!phase.contractions.some((contraction) => contraction.id === id)) open.push(...argumentsOf(builder.node(id)));
  }
  return [...found];

  function weight(root: NodeId): number {
    const parts = new Set([root]);
    let sum = 0;
    for (const part of parts) {
      sum += takes(builder.node(part));
      for (const argument of argumentsOf(builder.node(part))) parts.add(argument);
    }
    return sum;
  }
}

/** A function for one of them, at a lane's own units of this shape. */
export function clockOf(
  { builder, storage }: Pick<Section, 'builder' | 'storage'>,
  shape: Shape,
  id: NodeId,
  bindings: Bindings,
  opaque: string,
): Clock {
  const place = { buffer: '', base: 0, layout: 'shared', shape: [], extents: [], given: false } as const;
  const stores = [{ value: id, place, shift: 0, when: 'always' }] as const;
  const phase: Phase = { level: 0, shape, contractions: [], loads: new Map(), afar: new Set(), stores, instructions: 0 };
  const { lines, at, calls } = printValues({ builder, storage, phase, bindings, opaque }, [homeSpot(shape.length)]);
  return {
    id,
    name: name(id),
    type: builder.node(id).type === 'boolean' ? 'vec4<bool>' : 'vec4f',
    lines: [...indexLines(shape, storage).map((text) => ({ text })), ...lines],
    value: at[0]?.[0] ?? '',
    calls,
  };
}
