/**
 * What is the same for all sequences at a step: a lane computes it once for all rows of its tile, before the sums, and leaves sums out
 * that count only where it holds.
 */
import { argumentsOf, type NodeId, type Shape } from '../ir/graph.js';
import type { WgslFunction } from '../ops/wgsl/index.js';
import { type Condition, clocks as clocksOf } from '../passes/due.js';
import type { PhasePass, Section } from '../schedule/passes.js';
import type { Phase } from '../schedule/phases.js';
import { takes } from '../schedule/weights.js';
import type { Bindings } from './bindings.js';
import { printValues } from './body.js';
import { homeSpot, indexLines } from './values/indices.js';
import { name } from './values/texts.js';

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

/** Where the rows of a tile are, and how many a phase has. */
interface Tile {
  readonly tile: number;
  readonly rows: number;
  readonly opaque: string;
}

/** What a phase with sums computes once for a tile of rows, and which sums of it are asked for. */
export function clocksIn(section: Section, { phase, rows: over }: PhasePass, bindings: Bindings, { tile, rows, opaque }: Tile) {
  const { builder, storage, due } = section;
  const batch = storage.size('B');
  // Rows of a tile may be of several steps where they are of all.
  const step = over === 'step' ? 'time' : batch % tile === 0 ? `i32(first / ${batch}u)` : undefined;
  const telling = ({ test }: Condition) => ['', phase.shape.join()].includes(builder.node(test).shape.join());
  const conditions = new Map(phase.contractions.map(({ id }) => [id, due(id).filter(telling)]));
  const tests = [...conditions.values()].flat().map(({ test }) => test);
  const again = phase.contractions.length > 0 && tile > 1 && step !== undefined ? clockValues(section, phase) : [];
  const clocks = [...new Set([...tests, ...again])].map((id) => clockOf(section, phase.shape, id, bindings, opaque));
  return { step, clocks, atStep: step === undefined ? [] : clocks, dueText };

  /** Whether some of these sums is asked for: a test of one step, or with functions of the step of row `first + i`. */
  function dueText(sums: readonly NodeId[]): string {
    const each = sums.map((id) => conditions.get(id) ?? []);
    if (each.some((own) => own.length === 0)) return '';
    const at = `i32(min(first + i, ${rows - 1}u) / ${batch}u)`;
    const value = (test: NodeId) => (step === undefined ? `${name(test)}_at(${at}, col)` : name(test));
    const distinct = [...new Set(each.map((own) => allHold(own, value)))];
    return distinct.length === 1 ? distinct.join('') : `(${distinct.join(' | ')})`;
  }
}

/** Whether all conditions hold for some of a lane's units; `value` prints what a test is there. */
export const allHold = (conditions: readonly Condition[], value: (test: NodeId) => string): string =>
  `any(${conditions.map(({ test, holds }) => `${holds ? '' : '!'}${value(test)}`).join(' & ')})`;

/** Whether some number of these is none of the two zeros. */
export const notZero = (vectors: readonly string[]): string =>
  `any(((${vectors.map((vector) => `bitcast<vec4u>(${vector})`).join(' | ')}) << vec4u(1)) != vec4u(0))`;

/** The largest values that a phase computes of the step and of units alone, where they take a while. */
function clockValues({ builder }: Section, phase: Phase): NodeId[] {
  const isClock = clocksOf(builder);
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
