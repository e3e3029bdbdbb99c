/** Prints the per-unit part of a kernel: loads, one `let` per node, and where each value goes. */
import type { GraphBuilder } from '../ir/builder.js';
import { isApply, type NodeId } from '../ir/graph.js';
import { ops, type WgslFunction } from '../ir/ops.js';
import type { Phase } from '../schedule/phases.js';
import type { Access, Place, Store } from '../schedule/places.js';
import { quads, type Storage } from '../schedule/storage.js';
import type { Bindings } from './bindings.js';

export interface Body {
  readonly lines: { readonly text: string }[];
  readonly calls: ReadonlySet<WgslFunction>;
  /** Per unit. */
  readonly flops: number;
}

/** `masked` prints what a store leaves in memory: zero behind a sequence's end and in padding lanes. */
export type PrintStore = (store: Store, masked: string) => string;

export function printBody(builder: GraphBuilder, storage: Storage, phase: Phase, bindings: Bindings, print: PrintStore): Body {
  const lines: string[] = [];
  const calls = new Set<WgslFunction>();
  let flops = 0;
  const units = storage.size(phase.dim);
  const usesLast = phase.body.some((id) => builder.node(id).op === 'last') || phase.stores.some(({ when }) => when === 'last');
  const usesActive = phase.stores.some(({ when }) => when === 'active');
  if (usesLast || usesActive) lines.push(`let steps = i32(${bindings.lengths()}[b]);`);
  if (usesActive) lines.push('let within = t < steps;');
  if (usesLast) lines.push('let last = t + 1 == steps;');
  if (units % 4 !== 0) lines.push(`let live = vec4u(4u * col) + vec4u(0, 1, 2, 3) < vec4u(${units});`);

  for (const [id, access] of phase.loads) lines.push(`let ${name(id)} = ${load(access)};`);
  for (const id of phase.body) {
    lines.push(`let ${name(id)} = ${expression(id)};`);
  }
  for (const store of phase.stores) {
    const value = builder.node(store.value).type === 'boolean' ? undefined : name(store.value);
    if (value === undefined) throw new Error(`boolean ${store.value} cannot be stored`);
    const live = units % 4 === 0 ? value : `select(vec4f(0), ${value}, live)`;
    const statement = print(store, store.when === 'active' ? `select(vec4f(0), ${live}, within)` : live);
    lines.push(store.when === 'last' ? `if (last) { ${statement} }` : statement);
  }
  return { lines: lines.map((text) => ({ text })), calls, flops };

  function expression(id: NodeId): string {
    const node = builder.node(id);
    if (isApply(node)) {
      const op = ops[node.op];
      for (const call of op.calls) calls.add(call);
      flops += op.flops;
      return op.wgsl(...node.args.map(name));
    }
    if (node.op === 'constant') return `vec4f(${literal(node.value)})`;
    if (node.op === 'last') return 'vec4<bool>(last)';
    if (node.op === 'param') return load({ place: storage.param(node.name), shift: 0 });
    throw new Error(`${node.op} has no expression`);
  }

  function load({ place, shift }: Access): string {
    const text = `${bindings.read(place.buffer)}[${address(storage, place, shift)}]`;
    return place.layout === 'word' ? `vec4f(${text}.x)` : text;
  }
}

export const name = (id: NodeId): string => `v${id}`;

/** Index of the `vec4f` of units 4·col … 4·col+3, for sequence b at step t. */
export function address(storage: Storage, place: Place, shift: 0 | 1): string {
  if (place.layout === 'word') return `${place.base}u`;
  if (place.layout === 'vector') return `${place.base}u + col`;
  const width = quads(storage.size(place.dim ?? ''));
  const batch = storage.size('B');
  if (place.layout === 'row') return `${place.base}u + b * ${width}u + col`;
  const step = shift === 0 ? 't' : 't + 1';
  const slot = place.layout === 'sequence' ? `u32(${step})` : `u32((${step}) & 1)`;
  return `${place.base}u + (${slot} * ${batch}u + b) * ${width}u + col`;
}

/** A constant as WGSL writes float32. */
export function literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
