/**
 * Prints the per-unit part of a kernel: every value as a `let` at the spot where it is wanted, loops for reductions,
 * and where each result goes. Values at other units than the lane's own are loaded there or computed there again.
 */
import type { GraphBuilder } from '../ir/builder.js';
import {
  type Expand,
  type Gather,
  isApply,
  isExpand,
  isGather,
  isReduce,
  isWindow,
  type Node,
  type NodeId,
  type Reduce,
  type Window,
} from '../ir/graph.js';
import { evaluateAffine } from '../ir/sizes.js';
import { ops } from '../ops/index.js';
import { callsIn, type WgslFunction } from '../ops/wgsl/index.js';
import type { Phase } from '../schedule/phases.js';
import { type Access, accessTo, type Place, quads, type Store } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import { LOAD, takes } from '../schedule/weights.js';
import { type Bindings, batchOf, lengthOf, stepsOf } from './bindings.js';
import { homeSpot, indexLines, lastIndex, seenThrough } from './indices.js';
import type { Registers } from './registers.js';
import { addressOf, flatten, isStep, keyOf, laneOf, NOWHERE, plus, quadSpot, rowNumber, type Spot, unitSpot } from './spots.js';

export interface Body {
  readonly lines: { readonly text: string }[];
  readonly calls: ReadonlySet<WgslFunction>;
  /** Per unit, what loops repeat counted as often. */
  readonly flops: number;
  /** About how many instructions were printed. */
  readonly instructions: number;
}

/** Values of a phase's stores at several spots. */
export interface Values extends Omit<Body, 'flops'> {
  /** At each spot those of all stores, in order. */
  readonly at: readonly (readonly string[])[];
  /** At all spots together. */
  readonly flops: number;
}

/** `masked` prints what a store leaves in memory: zero behind a sequence's end and in padding lanes. */
export type PrintStore = (store: Store, address: string, masked: string) => string;

export interface BodyRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly phase: Phase;
  readonly bindings: Bindings;
  /** Added to a loop's bound where an adapter's compiler must not know it. */
  readonly opaque: string;
  /** Of a lane that walks over steps by itself. */
  readonly registers?: Registers | undefined;
}

export function printBody(request: BodyRequest, print: PrintStore): Body {
  return new BodyPrinter(request).print(print);
}

/** What the phase stores, at each of these spots of the lane: what several of them are made of is printed once. */
export function printValues(request: BodyRequest, spots: readonly Spot[]): Values {
  return new BodyPrinter(request).values(spots);
}

export const name = (id: NodeId): string => `v${id}`;

/** Lines of one block, and the values that have names in it. */
interface Scope {
  readonly lines: string[];
  readonly known: Map<string, string>;
  readonly parent: Scope | undefined;
  /** How often the block runs for one unit. */
  readonly rounds: number;
}

class BodyPrinter {
  private readonly calls = new Set<WgslFunction>();
  private readonly root: Scope = { lines: [], known: new Map(), parent: undefined, rounds: 1 };
  private readonly home: Spot;
  private flops = 0;
  private instructions = 0;
  private names = 0;
  private usesLast = false;
  private usesSteps = false;
  private usesSeed = false;
  private usesBatch = false;
  private usesOrigin = false;

  constructor(private readonly request: BodyRequest) {
    this.home = homeSpot(request.phase.shape.length);
    for (const { id } of request.phase.contractions) this.root.known.set(`${id} ${keyOf(this.home)}`, name(id));
  }

  print(printStore: PrintStore): Body {
    const { phase, storage, builder, bindings } = this.request;
    const dim = phase.shape.at(-1);
    const units = dim === undefined ? 1 : storage.size(dim);
    const stores = phase.stores.map((store) => {
      const node = builder.node(store.value);
      this.instructions += LOAD;
      if (node.type === 'boolean') throw new Error(`boolean ${store.value} cannot be stored`);
      const value = this.value(store.value, this.home, this.root);
      // A scalar among units is stored by the lane of the first ones.
      const aside = store.place.shape.length === 0 && phase.shape.length > 0;
      const live = (text: string) =>
        aside ? `vec4f(${text}.x, 0, 0, 0)` : units % 4 === 0 ? text : `select(vec4f(0), ${text}, live)`;
      const masked =
        store.when === 'last'
          ? live(`select(${this.load(store.initial, aside ? NOWHERE : this.home)}, ${value}, within)`)
          : store.when === 'active'
            ? `select(vec4f(0), ${live(value)}, within)`
            : live(value);
      const address = aside
        ? addressOf(storage, { ...store, guarded: false }, NOWHERE)
        : addressOf(storage, { ...store, guarded: false }, this.home, isApart(store.place) ? undefined : 'col');
      const statement = printStore(store, address, masked);
      const conditions = [...(store.when === 'last' ? ['ends'] : []), ...(aside ? ['col == 0u'] : [])];
      return conditions.length === 0 ? statement : `if (${conditions.join(' && ')}) { ${statement} }`;
    });
    const usesWithin = phase.stores.some(({ when }) => when !== 'always');
    const lines = [
      ...(this.usesLast || this.usesSteps || usesWithin
        ? [`let steps = ${this.constant(stepsOf(storage, bindings, 'b'), 'i32')};`]
        : []),
      ...(usesWithin ? ['let within = t < steps;'] : []),
      ...this.uniform(),
      // A sequence without steps ends where the first one would be.
      ...(phase.stores.some(({ when }) => when === 'last') ? ['let ends = t + 1 == max(steps, 1);'] : []),
      ...indexLines(phase.shape, storage),
      ...(units % 4 === 0 ? [] : [`let live = ${liveUnits(dim === undefined ? '0u' : lastIndex(phase.shape.length), units)};`]),
      ...this.root.lines,
      ...stores,
    ];
    return this.printed(lines);
  }

  values(spots: readonly Spot[]): Values {
    const at = spots.map((spot) =>
      this.request.phase.stores.map(({ value }) => {
        this.instructions += 1;
        return this.value(value, spot, this.root);
      }),
    );
    return { ...this.printed([...this.uniform(), ...this.root.lines]), at };
  }

  private printed(lines: readonly string[]): Body {
    return { lines: lines.map((text) => ({ text })), calls: this.calls, flops: this.flops, instructions: this.instructions };
  }

  /** What is the same for all units of a sequence. */
  private uniform(): string[] {
    const { storage, bindings } = this.request;
    return [
      ...(this.usesLast ? ['let last = t + 1 == steps;'] : []),
      ...(this.usesSeed ? [`let seed = ${this.constant(`${bindings.lengths()}[${storage.shared.seedAt}u]`, 'u32')};`] : []),
      ...(this.usesOrigin
        ? [`let origin = ${this.constant(`i32(${bindings.lengths()}[${storage.shared.originAt}u])`, 'i32')};`]
        : []),
      ...(this.usesBatch ? [`let batch = f32(${batchOf(storage, bindings, 'b')});`] : []),
    ];
  }

  /** An expression that is the same at every step. */
  private constant(text: string, type: 'i32' | 'u32'): string {
    return this.request.registers?.keep(text, type) ?? text;
  }

  /** The name of a value at a spot, printed into the scope unless an outer block has it. */
  private value(id: NodeId, wanted: Spot, within: Scope): string {
    const node = this.request.builder.node(id);
    // A scalar is the same everywhere: it is computed once, before any loop.
    const [spot, scope] = node.shape.length === 0 ? [NOWHERE, this.root] : [wanted, within];
    if (node.op === 'constant') return `vec4f(${literal(node.value)})`;
    const key = `${id} ${keyOf(spot)}`;
    for (let outer: Scope | undefined = scope; outer; outer = outer.parent) {
      const known = outer.known.get(key);
      if (known !== undefined) return known;
    }
    const access = this.request.phase.loads.get(id);
    this.instructions += access ? LOAD : takes(node);
    const text = access ? this.load(access, spot) : this.compute(node, spot, scope);
    const own = keyOf(spot) === keyOf(this.home) || spot === NOWHERE ? name(id) : `${name(id)}_${this.names++}`;
    scope.lines.push(`let ${own} = ${text};`);
    scope.known.set(key, own);
    return own;
  }

  private compute(node: Node, spot: Spot, scope: Scope): string {
    const { storage, bindings } = this.request;
    if (isApply(node)) {
      const op = ops[node.op];
      this.flops += op.flops * scope.rounds;
      const text = op.wgsl(...node.args.map((arg) => this.value(arg, spot, scope)));
      for (const call of callsIn(text)) this.calls.add(call);
      return text;
    }
    if (isReduce(node)) return this.reduce(node, spot, scope);
    if (isExpand(node)) return this.expanded(node, spot, scope);
    if (isWindow(node)) return this.window(node, spot, scope);
    if (isGather(node)) return this.row(node, spot, scope);
    switch (node.op) {
      case 'last':
        this.usesLast = true;
        return 'vec4<bool>(last)';
      case 'time':
        return `vec4f(f32(${this.stepNumber()}))`;
      case 'param':
        return this.load(accessTo(storage.param(node.name)), spot);
      case 'extent':
        return `vec4f(${literal(storage.elements(node.dims))})`;
      case 'steps':
        return `vec4f(f32(${lengthOf(storage, bindings, node.time, 'b')}))`;
      case 'batch':
        this.usesBatch = true;
        return 'vec4f(batch)';
      case 'index':
        return this.index(node.blocks, storage.size(node.shape[0] ?? ''), spot);
      case 'random':
        return this.draw(node, spot);
      default:
        throw new Error(`${node.op} has no expression at ${keyOf(spot)}`);
    }
  }

  /** The number of the step in its sequence, an `i32`. */
  private stepNumber(): string {
    if (this.request.storage.shared.segmentsOf === undefined) return 't';
    this.usesOrigin = true;
    return 't + origin';
  }

  private load(access: Access, spot: Spot): string {
    const { bindings, storage, registers } = this.request;
    const { place } = access;
    if (access.own !== undefined) this.usesSteps = true;
    const flat = keyOf(spot) === keyOf(this.home) && this.coversPhase(place) ? 'col' : undefined;
    const carried = flat === undefined ? undefined : registers?.read(access);
    if (carried !== undefined) return carried;
    const address = `${bindings.read(place.buffer)}[${addressOf(storage, access, spot, flat)}]`;
    const constant = (flat !== undefined || spot === NOWHERE) && registers?.isConstant(access) === true;
    const cell = constant ? (registers?.keep(address) ?? address) : address;
    const lane = place.shape.length === 0 ? '0u' : laneOf(spot);
    const loaded = lane === undefined ? cell : `vec4f(${cell}[${lane}])`;
    const there = isStep(storage, access);
    return there === undefined ? loaded : `select(vec4f(0), ${loaded}, ${there})`;
  }

  /** Whether the phase's flat index serves for a place. */
  private coversPhase(place: Place): boolean {
    if (isApart(place)) return false;
    const extents = this.request.storage.extents(this.request.phase.shape);
    return place.extents.slice(1).join() === extents.slice(1).join();
  }

  private row({ param, symbol }: Gather, spot: Spot, scope: Scope): string {
    const place = this.request.storage.param(param);
    const row = `row_${this.names++}`;
    const rows = this.request.storage.size(place.shape[0] ?? '');
    scope.lines.push(`let ${row} = ${rowNumber(`${this.value(symbol, NOWHERE, scope)}.x`, rows)};`);
    return this.load(accessTo(place), { outer: [row, ...spot.outer], last: spot.last });
  }

  private expanded(node: Node & Expand, spot: Spot, scope: Scope): string {
    const { axes, arg, shape } = node;
    const innermost = axes.indexOf(shape.length - 1);
    // Where another axis than its last lies along the units, these are looked at one by one.
    if (spot.last?.kind !== 'quad' || innermost < 0 || innermost === axes.length - 1)
      return this.value(arg, this.unexpanded(node, spot), scope);
    const { outer, last } = spot;
    const size = this.request.storage.size(shape.at(-1) ?? '');
    const lanes = [0, 1, 2, 3].map((lane) => {
      const unit = `min(4u * ${last.text} + ${lane}u, ${size - 1}u)`;
      return `${this.value(arg, this.unexpanded(node, unitSpot(outer, unit)), scope)}.x`;
    });
    return `vec4f(${lanes.join(', ')})`;
  }

  private unexpanded({ axes, shape }: Node & Expand, { outer, last }: Spot): Spot {
    const at = (axis: number) => (axis === shape.length - 1 ? (last?.text ?? '0u') : (outer[axis] ?? '0u'));
    const along = axes.at(-1);
    if (along === undefined) return NOWHERE;
    const lead = axes.slice(0, -1).map(at);
    return along === shape.length - 1 && last ? { outer: lead, last } : unitSpot(lead, outer[along] ?? '0u');
  }

  private window(node: Node & Window, spot: Spot, scope: Scope): string {
    const { storage, builder } = this.request;
    const inner = storage.size(builder.node(node.arg).shape[node.axis] ?? '');
    const offset = evaluateAffine(node.offset, storage.sizes);
    const through = (index: string) => {
      const { at, inside } = seenThrough(index, { ...node, offset, inner });
      const turn = this.names++;
      scope.lines.push(`let at_${turn} = ${at};`, `let inside_${turn} = ${inside};`);
      return { at: `at_${turn}`, inside: `inside_${turn}` };
    };
    if (node.axis < node.shape.length - 1 || spot.last?.kind === 'unit') {
      const last = node.axis === node.shape.length - 1;
      const { at, inside } = through(last ? (spot.last?.text ?? '0u') : (spot.outer[node.axis] ?? '0u'));
      const moved = last
        ? unitSpot(spot.outer, at)
        : { ...spot, outer: spot.outer.map((old, axis) => (axis === node.axis ? at : old)) };
      return `select(vec4f(0), ${this.value(node.arg, moved, scope)}, ${inside})`;
    }
    const quad = spot.last?.text ?? '0u';
    if (node.stride === 1 && node.dilation === 1 && offset % 4 === 0) {
      const { at, inside } = seenThrough(quad, { stride: 1, dilation: 1, offset: offset / 4, inner: quads(inner) });
      const value = this.value(node.arg, quadSpot(spot.outer, at), scope);
      return `select(vec4f(0), ${this.masked(value, at, inner, 'sum')}, ${inside})`;
    }
    const lanes = [0, 1, 2, 3].map((lane) => {
      const { at, inside } = through(`(4u * ${quad} + ${lane}u)`);
      return `select(0.0, ${this.value(node.arg, unitSpot(spot.outer, at), scope)}.x, ${inside})`;
    });
    return `vec4f(${lanes.join(', ')})`;
  }

  /** Loops over the reduced axes; where units of the result are reduced over their own units, lane by lane. */
  private reduce(node: Node & Reduce, spot: Spot, scope: Scope): string {
    const { storage, builder } = this.request;
    const shape = builder.node(node.arg).shape;
    const turn = this.names++;
    const innermost = shape.length - 1;
    const overUnits = node.axes.includes(innermost);
    const byLane = overUnits && spot.last?.kind === 'quad';
    const kept = byLane ? [...spot.outer, `unit_${turn}`] : spot.last ? [...spot.outer, spot.last.text] : [];
    const counters: { name: string; count: number; until?: string | undefined }[] = [];
    const indices = shape.map((dim, axis) => {
      if (!node.axes.includes(axis)) return kept[axis - node.axes.filter((reduced) => reduced < axis).length] ?? '0u';
      const counter = { name: `k${axis}_${turn}`, count: axis === innermost ? quads(storage.size(dim)) : storage.size(dim) };
      counters.push(counter);
      return counter.name;
    });
    const last = indices[innermost] ?? '0u';
    const [counter] = counters;
    if (node.before !== undefined && counter !== undefined) counter.until = indices[node.before];
    const inner: Spot = {
      outer: indices.slice(0, -1),
      last: overUnits ? { kind: 'quad', text: last } : { kind: spot.last?.kind ?? 'quad', text: last },
    };
    const units = storage.size(shape[innermost] ?? '');
    const rounds = counters.reduce((product, { count }) => product * count, byLane ? 4 : 1);
    const block: Scope = { lines: [], known: new Map(), parent: scope, rounds: scope.rounds * rounds };
    const plain = this.value(node.arg, inner, block);
    const value = overUnits ? this.masked(plain, last, units, node.kind) : plain;
    const sum = `sum_${turn}`;
    this.flops += block.rounds;
    if (node.kind === 'max') this.calls.add('rc_max');
    block.lines.push(
      node.kind === 'sum'
        ? `${sum} += ${value};`
        : `${sum} = select(rc_max(${sum}, ${value}), ${value}, ${counters.map((counter) => `${counter.name} == 0u`).join(' && ')});`,
    );
    const loops = this.nested(counters, block.lines);
    if (!overUnits) {
      scope.lines.push(`var ${sum} = vec4f(0);`, ...loops);
      return sum;
    }
    if (!byLane) {
      scope.lines.push(`var ${sum} = vec4f(0);`, ...loops);
      return across(sum, node.kind);
    }
    const size = storage.size(node.shape.at(-1) ?? '');
    scope.lines.push(
      `var lanes_${turn} = vec4f(0);`,
      ...this.nested(
        [{ name: `lane_${turn}`, count: 4 }],
        [
          `let unit_${turn} = min(4u * ${spot.last?.text} + lane_${turn}, ${size - 1}u);`,
          `var ${sum} = vec4f(0);`,
          ...loops,
          `lanes_${turn}[lane_${turn}] = ${across(sum, node.kind)}.x;`,
        ],
      ),
    );
    return `lanes_${turn}`;
  }

  private nested(
    counters: readonly { name: string; count: number; until?: string | undefined }[],
    lines: readonly string[],
  ): string[] {
    return counters.reduceRight<string[]>(
      (body, { name: counter, count, until = `${count}u` }) => [
        `for (var ${counter} = 0u; ${counter} < ${until}${this.request.opaque}; ${counter}++) {`,
        ...body.map((line) => `  ${line}`),
        '}',
      ],
      [...lines],
    );
  }

  /** Lanes behind the last unit made harmless: zero for a sum, another lane's value for a maximum. */
  private masked(value: string, quad: string, units: number, kind: Reduce['kind']): string {
    if (units % 4 === 0) return value;
    const live = liveUnits(quad, units);
    return `select(${kind === 'sum' ? 'vec4f(0)' : `vec4f(${value}.x)`}, ${value}, ${live})`;
  }

  private index(blocks: number | undefined, size: number, { last }: Spot): string {
    const quad = last?.kind === 'quad';
    const unit = quad ? `(vec4u(4u * ${last.text}) + vec4u(0, 1, 2, 3))` : `vec4u(${last?.text ?? '0u'})`;
    return blocks === undefined ? `vec4f(${unit})` : `vec4f(${unit} * ${blocks}u / ${size}u)`;
  }

  private draw({ site, distribution, per, shape }: Extract<Node, { op: 'random' }>, spot: Spot): string {
    const { storage } = this.request;
    this.usesSeed = true;
    const call = distribution === 'uniform' ? 'rc_uniform' : 'rc_normal';
    this.calls.add(call);
    const extents = storage.extents(shape);
    const last = spot.last?.kind === 'unit' ? `${spot.last.text} / 4u` : (spot.last?.text ?? '0u');
    const quad = spot.outer.length === 0 ? last : plus(`${flatten(spot.outer, extents)} * ${extents.at(-1)}u`, last);
    const step = per === 'step' ? `u32(${this.stepNumber()})` : '0xffffffffu';
    const drawn = `${call}(vec4u(${quad}, b, ${step}, 0u), vec2u(seed, ${site}u))`;
    const lane = spot.last ? laneOf(spot) : '0u';
    return lane === undefined ? drawn : `vec4f(${drawn}[${lane}])`;
  }
}

/** Whether a row's values do not lie side by side. */
const isApart = ({ layout }: Place): boolean => layout === 'memory' || layout === 'chunk';

/** Which of the four units of a quad there are. */
export const liveUnits = (quad: string, units: number): string => `vec4u(4u * ${quad}) + vec4u(0, 1, 2, 3) < vec4u(${units})`;

function across(sum: string, kind: Reduce['kind']): string {
  if (kind === 'sum') return `vec4f(${sum}.x + ${sum}.y + ${sum}.z + ${sum}.w)`;
  return `rc_max(rc_max(${sum}.xxxx, ${sum}.yyyy), rc_max(${sum}.zzzz, ${sum}.wwww))`;
}

/** A constant as WGSL writes float32. */
export function literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
