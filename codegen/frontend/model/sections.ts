/**
 * The sections of a model while its run is evaluated. All share one builder; a node belongs to the section whose leaves it
 * is made of, and to none where it is made of parameters and constants. A value that another section needs becomes a leaf there.
 */
import type { GraphBuilder } from '../../ir/builder.js';
import { argumentsOf, type Leaf, type NodeId, type Shape, type StepGraph } from '../../ir/graph.js';
import type { ModelGraph, ModelSection, SectionInput, SectionState, Source } from '../../ir/model.js';
import { inherited } from '../../ir/walk.js';
import type { Common } from '../machine/machine.js';
import type { Vocabularies } from '../machine/vocabularies.js';
import type { SizeRule, Span } from '../tree.js';

/** Where a value is at home. */
export type Home =
  | { readonly kind: 'section'; readonly section: Section }
  /** What `section` leaves behind: a leaf that stands for it until another section takes it in. */
  | { readonly kind: 'left'; readonly section: Section; readonly source: 'output' | 'final' | 'memory'; readonly name: string };

type Left = Extract<Home, { kind: 'left' }>;

/** One that is being made. */
export interface Section {
  readonly index: number;
  readonly time: string | undefined;
  readonly order: 'ahead' | 'back';
  /** Whether operations may be added: not to what the caller gives, and not to steps counted from the last. */
  readonly open: boolean;
  readonly inputs: SectionInput[];
  readonly taken: Map<string, NodeId>;
  readonly states: { readonly name: string; readonly shape: Shape; readonly initial: Initial }[];
  /** Whether it has states of the model: all that is made of them is computed in it, whatever comes before it. */
  readonly feedsBack: boolean;
  readonly next: Record<string, NodeId>;
  readonly outputs: Record<string, NodeId>;
  /** Leaves of its states: what comes of them comes through the recurrence. */
  readonly carried: Set<NodeId>;
}

/** Where a state starts from: what a section leaves, or what the caller gives under a name. */
type Initial = Left | { readonly kind: 'host'; readonly name: string };

/** What the caller gets: a value of each sequence or step, or the total of one value over all sequences. */
export interface Output {
  readonly kind: 'each' | 'total';
  readonly section: Section;
  readonly name: string;
}

export class Sections {
  readonly all: Section[] = [];
  readonly #leaves = new Map<NodeId, Home>();
  /** What leaves that sections took in stand for. */
  readonly #origins = new Map<NodeId, Left>();
  readonly #home: (id: NodeId) => Home | undefined;
  #names = 0;

  private readonly builder: GraphBuilder;
  private readonly vocabularies: Vocabularies;

  constructor({ builder, vocabularies }: Pick<Common, 'builder' | 'vocabularies'>) {
    this.builder = builder;
    this.vocabularies = vocabularies;
    const find = (id: NodeId, known: (id: NodeId) => Home | undefined): Home | undefined => {
      const leaf = this.#leaves.get(id);
      if (leaf !== undefined) return leaf;
      for (const argument of argumentsOf(builder.node(id))) {
        const home = known(argument);
        if (home !== undefined) return home;
      }
      return undefined;
    };
    this.#home = inherited(find);
  }

  home(id: NodeId): Home | undefined {
    return this.#home(id);
  }

  add(
    time: string | undefined,
    { order = 'ahead', open = order === 'ahead', feedsBack = false }: Partial<Pick<Section, 'order' | 'open' | 'feedsBack'>> = {},
  ): Section {
    const section: Section = {
      index: this.all.length,
      time,
      order,
      open,
      feedsBack,
      inputs: [],
      taken: new Map(),
      states: [],
      next: {},
      outputs: {},
      carried: new Set(),
    };
    this.all.push(section);
    return section;
  }

  /** The last section over a time axis that may take in what `homes` leave: all of them come before it. */
  target(time: string | undefined, homes: readonly Home[]): Section {
    const fed = homes.find((home) => home.kind === 'section' && home.section.feedsBack)?.section;
    if (fed?.time === time && fed !== undefined && homes.every((home) => this.mayTake(fed, home))) return fed;
    // What no loop has a part in may still be wanted in one: it is computed where that loop can read it.
    const behind = homes.some(({ section }) => this.isBehindLoop(section));
    const last = this.all.findLast(
      (section) => section.time === time && section.open && !section.feedsBack && this.isBehindLoop(section) === behind,
    );
    return last !== undefined && homes.every((home) => this.mayTake(last, home)) ? last : this.add(time);
  }

  /** Whether a section can read a value: what the value is made of does not come of that section. */
  mayTake(into: Section, home: Home): boolean {
    const { section } = home;
    if (section === into) return home.kind === 'section';
    return (into.feedsBack || section.index < into.index) && !this.needs(section, into);
  }

  private isBehindLoop(section: Section): boolean {
    return this.all.some((loop) => loop.feedsBack && this.needs(section, loop));
  }

  /** Whether a section reads what another leaves, itself or through others. */
  private needs(section: Section, other: Section): boolean {
    const seen = new Set<Section>();
    const open = [section];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === other) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...this.before(next));
    }
    return false;
  }

  /** The sections whose values one reads. */
  private before({ inputs, states }: Section): Section[] {
    const read = inputs.flatMap(({ source }) => (source.kind === 'host' ? [] : (this.all[source.section] ?? [])));
    return [...read, ...states.flatMap(({ initial }) => (initial.kind === 'host' ? [] : [initial.section]))];
  }

  /** A leaf of a section's own: an input of the caller's, or a state. */
  leaf(section: Section, body: Extract<Leaf, { op: 'input' | 'state' | 'steps' | 'batch' }>, shape: Shape, at: Span): NodeId {
    const id = this.builder.leaf(body, shape, at);
    this.#leaves.set(id, { kind: 'section', section });
    if (body.op === 'state') section.carried.add(id);
    return id;
  }

  /** A leaf that stands for what a section leaves behind. */
  left(section: Section, source: 'output' | 'final' | 'memory', name: string, shape: Shape, at: Span): NodeId {
    const id = this.builder.leaf({ op: 'held', name: `${source} ${section.index} ${name}` }, shape, at);
    this.#leaves.set(id, { kind: 'left', section, source, name });
    const value = source === 'output' ? section.outputs[name] : undefined;
    if (value !== undefined) this.vocabularies.copy(value, id);
    return id;
  }

  /** The value of a node as an output of its section. */
  output(section: Section, id: NodeId): string {
    const name = `v${id}`;
    section.outputs[name] = id;
    return name;
  }

  /** The value that one state starts from, as an output of its own: it is computed where the state has it. */
  start(section: Section, id: NodeId): Left {
    const name = `start${this.#names++}`;
    section.outputs[name] = id;
    return { kind: 'left', section, source: 'output', name };
  }

  /** The same value in another section, which comes after its own. */
  take(into: Section, id: NodeId, at: Span): NodeId {
    const home = this.home(id);
    if (home === undefined || (home.kind === 'section' && home.section === into)) return id;
    const node = this.builder.node(id);
    if (node.type === 'boolean') {
      const one = this.builder.constant(1, at);
      const number = this.builder.apply('select', [id, one, this.builder.constant(0, at)], at);
      return this.builder.apply('gt', [this.take(into, number, at), this.builder.constant(0.5, at)], at);
    }
    const from = this.leftBehind(home, id, into);
    const kind = from.source === 'final' ? 'final' : 'output';
    const source: Source = { kind, section: from.section.index, name: from.name };
    const key = `${from.source} ${from.section.index} ${from.name}`;
    const known = into.taken.get(key);
    if (known !== undefined) return known;
    const once = from.source === 'final' || from.section.time === undefined;
    const seen = from.source === 'memory' ? 'memory' : into.time !== undefined && once ? 'held' : 'step';
    const name = `${into.index}_${this.#names++}`;
    const leaf = this.builder.leaf({ op: seen === 'step' ? 'input' : 'held', name }, node.shape, at);
    this.#leaves.set(leaf, { kind: 'section', section: into });
    this.vocabularies.copy(id, leaf);
    this.#origins.set(leaf, from);
    into.inputs.push({ name, shape: node.shape, seen, source });
    into.taken.set(key, leaf);
    return leaf;
  }

  /** Where another section reads a value: what one took in as it stands, where that one has it from. */
  private leftBehind(home: Home, id: NodeId, into: Section): Left {
    if (home.kind === 'left') return home;
    const origin = this.#origins.get(id);
    if (origin !== undefined && this.mayTake(into, origin)) return origin;
    return { kind: 'left', section: home.section, source: 'output', name: this.output(home.section, id) };
  }

  /** An input of a section some steps before or behind. */
  shifted(section: Section, leaf: NodeId, steps: number, at: Span): NodeId {
    const node = this.builder.node(leaf);
    if (node.op !== 'input') throw new Error('only an input can be shifted');
    const id = this.builder.leaf({ op: 'delayed', group: 'input', name: node.name, steps }, node.shape, at);
    this.#leaves.set(id, { kind: 'section', section });
    this.vocabularies.copy(leaf, id);
    return id;
  }

  /** A new state of a section, by a name of its own; its next value is told later. */
  state(section: Section, name: string, shape: Shape, initial: Initial, at: Span): { name: string; id: NodeId } {
    const own = `${name}_${this.#names++}`;
    section.states.push({ name: own, shape, initial });
    return { name: own, id: this.leaf(section, { op: 'state', name: own }, shape, at) };
  }

  /** Whether a value comes through the recurrence of its section. */
  isCarried(section: Section, id: NodeId): boolean {
    const seen = new Set<NodeId>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (section.carried.has(next)) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...argumentsOf(this.builder.node(next)));
    }
    return false;
  }

  /** Each behind those that it reads, and otherwise in the order in which they were begun. */
  private inOrder(): Section[] {
    const placed: Section[] = [];
    const place = (section: Section): void => {
      if (placed.includes(section)) return;
      for (const former of this.before(section)) place(former);
      placed.push(section);
    };
    for (const section of this.all) place(section);
    return placed;
  }

  /** The sections that outputs are made of, numbered anew, each with what others read of it. */
  finish(outputs: ReadonlyMap<string, Output>, rules: readonly SizeRule[]): ModelGraph {
    const wanted = new Map<Section, Set<string>>();
    const want = (section: Section, output?: string): void => {
      const known = wanted.get(section);
      if (output !== undefined) known?.add(output);
      if (known !== undefined) return;
      wanted.set(section, new Set(output === undefined ? [] : [output]));
      for (const { source } of section.inputs) {
        if (source.kind === 'host') continue;
        const from = this.all[source.section];
        if (from !== undefined) want(from, source.kind === 'output' ? source.name : undefined);
      }
      for (const { initial } of section.states) if (initial.kind !== 'host') want(initial.section, initial.name);
    };
    for (const { section, name } of outputs.values()) want(section, name);
    // What the caller gives has its place and its gradient even where these options make nothing of it.
    for (const section of this.all) {
      const given = [...section.inputs.map(({ source }) => source), ...section.states.map(({ initial }) => initial)];
      if (given.some(({ kind }) => kind === 'host')) want(section);
    }
    const kept = this.inOrder().filter((section) => wanted.has(section));
    const number = (index: number) => kept.findIndex((section) => section.index === index);
    return {
      sections: kept.map((section): ModelSection => {
        const names = wanted.get(section) ?? new Set();
        const chosen = Object.fromEntries(Object.entries(section.outputs).filter(([name]) => names.has(name)));
        const step: StepGraph = { nodes: this.builder.nodes, next: section.next, outputs: chosen, rules: [], traces: {} };
        return {
          time: section.time,
          order: section.order,
          step,
          inputs: section.inputs.map(({ source, ...input }): SectionInput => {
            return { ...input, source: source.kind === 'host' ? source : { ...source, section: number(source.section) } };
          }),
          states: section.states.map(({ name, shape, initial }): SectionState => {
            if (initial.kind === 'host') return { name, shape, initial };
            return { name, shape, initial: { kind: 'output', section: number(initial.section.index), name: initial.name } };
          }),
        };
      }),
      outputs: Object.fromEntries(
        [...outputs].map(([name, output]) => [
          name,

          {
            kind: 'output',
            section: number(output.section.index),
            name: output.name,
            ...(output.kind === 'total' ? { total: true } : {}),
          },
        ]),
      ),
      rules,
    };
  }
}
