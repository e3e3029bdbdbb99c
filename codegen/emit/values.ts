/**
 * Prints values at the spots of a lane: each as a `let` where it is first wanted, loops for reductions. Values at other units than the
 * lane's own are loaded there or computed there again. What is wanted at several spots is printed for all of them together, so that
 * a reduction is one loop for all, which loads once what they share.
 */
import type { GraphBuilder } from '../ir/builder.js';
import {
  argumentsOf,
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
import { type Access, accessTo, type Place, quads } from '../schedule/places.js';
import type { Storage } from '../schedule/storage.js';
import { LOAD, takes } from '../schedule/weights.js';
import { type Bindings, batchOf, lengthOf } from './bindings.js';
import type { Loaders, Summing } from './handing.js';
import { homeSpot, seenThrough } from './indices.js';
import type { Registers } from './registers.js';
import { addressOf, flatten, isStep, keyOf, laneOf, NOWHERE, plus, quadSpot, rowNumber, type Spot, unitSpot } from './spots.js';

export interface ValueRequest {
  readonly builder: GraphBuilder;
  readonly storage: Storage;
  readonly phase: Phase;
  readonly bindings: Bindings;
  /** Added to a loop's bound where an adapter's compiler must not know it. */
  readonly opaque: string;
  /** Of a lane that walks over steps by itself. */
  readonly registers?: Registers | undefined;
  /** Values at the lane's own units that have names already. */
  readonly given?: readonly NodeId[] | undefined;
  /** Of whose rows nothing is computed: zeros are stored at once. */
  readonly skips?: 'ended sequences' | undefined;
  /** How sums over the units of a row are shared out among lanes that have the same row; otherwise each sums them from first to last. */
  readonly summing?: Summing | undefined;
  /** Of lanes that differ in the last axis alone, what each of them loads for all. */
  readonly loaders?: Loaders | undefined;
}

/** Lines of one block, and the values that have names in it. */
interface Scope {
  readonly lines: string[];
  readonly known: Map<string, string>;
  readonly parent: Scope | undefined;
  /** How often the block runs for one unit. */
  readonly rounds: number;
  /** Indices that are declared in it. */
  readonly indices: Set<string>;
}

interface Counter extends Partial<Strided> {
  readonly name: string;
  readonly count: number;
  /** Where it stops earlier. */
  readonly until?: string | undefined;
}

/** Every so-manieth round of a loop, from the first one on. */
interface Strided {
  readonly first: string;
  readonly stride: number;
}

/** Where four units of a lane are each summed over units, so many values behind the sum are printed once for each of the four. */
const UNROLLED = 12;

/** What a value is called at a lane's own units. */
export const name = (id: NodeId): string => `v${id}`;

export class ValuePrinter {
  readonly calls = new Set<WgslFunction>();
  readonly lines: string[] = [];
  /** Per unit, what loops repeat counted as often. */
  flops = 0;
  /** About how many instructions were printed. */
  instructions = 0;
  /** From memory, what loops repeat counted as often. */
  loads = 0;
  loops = false;
  /** Whether lanes hand each other parts of sums. */
  hands = false;
  usesLast = false;
  usesSteps = false;
  private usesSeed = false;
  private usesBatch = false;
  private usesOrigin = false;
  private usesLoaders = false;
  private names = 0;
  /** Counters that are not the same for all lanes. */
  private readonly uneven = new Set<string>();
  private readonly root: Scope = { lines: this.lines, known: new Map(), parent: undefined, rounds: 1, indices: new Set() };
  private readonly home: Spot;
  private readonly stepless = new Map<NodeId, boolean>();

  constructor(private readonly request: ValueRequest) {
    this.home = homeSpot(request.phase.shape.length);
    for (const id of [...request.phase.contractions.map(({ id }) => id), ...(request.given ?? [])]) {
      const spot = request.builder.node(id).shape.length === 0 ? NOWHERE : this.home;
      this.root.known.set(`${id} ${keyOf(spot)}`, name(id));
    }
  }

  /** The names of a value at each of these spots, which differ in indices alone. */
  at(id: NodeId, spots: readonly Spot[]): string[] {
    return this.values(id, spots, this.root);
  }

  /** What is the same for all units of a sequence; asked for when all values are printed. */
  uniform(): string[] {
    const { storage, bindings } = this.request;
    return [
      ...(this.usesSeed ? [`let seed = ${this.constant(`${bindings.lengths()}[${storage.shared.seedAt}u]`, 'u32')};`] : []),
      ...(this.usesOrigin
        ? [`let origin = ${this.constant(`i32(${bindings.lengths()}[${storage.shared.originAt}u])`, 'i32')};`]
        : []),
      ...(this.usesLoaders ? [this.request.loaders?.line ?? ''] : []),
      ...(this.usesBatch ? [`let batch = f32(${batchOf(storage, bindings, 'b')});`] : []),
    ];
  }

  /** An expression that is the same at every step. */
  constant(text: string, type: 'i32' | 'u32'): string {
    return this.request.registers?.keep(text, type) ?? text;
  }

  load(access: Access, spot: Spot): string {
    const { bindings, storage, registers } = this.request;
    const { place } = access;
    if (access.own !== undefined) this.usesSteps = true;
    const own = this.isOwn(spot);
    const flat = own && this.coversPhase(place) ? 'col' : undefined;
    const carried = flat === undefined ? undefined : registers?.read(access);
    // Of a number of all units, memory and registers have the first lane alone.
    const lane = place.shape.length === 0 ? '0u' : laneOf(spot);
    if (carried !== undefined) return lane === undefined ? carried : `vec4f(${carried}[${lane}])`;
    const address = `${bindings.read(place.buffer)}[${addressOf(storage, access, spot, flat)}]`;
    const constant = (flat !== undefined || spot.last === undefined) && registers?.isConstant(access) === true;
    const cell = constant ? (registers?.keep(address) ?? address) : address;
    const loaded = lane === undefined ? cell : `vec4f(${cell}[${lane}])`;
    const there = isStep(storage, access, spot.step);
    return there === undefined ? loaded : `select(vec4f(0), ${loaded}, ${there})`;
  }

  /** Each of these, or one of them by each lane, where all lanes want the same. */
  private loaded(access: Access, spots: readonly Spot[], scope: Scope): string[] {
    const own = this.ownSpot(spots);
    this.loads += (own === undefined ? spots.length : 1) * scope.rounds;
    if (own === undefined) return spots.map((spot) => this.load(access, spot));
    const one = `one_${this.names++}`;
    scope.lines.push(`let ${one} = ${this.load(access, own)};`);
    this.hands = true;
    this.usesLoaders = true;
    return spots.map((_, turn) => `subgroupBroadcast(${one}, ${turn}u)`);
  }

  /** Where a lane loads its own of values that differ in whose turn it is alone, and are the same for all lanes. */
  private ownSpot(spots: readonly Spot[]): Spot | undefined {
    const { loaders } = this.request;
    if (loaders === undefined || spots.length !== loaders.indices.length) return undefined;
    const [own, ...others] = spots.map((spot, turn) =>
      renamed(spot, (name) => (name === loaders.indices[turn] ? loaders.own : name)),
    );
    if (own === undefined || others.some((other) => keyOf(other) !== keyOf(own))) return undefined;
    const names = namesOf(own);
    // Positions, which lanes side by side share, and counters.
    const same = (name: string) => name === loaders.own || (/^[ik]\d/.test(name) && !this.uneven.has(name));
    return names.includes(loaders.own) && names.every(same) ? own : undefined;
  }

  /** Whether these are the lane's own units, at whichever step. */
  private isOwn({ outer, last }: Spot): boolean {
    return keyOf({ outer, last }) === keyOf(this.home);
  }

  /** Names of a value at spots, printed into the scope unless an outer block has it. */
  private values(id: NodeId, wanted: readonly Spot[], within: Scope): string[] {
    const { builder, phase } = this.request;
    const node = builder.node(id);
    if (node.op === 'constant') return wanted.map(() => `vec4f(${literal(node.value)})`);
    const stepless = this.isStepless(id);
    const spots = wanted.map((spot): Spot => {
      // A scalar is the same everywhere.
      const there = node.shape.length === 0 ? NOWHERE : spot;
      return { ...there, step: stepless ? undefined : spot.step };
    });
    const scope = outermost(within, spots);
    const keys = spots.map((spot) => `${id} ${keyOf(spot)}`);
    const missing = spots.filter(
      (_, turn) => keys.indexOf(keys[turn] ?? '') === turn && find(scope, keys[turn] ?? '') === undefined,
    );
    if (missing.length > 0) {
      const access = phase.loads.get(id);
      this.instructions += missing.length * (access ? LOAD : takes(node));
      const texts = access ? this.loaded(access, missing, scope) : this.compute(node, missing, scope);
      for (const [turn, spot] of missing.entries()) {
        const plain = spot.step === undefined && (this.isOwn(spot) || spot.last === undefined);
        const own = plain ? name(id) : `${name(id)}_${this.names++}`;
        scope.lines.push(`let ${own} = ${texts[turn]};`);
        scope.known.set(`${id} ${keyOf(spot)}`, own);
      }
    }
    return keys.map((key) => find(scope, key) ?? '');
  }

  /** Whether a value is the same at all steps of a sequence. */
  private isStepless(id: NodeId): boolean {
    const known = this.stepless.get(id);
    if (known !== undefined) return known;
    const { builder, phase } = this.request;
    const access = phase.loads.get(id);
    const node = builder.node(id);
    const found =
      access !== undefined
        ? isStill(access)
        : ['param', 'extent', 'steps', 'batch', 'index', 'constant'].includes(node.op) ||
          (node.op === 'random' && node.per !== 'step') ||
          ((isApply(node) || isReduce(node) || isExpand(node) || isWindow(node) || isGather(node)) &&
            argumentsOf(node).every((arg) => this.isStepless(arg)));
    this.stepless.set(id, found);
    return found;
  }

  private compute(node: Node, spots: readonly Spot[], scope: Scope): string[] {
    const { storage, bindings } = this.request;
    if (isApply(node)) {
      const op = ops[node.op];
      this.flops += op.flops * scope.rounds * spots.length;
      const args = node.args.map((arg) => this.values(arg, spots, scope));
      const texts = spots.map((_, turn) => op.wgsl(...args.map((texts) => texts[turn] ?? '')));
      for (const text of texts) for (const call of callsIn(text)) this.calls.add(call);
      return texts;
    }
    if (isReduce(node)) return this.reduced(node, spots, scope);
    if (isExpand(node)) return this.expanded(node, spots, scope);
    if (isWindow(node)) return this.windowed(node, spots, scope);
    if (isGather(node)) return this.rows(node, spots, scope);
    return spots.map((spot) => {
      switch (node.op) {
        case 'last':
          this.usesLast = true;
          return `vec4<bool>(${named('last', spot)})`;
        case 'time':
          return `vec4f(f32(${this.stepNumber(spot)}))`;
        case 'param':
          this.loads += scope.rounds;
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
    });
  }

  /** The number of the step in its sequence, an `i32`; that of a chunk is asked only beside how many steps a segment has. */
  private stepNumber({ step = 't' }: Spot): string {
    const { shared, links } = this.request.storage;
    if (shared.segmentsOf === undefined || links.chunk !== undefined) return step;
    this.usesOrigin = true;
    return `${step} + origin`;
  }

  /** Whether the phase's flat index serves for a place. */
  private coversPhase(place: Place): boolean {
    if (isApart(place)) return false;
    const extents = this.request.storage.extents(this.request.phase.shape);
    return place.extents.slice(1).join() === extents.slice(1).join();
  }

  private rows({ param, symbol }: Gather, spots: readonly Spot[], scope: Scope): string[] {
    const place = this.request.storage.param(param);
    const count = this.request.storage.size(place.shape[0] ?? '');
    const symbols = this.values(
      symbol,
      spots.map(({ step }) => ({ ...NOWHERE, step })),
      scope,
    );
    this.loads += spots.length * scope.rounds;
    return spots.map((spot, turn) => {
      const row = `row_${this.names++}`;
      scope.lines.push(`let ${row} = ${rowNumber(`${symbols[turn]}.x`, count)};`);
      scope.indices.add(row);
      return this.load(accessTo(place), { ...spot, outer: [row, ...spot.outer] });
    });
  }

  private expanded(node: Node & Expand, spots: readonly Spot[], scope: Scope): string[] {
    const { axes, arg, shape } = node;
    const innermost = axes.indexOf(shape.length - 1);
    const byLane = innermost >= 0 && innermost < axes.length - 1 && isQuad(spots);
    // Where another axis than its last lies along the units, these are looked at one by one.
    if (!byLane)
      return this.values(
        arg,
        spots.map((spot) => this.unexpanded(node, spot)),
        scope,
      );
    const size = this.request.storage.size(shape.at(-1) ?? '');
    const units = spots.flatMap((spot) => unitsOf(spot, size).map((unit) => this.unexpanded(node, unit)));
    return inFours(this.values(arg, units, scope)).map((lanes) => `vec4f(${lanes.map((lane) => `${lane}.x`).join(', ')})`);
  }

  private unexpanded({ axes, shape }: Node & Expand, { outer, last, step }: Spot): Spot {
    const at = (axis: number) => (axis === shape.length - 1 ? (last?.text ?? '0u') : (outer[axis] ?? '0u'));
    const along = axes.at(-1);
    if (along === undefined) return { ...NOWHERE, step };
    const lead = axes.slice(0, -1).map(at);
    return along === shape.length - 1 && last ? { outer: lead, last, step } : { ...unitSpot(lead, outer[along] ?? '0u'), step };
  }

  private windowed(node: Node & Window, spots: readonly Spot[], scope: Scope): string[] {
    const { storage, builder } = this.request;
    const inner = storage.size(builder.node(node.arg).shape[node.axis] ?? '');
    const offset = evaluateAffine(node.offset, storage.sizes);
    const through = (index: string) => {
      const { at, inside } = seenThrough(index, { ...node, offset, inner });
      const turn = this.names++;
      scope.lines.push(`let at_${turn} = ${at};`, `let inside_${turn} = ${inside};`);
      scope.indices.add(`at_${turn}`);
      return { at: `at_${turn}`, inside: `inside_${turn}` };
    };
    const quad = isQuad(spots);
    if (node.axis < node.shape.length - 1 || !quad) {
      const last = node.axis === node.shape.length - 1;
      const moved = spots.map((spot) => {
        const { at, inside } = through(last ? (spot.last?.text ?? '0u') : (spot.outer[node.axis] ?? '0u'));
        const outer = spot.outer.map((old, axis) => (axis === node.axis ? at : old));
        return { inside, spot: last ? { ...spot, last: unitSpot([], at).last } : { ...spot, outer } };
      });
      const values = this.values(
        node.arg,
        moved.map(({ spot }) => spot),
        scope,
      );
      return moved.map(({ inside }, turn) => `select(vec4f(0), ${values[turn]}, ${inside})`);
    }
    if (node.stride === 1 && node.dilation === 1 && offset % 4 === 0) {
      const moved = spots.map((spot) =>
        seenThrough(spot.last?.text ?? '0u', { stride: 1, dilation: 1, offset: offset / 4, inner: quads(inner) }),
      );
      const values = this.values(
        node.arg,
        spots.map((spot, turn) => ({ ...spot, last: quadSpot([], moved[turn]?.at ?? '0u').last })),
        scope,
      );
      return moved.map(
        ({ at, inside }, turn) => `select(vec4f(0), ${this.masked(values[turn] ?? '', at, inner, 'sum')}, ${inside})`,
      );
    }
    const taps = spots.flatMap((spot) =>
      [0, 1, 2, 3].map((lane) => {
        const { at, inside } = through(`(4u * ${spot.last?.text ?? '0u'} + ${lane}u)`);
        return { inside, spot: { ...spot, last: unitSpot([], at).last } };
      }),
    );
    const values = this.values(
      node.arg,
      taps.map(({ spot }) => spot),
      scope,
    );
    const lanes = taps.map(({ inside }, turn) => `select(0.0, ${values[turn]}.x, ${inside})`);
    return inFours(lanes).map((four) => `vec4f(${four.join(', ')})`);
  }

  /** One loop over the reduced axes for all spots, or for as many as end it at the same place. */
  private reduced(node: Node & Reduce, spots: readonly Spot[], scope: Scope): string[] {
    const { storage, builder } = this.request;
    const shape = builder.node(node.arg).shape;
    const overUnits = node.axes.includes(shape.length - 1);
    const { summing } = this.request;
    if (shape.length === 1 && summing !== undefined && quads(storage.size(shape[0] ?? '')) >= summing.lanes)
      return this.sharedSums(node, spots, summing).map((sum) => `vec4f(${sum})`);
    if (!overUnits || !isQuad(spots)) {
      const sums = this.sums(node, spots, scope);
      return overUnits ? sums.map((sum) => `vec4f(${across(sum, node.kind)})`) : sums;
    }
    // Units of the result are reduced over their own units, one by one.
    const size = storage.size(node.shape.at(-1) ?? '');
    if (this.isShort(node.arg)) {
      const units = spots.flatMap((spot) => unitsOf(spot, size));
      return inFours(this.sums(node, units, scope)).map(
        (lanes) => `vec4f(${lanes.map((sum) => across(sum, node.kind)).join(', ')})`,
      );
    }
    const turn = this.names++;
    const lane = { name: `lane_${turn}`, count: 4 };
    const block = blockIn(scope, lane);
    const quadsOf = [...new Set(spots.map(({ last }) => last?.text ?? '0u'))];
    const units = quadsOf.map((quad, index) => {
      const unit = quadsOf.length === 1 ? `unit_${turn}` : `unit_${turn}_${index}`;
      block.lines.push(`let ${unit} = min(4u * ${quad} + ${lane.name}, ${size - 1}u);`);
      block.indices.add(unit);
      return unit;
    });
    const ofLanes = spots.map((spot) => ({
      ...spot,
      last: unitSpot([], units[quadsOf.indexOf(spot.last?.text ?? '0u')] ?? '').last,
    }));
    const results = this.sums(node, ofLanes, block).map((sum, index) => {
      const result = spots.length === 1 ? `lanes_${turn}` : `lanes_${turn}_${index}`;
      block.lines.push(`${result}[${lane.name}] = ${across(sum, node.kind)};`);
      return result;
    });
    scope.lines.push(...results.map((result) => `var ${result} = vec4f(0);`), ...this.looped(lane, block.lines));
    return results;
  }

  /** Whether few values are behind this one before memory, and no loop. */
  private isShort(id: NodeId): boolean {
    const { builder, phase } = this.request;
    const seen = new Set<NodeId>();
    const queue = [id];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const node = builder.node(next);
      if (seen.size > UNROLLED || (isReduce(node) && !phase.loads.has(next))) return false;
      if (!phase.loads.has(next)) queue.push(...argumentsOf(node));
    }
    return true;
  }

  /** What all units of a row are summed to, each lane its share of them; numbers. */
  private sharedSums(node: Node & Reduce, spots: readonly Spot[], { lanes, together }: Summing): string[] {
    const combined = (parts: (lane: number) => string) => inPairs([...Array(lanes).keys()].map(parts), node.kind);
    if (together) {
      this.hands = true;
      return this.sums(node, spots, this.root, { first: `col % ${lanes}u`, stride: lanes }).map((sum) => {
        const part = `part_${this.names++}`;
        this.root.lines.push(`let ${part} = ${across(sum, node.kind)};`);
        return combined((lane) => `subgroupBroadcast(${part}, ${lane}u)`);
      });
    }
    const turn = this.names++;
    const counter = { name: `lane_${turn}`, count: lanes };
    // All rounds together go over the units once.
    const block = { ...blockIn(this.root, counter), rounds: 1 };
    const parts = this.sums(node, spots, block, { first: counter.name, stride: lanes }).map((sum, index) => {
      const part = `parts_${turn}_${index}`;
      this.root.lines.push(`var ${part}: array<f32, ${lanes}>;`);
      block.lines.push(`${part}[${counter.name}] = ${across(sum, node.kind)};`);
      return part;
    });
    this.root.lines.push(...this.looped(counter, block.lines));
    return parts.map((part) => combined((lane) => `${part}[${lane}]`));
  }

  /**
   * The variables of sums, or of maxima, each of four parts where they are over units: one loop for all.
   * @param share which of the rounds are a lane's, where they are shared out
   */
  private sums(node: Node & Reduce, spots: readonly Spot[], scope: Scope, share?: Strided): string[] {
    const { storage, builder } = this.request;
    const shape = builder.node(node.arg).shape;
    const innermost = shape.length - 1;
    const overUnits = node.axes.includes(innermost);
    const turn = this.names++;
    const counters = node.axes.map((axis): Counter => {
      const size = storage.size(shape[axis] ?? '');
      return { name: `k${axis}_${turn}`, count: axis === innermost ? quads(size) : size, ...share };
    });
    if (share !== undefined) for (const { name } of counters) this.uneven.add(name);
    const names = spots.map((_, index) => (spots.length === 1 ? `sum_${turn}` : `sum_${turn}_${index}`));
    const inner = spots.map(({ outer, last, step }): Spot => {
      const kept = last ? [...outer, last.text] : [];
      const indices = shape.map((_, axis) => {
        const reduced = node.axes.indexOf(axis);
        if (reduced >= 0) return counters[reduced]?.name ?? '0u';
        return kept[axis - node.axes.filter((other) => other < axis).length] ?? '0u';
      });
      const text = indices[innermost] ?? '0u';
      return { outer: indices.slice(0, -1), last: { kind: overUnits ? 'quad' : (last?.kind ?? 'quad'), text }, step };
    });
    const [counter] = counters;
    const { before } = node;
    const ends = before === undefined ? [] : inner.map(({ outer }) => outer[before] ?? '0u');
    // Positions of a lane are ascending.
    const last = ends.at(-1);
    const bounded = counter === undefined || last === undefined ? counters : [{ ...counter, until: last }];
    // A block for each: what only the outer ones change is computed there.
    const blocks: Scope[] = [];
    for (const own of bounded) blocks.push(blockIn(blocks.at(-1) ?? scope, own));
    const block = blocks.at(-1) ?? scope;
    const values = this.values(node.arg, inner, block).map((value, index) => {
      const end = ends[index];
      const own = end === undefined || end === last ? value : `select(vec4f(0), ${value}, ${counter?.name} < ${end})`;
      return overUnits ? this.masked(own, inner[index]?.last?.text ?? '0u', storage.size(shape.at(-1) ?? ''), node.kind) : own;
    });
    this.loops = true;
    this.flops += block.rounds * spots.length;
    if (node.kind === 'max') this.calls.add('rc_max');
    const first = counters.map((one) => `${one.name} == ${one.first ?? '0u'}`).join(' && ');
    for (const [index, sum] of names.entries()) {
      const value = values[index];
      block.lines.push(
        node.kind === 'sum' ? `${sum} += ${value};` : `${sum} = select(rc_max(${sum}, ${value}), ${value}, ${first});`,
      );
    }
    let loops: readonly string[] = [];
    for (const [depth, own] of [...bounded.entries()].reverse())
      loops = this.looped(own, (blocks[depth]?.lines ?? []).concat(loops));
    scope.lines.push(...names.map((sum) => `var ${sum} = vec4f(0);`), ...loops);
    return names;
  }

  private looped(
    { name: counter, count, first = '0u', stride = 1, until = `${count}u` }: Counter,
    lines: readonly string[],
  ): string[] {
    return [
      `for (var ${counter} = ${first}; ${counter} < ${until}${this.request.opaque}; ${counter}${stride === 1 ? '++' : ` += ${stride}u`}) {`,
      ...lines.map((line) => `  ${line}`),
      '}',
    ];
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
    const step = per === 'step' ? `u32(${this.stepNumber(spot)})` : '0xffffffffu';
    const drawn = `${call}(vec4u(${quad}, b, ${step}, 0u), vec2u(seed, ${site}u))`;
    const lane = spot.last ? laneOf(spot) : '0u';
    return lane === undefined ? drawn : `vec4f(${drawn}[${lane}])`;
  }
}

/** Whether spots are each of four units. */
const isQuad = (spots: readonly Spot[]): boolean => spots[0]?.last?.kind === 'quad';

/** The four units of a quad, one by one, none of them behind the last. */
const unitsOf = ({ outer, last, step }: Spot, size: number): Spot[] =>
  [0, 1, 2, 3].map((lane) => {
    const unit = plus(`4u * ${last?.text}`, `${lane}u`);
    return { ...unitSpot(outer, size % 4 === 0 ? `(${unit})` : `min(${unit}, ${size - 1}u)`), step };
  });

const inFours = (texts: readonly string[]): string[][] =>
  Array.from({ length: texts.length / 4 }, (_, four) => texts.slice(4 * four, 4 * four + 4));

/** The block of a loop in another. */
const blockIn = (parent: Scope, { name, count, stride = 1 }: Counter): Scope => ({
  lines: [],
  known: new Map(),
  parent,
  rounds: parent.rounds * Math.ceil(count / stride),
  indices: new Set([name]),
});

/** The outermost block that has all indices of these spots: what no round of a loop changes is computed before it. */
function outermost(scope: Scope, spots: readonly Spot[]): Scope {
  const asked = new Set(spots.flatMap(namesOf));
  let found = scope;
  while (found.parent !== undefined && ![...found.indices].some((index) => asked.has(index))) found = found.parent;
  return found;
}

const NAME = /\b[a-z_]\w*/gi;

const namesOf = ({ outer, last, step = '' }: Spot): readonly string[] =>
  [...outer, last?.text ?? '', step].flatMap((text) => text.match(NAME) ?? []);

const renamed = ({ outer, last, step }: Spot, to: (name: string) => string): Spot => {
  const inside = (text: string) => text.replace(NAME, to);
  return { outer: outer.map(inside), last: last && { ...last, text: inside(last.text) }, step: step && inside(step) };
};

/** The name of a value in the innermost block that has it. */
function find(scope: Scope, key: string): string | undefined {
  for (let outer: Scope | undefined = scope; outer; outer = outer.parent) {
    const known = outer.known.get(key);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** Whether what a place holds for a row is the same at every step. */
const isStill = ({ place, guarded, own }: Access): boolean =>
  !guarded && own === undefined && (place.layout === 'shared' || place.layout === 'memory' || place.layout === 'row');

/** Whether a row's values do not lie side by side. */
export const isApart = ({ layout }: Place): boolean => layout === 'memory' || layout === 'chunk';

/** Which of the four units of a quad there are. */
export const liveUnits = (quad: string, units: number): string => `vec4u(4u * ${quad}) + vec4u(0, 1, 2, 3) < vec4u(${units})`;

/** What a name says of the step at a spot, where a lane has several. */
export const named = (name: string, { step }: Spot): string => (step === undefined ? name : `${name}_${step}`);

/** Neighbours first, which rounds less than one after the other. */
function inPairs(parts: readonly string[], kind: Reduce['kind']): string {
  const [first = '', second] = parts;
  if (second === undefined) return first;
  const half = Math.ceil(parts.length / 2);
  const [left, right] = [inPairs(parts.slice(0, half), kind), inPairs(parts.slice(half), kind)];
  return kind === 'sum' ? `(${left} + ${right})` : `rc_max(vec4f(${left}), vec4f(${right})).x`;
}

function across(sum: string, kind: Reduce['kind']): string {
  if (kind === 'sum') return `${sum}.x + ${sum}.y + ${sum}.z + ${sum}.w`;
  return `rc_max(rc_max(${sum}.xxxx, ${sum}.yyyy), rc_max(${sum}.zzzz, ${sum}.wwww)).x`;
}

/** A constant as WGSL writes float32. */
export function literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
