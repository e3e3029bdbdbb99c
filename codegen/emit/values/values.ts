/**
 * Prints values at the spots of a lane: each as a `let` where it is first wanted, loops for reductions. Values at other units than the
 * lane's own are loaded there or computed there again. What is wanted at several spots is printed for all of them together, so that
 * a reduction is one loop for all, which loads once what they share.
 */
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
} from '../../ir/graph.js';
import { ops } from '../../ops/index.js';
import { callsIn } from '../../ops/wgsl/index.js';
import { type Access, accessTo, type Place } from '../../schedule/places.js';
import { LOAD, takes } from '../../schedule/weights.js';
import { batchOf, lengthOf } from '../bindings.js';
import { type Block, find, outermost } from './blocks.js';
import { homeSpot } from './indices.js';
import type { Printer, Tally, ValueRequest } from './printer.js';
import {
  addressOf,
  flatten,
  isQuad,
  isStep,
  keyOf,
  laneOf,
  NOWHERE,
  namesOf,
  plus,
  renamed,
  rowNumber,
  type Spot,
  unitSpot,
  unitsOf,
} from './spots.js';
import { reduced } from './sums.js';
import { inFours, literal, name, named } from './texts.js';
import { windowed } from './windows.js';

export class ValuePrinter implements Printer {
  readonly tally: Tally = { calls: new Set(), flops: 0, instructions: 0, loads: 0, loops: false, hands: false };
  readonly lines: string[] = [];
  usesLast = false;
  usesSteps = false;
  private usesSeed = false;
  private usesBatch = false;
  private usesOrigin = false;
  private usesLoaders = false;
  private names = 0;
  readonly uneven = new Set<string>();
  readonly root: Block = { lines: this.lines, known: new Map(), parent: undefined, rounds: 1, indices: new Set() };
  private readonly home: Spot;
  private readonly stepless = new Map<NodeId, boolean>();

  constructor(readonly request: ValueRequest) {
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
  private loaded(access: Access, spots: readonly Spot[], block: Block): string[] {
    const own = this.ownSpot(spots);
    this.tally.loads += (own === undefined ? spots.length : 1) * block.rounds;
    if (own === undefined) return spots.map((spot) => this.load(access, spot));
    const one = `one_${this.turn()}`;
    block.lines.push(`let ${one} = ${this.load(access, own)};`);
    this.tally.hands = true;
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

  turn(): number {
    return this.names++;
  }

  values(id: NodeId, wanted: readonly Spot[], within: Block): string[] {
    const { builder, phase } = this.request;
    const node = builder.node(id);
    if (node.op === 'constant') return wanted.map(() => `vec4f(${literal(node.value)})`);
    const stepless = this.isStepless(id);
    const spots = wanted.map((spot): Spot => {
      // A scalar is the same everywhere.
      const there = node.shape.length === 0 ? NOWHERE : spot;
      return { ...there, step: stepless ? undefined : spot.step };
    });
    const block = outermost(within, spots);
    const keys = spots.map((spot) => `${id} ${keyOf(spot)}`);
    const missing = spots.filter(
      (_, turn) => keys.indexOf(keys[turn] ?? '') === turn && find(block, keys[turn] ?? '') === undefined,
    );
    if (missing.length > 0) {
      const access = phase.loads.get(id);
      this.tally.instructions += missing.length * (access ? LOAD : takes(node));
      const texts = access ? this.loaded(access, missing, block) : this.compute(node, missing, block);
      for (const [turn, spot] of missing.entries()) {
        const plain = spot.step === undefined && (this.isOwn(spot) || spot.last === undefined);
        const own = plain ? name(id) : `${name(id)}_${this.turn()}`;
        block.lines.push(`let ${own} = ${texts[turn]};`);
        block.known.set(`${id} ${keyOf(spot)}`, own);
      }
    }
    return keys.map((key) => find(block, key) ?? '');
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

  private compute(node: Node, spots: readonly Spot[], block: Block): string[] {
    const { storage, bindings } = this.request;
    if (isApply(node)) {
      const op = ops[node.op];
      this.tally.flops += op.flops * block.rounds * spots.length;
      const args = node.args.map((arg) => this.values(arg, spots, block));
      const texts = spots.map((_, turn) => op.wgsl(...args.map((texts) => texts[turn] ?? '')));
      for (const text of texts) for (const call of callsIn(text)) this.tally.calls.add(call);
      return texts;
    }
    if (isReduce(node)) return reduced(this, node, spots, block);
    if (isExpand(node)) return this.expanded(node, spots, block);
    if (isWindow(node)) return windowed(this, node, spots, block);
    if (isGather(node)) return this.rows(node, spots, block);
    return spots.map((spot) => {
      switch (node.op) {
        case 'last':
          this.usesLast = true;
          return `vec4<bool>(${named('last', spot)})`;
        case 'time':
          return `vec4f(f32(${this.stepNumber(spot)}))`;
        case 'param':
          this.tally.loads += block.rounds;
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

  private rows({ param, symbol }: Gather, spots: readonly Spot[], block: Block): string[] {
    const place = this.request.storage.param(param);
    const count = this.request.storage.size(place.shape[0] ?? '');
    const symbols = this.values(
      symbol,
      spots.map(({ step }) => ({ ...NOWHERE, step })),
      block,
    );
    this.tally.loads += spots.length * block.rounds;
    return spots.map((spot, turn) => {
      const row = `row_${this.turn()}`;
      block.lines.push(`let ${row} = ${rowNumber(`${symbols[turn]}.x`, count)};`);
      block.indices.add(row);
      return this.load(accessTo(place), { ...spot, outer: [row, ...spot.outer] });
    });
  }

  private expanded(node: Node & Expand, spots: readonly Spot[], block: Block): string[] {
    const { axes, arg, shape } = node;
    const innermost = axes.indexOf(shape.length - 1);
    const byLane = innermost >= 0 && innermost < axes.length - 1 && isQuad(spots);
    // Where another axis than its last lies along the units, these are looked at one by one.
    if (!byLane)
      return this.values(
        arg,
        spots.map((spot) => this.unexpanded(node, spot)),
        block,
      );
    const size = this.request.storage.size(shape.at(-1) ?? '');
    const units = spots.flatMap((spot) => unitsOf(spot, size).map((unit) => this.unexpanded(node, unit)));
    return inFours(this.values(arg, units, block)).map((lanes) => `vec4f(${lanes.map((lane) => `${lane}.x`).join(', ')})`);
  }

  private unexpanded({ axes, shape }: Node & Expand, { outer, last, step }: Spot): Spot {
    const at = (axis: number) => (axis === shape.length - 1 ? (last?.text ?? '0u') : (outer[axis] ?? '0u'));
    const along = axes.at(-1);
    if (along === undefined) return { ...NOWHERE, step };
    const lead = axes.slice(0, -1).map(at);
    return along === shape.length - 1 && last ? { outer: lead, last, step } : { ...unitSpot(lead, outer[along] ?? '0u'), step };
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
    this.tally.calls.add(call);
    const extents = storage.extents(shape);
    const last = spot.last?.kind === 'unit' ? `${spot.last.text} / 4u` : (spot.last?.text ?? '0u');
    const quad = spot.outer.length === 0 ? last : plus(`${flatten(spot.outer, extents)} * ${extents.at(-1)}u`, last);
    const step = per === 'step' ? `u32(${this.stepNumber(spot)})` : '0xffffffffu';
    const drawn = `${call}(vec4u(${quad}, b, ${step}, 0u), vec2u(seed, ${site}u))`;
    const lane = spot.last ? laneOf(spot) : '0u';
    return lane === undefined ? drawn : `vec4f(${drawn}[${lane}])`;
  }
}

/** Whether what a place holds for a row is the same at every step. */
const isStill = ({ place, guarded, own }: Access): boolean =>
  !guarded && own === undefined && (place.layout === 'shared' || place.layout === 'memory' || place.layout === 'row');

/** Whether a row's values do not lie side by side. */
export const isApart = ({ layout }: Place): boolean => layout === 'memory' || layout === 'chunk';
