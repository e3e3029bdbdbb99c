/** A model's sections as one program: what one leaves in memory is what the others read, in both directions. */
import type { Signature, TensorDeclaration } from '../frontend/tree.js';
import { GraphBuilder } from '../ir/builder.js';
import type { NodeId, Shape, StepGraph } from '../ir/graph.js';
import type { ModelGraph, ModelSection, SectionInput } from '../ir/model.js';
import { verify } from '../ir/verify.js';
import { adjoint, type Readers } from '../passes/adjoint.js';
import { extract } from '../passes/extract.js';
import { gatedValues } from '../passes/gated.js';
import { Ranges } from '../passes/ranges.js';
import { type RetimedAdjoint, retime } from '../passes/retime.js';
import type { SectionParams } from './gradients.js';
import { type Access, accessTo, inChunks, type Place, stepByStep, turned, widthOf } from './places.js';
import { type Program, type ProgramRequest, programOf, SectionScheduling } from './program.js';
import { Shared } from './shared.js';
import type { Links } from './storage.js';

/** A section between its graphs: dead code is gone, and inputs that only it read. */
interface Prepared {
  readonly section: ModelSection;
  readonly step: StepGraph;
  readonly retimed: RetimedAdjoint;
  readonly inputs: readonly SectionInput[];
}

export function scheduleModel(graph: ModelGraph, signature: Signature, request: ProgramRequest): Program {
  const prepared = prepare(graph, signature);
  const shared = new Shared(
    signature,
    request.sizes,
    request.target,
    prepared.map(({ step }) => step),
    { segmentsOf: request.segmentsOf, chunk: Math.max(...graph.sections.map(({ chunk = 1 }) => chunk)) },
  );
  return new ModelScheduling(graph, prepared, signature, shared, request).run();
}

/** Who reads an output or the last state of a section. */
interface Reader {
  readonly section: number;
  /** An input, or a state that starts from it. */
  readonly name: string;
  readonly kind: 'input' | 'state';
}

function readersOf(
  sections: readonly Pick<Prepared, 'inputs' | 'section'>[],
  of: 'output' | 'final',
  producer: number,
  name: string,
): Reader[] {
  return sections.flatMap(({ inputs, section }, index): Reader[] => [
    ...inputs.flatMap((input): Reader[] => {
      const { source } = input;
      const reads = source.kind === of && source.section === producer && source.name === name;
      return reads ? [{ section: index, name: input.name, kind: 'input' }] : [];
    }),
    ...(of === 'final' ? [] : section.states).flatMap((state): Reader[] => {
      const { initial } = state;
      const starts = initial.kind === 'output' && initial.section === producer && initial.name === name;
      return starts ? [{ section: index, name: state.name, kind: 'state' }] : [];
    }),
  ]);
}

/** The leaf by which a producer gets what a reader gives back. */
const leafOf = ({ section, name }: Reader): string => `${section} ${name}`;
/** The leaf of a cotangent that the caller gives. */
const hostLeaf = (output: string): string => `host ${output}`;

/** Adjoints of all sections, from the last: what a reader gives back is a leaf of the producer's adjoint. */
function prepare(graph: ModelGraph, { params }: Signature): Prepared[] {
  const trained = new Set(params.filter(({ trainable }) => trainable).map(({ name }) => name));
  const extracted = graph.sections.map((section) => {
    const builder = new GraphBuilder();
    const step = verify('extract', extract(section.time === undefined ? drawnOnce(section.step) : section.step, builder));
    const read = new Set(
      builder.nodes.flatMap((node) => (node.op === 'input' || node.op === 'held' || node.op === 'delayed' ? [node.name] : [])),
    );
    return {
      section,
      builder,
      step,
      inputs: section.inputs.filter(({ name, source }) => source.kind === 'host' || read.has(name)),
    };
  });
  const wild = wildness(extracted);
  const gated = new Set<string>();
  const prepared: Prepared[] = [];
  for (const [index, { section, builder, step, inputs }] of [...extracted.entries()].reverse()) {
    const readers = (of: 'output' | 'final', name: string) => readersOf(extracted, of, index, name);
    const hosts = (output: string) =>
      Object.entries(graph.outputs).flatMap(([name, source]) =>
        source.section === index && source.name === output ? [name] : [],
      );
    const isGated = (of: 'output' | 'final', name: string) => readers(of, name).some((reader) => gated.has(leafOf(reader)));
    const finals = new Set(Object.keys(step.next).filter((name) => isGated('final', name)));
    const links: Readers = {
      seeds: (output) => [...hosts(output).map(hostLeaf), ...readers('output', output).map(leafOf)],
      finals: (state) => [...(isHost(section, state) ? [hostLeaf(state)] : []), ...readers('final', state).map(leafOf)],
      gated: (output) => isGated('output', output),
      gatedState: (state) => finals.has(state),
      wild: (input) => wild.has(`${index} ${input}`),
    };
    for (const id of gatedValues(builder.nodes, step, links.gated, links.gatedState)) {
      const node = builder.node(id);
      if (node.op === 'input' || node.op === 'held' || node.op === 'state' || node.op === 'delayed')
        gated.add(`${index} ${node.name}`);
    }
    const differentiated = adjoint(builder, step, (name) => trained.has(name), undefined, links);
    verify('adjoint', { ...step, nodes: builder.nodes });
    const retimed = retime(differentiated, section.chunk === undefined ? 'in the next' : 'in its own');
    verify('retime', { ...step, nodes: builder.nodes });
    prepared.unshift({ section, step, retimed, inputs });
  }
  return prepared;
}

/** Values without time are drawn once for a sequence. */
function drawnOnce(step: StepGraph): StepGraph {
  const nodes = step.nodes.map((node) => (node.op === 'random' ? { ...node, per: 'sequence' as const } : node));
  return { ...step, nodes };
}

/** Inputs of sections that may be infinite or NaN although all data are finite. */
function wildness(
  sections: readonly { step: StepGraph; inputs: readonly SectionInput[]; section: ModelSection }[],
): ReadonlySet<string> {
  const wild = new Set<string>();
  const outputs = new Set<string>();
  for (const [index, { step, inputs, section }] of sections.entries()) {
    for (const { name, source } of inputs) {
      if (source.kind !== 'host' && outputs.has(`${source.kind} ${source.section} ${source.name}`)) wild.add(`${index} ${name}`);
    }
    const started = section.states.some(
      ({ initial }) => initial.kind === 'output' && outputs.has(`output ${initial.section} ${initial.name}`),
    );
    const ranges = new Ranges(step.nodes, step.next, (name) => started || wild.has(`${index} ${name}`));
    const isWild = (id: NodeId) => started || ranges.of(id).wild;
    for (const [name, id] of Object.entries(step.outputs)) if (isWild(id)) outputs.add(`output ${index} ${name}`);
    for (const [name, id] of Object.entries(step.next)) if (isWild(id)) outputs.add(`final ${index} ${name}`);
  }
  return wild;
}

class ModelScheduling {
  private readonly made: SectionScheduling[] = [];
  private readonly states = new Map<string, Place>();
  private readonly cotangents = new Map<string, Place>();

  constructor(
    private readonly graph: ModelGraph,
    private readonly prepared: readonly Prepared[],
    private readonly signature: Signature,
    private readonly shared: Shared,
    private readonly request: ProgramRequest,
  ) {}

  run(): Program {
    const { prepared, shared, request } = this;
    for (const [index, { section, step, retimed, inputs }] of prepared.entries()) {
      const own = { ...this.signature, inputs: inputs.map(inputOf), state: section.states.map(stateOf) };
      const graphs = { step, retimed, signature: own, prefix: `s${index}` };
      this.made.push(new SectionScheduling(graphs, shared, request, this.links(index)));
    }
    if (request.gradients) this.backward();
    return programOf(shared, this.made, request);
  }

  /** From the last section: what it leaves for those before it is in memory then, and gradients of parameters add up. */
  private backward(): void {
    const trained = this.signature.params.filter(({ trainable }) => trainable);
    // Segments add up.
    const written = new Set(this.shared.segmentsOf === undefined ? [] : trained.map(({ name }) => name));
    for (const [index, scheduling] of [...this.made.entries()].reverse()) {
      const terms = this.prepared[index]?.retimed.params ?? {};
      const own = trained.filter(({ name }) => (terms[name] ?? []).length > 0);
      // What no section adds to is zero, and the first to be run says so.
      const params: SectionParams = {
        nothing: [...own.filter(({ name }) => !written.has(name)), ...(index === 0 ? this.untouched(trained, written, own) : [])],
        former: own.filter(({ name }) => written.has(name)),
      };
      const { inputs, states } = scheduling.backward(params);
      for (const { name } of own) written.add(name);
      for (const [name, place] of [...inputs, ...states])
        this.cotangents.set(leafOf({ section: index, name, kind: 'input' }), place);
    }
  }

  private untouched(trained: readonly TensorDeclaration[], written: ReadonlySet<string>, own: readonly TensorDeclaration[]) {
    return trained.filter((declaration) => !written.has(declaration.name) && !own.includes(declaration));
  }

  private links(index: number): Links {
    const prepared = this.prepared[index];
    if (prepared === undefined) throw new Error(`no section ${index}`);
    const { section, inputs } = prepared;
    return {
      time: section.time,
      chunk: section.chunk,
      source: (kind, name) => (kind === 'input' ? this.input(section, inputs, name) : this.cotangent(section, name)),
      target: (path) => this.target(index, path),
      state: (name) => this.state(index, section, name),
      isTotal: (output) =>
        Object.values(this.graph.outputs).some(
          ({ section: of, name, total = false }) => total && of === index && name === output,
        ),
      paths: (path) => this.paths(index, path),
    };
  }

  /** What an input reads. */
  private input(section: ModelSection, inputs: readonly SectionInput[], name: string): Access | undefined {
    const input = inputs.find((one) => one.name === name);
    if (input === undefined) throw new Error(`a section has no input ${name}`);
    const { source, seen } = input;
    if (source.kind === 'host') return undefined;
    const from = this.made[source.section];
    if (from === undefined) throw new Error(`section ${source.section} comes too late`);
    if (source.kind === 'final') {
      const place = from.storage.finals[source.name];
      if (place === undefined) throw new Error(`no last state ${source.name}`);
      return accessTo({ ...place, layout: seen === 'held' ? 'row' : 'sequence' });
    }
    const access = from.forward.outputs.get(source.name);
    if (access === undefined) throw new Error(`section ${source.section} has no output ${source.name}`);
    if (seen === 'memory') {
      const { place } = access;
      const extents = [this.shared.size(input.shape[0] ?? ''), ...place.extents];
      return accessTo({ ...place, layout: 'memory', shape: input.shape, extents, given: false });
    }
    if (seen === 'held') return { ...access, place: { ...access.place, layout: 'row', given: false } };
    if (seen === 'chunk') return { ...access, place: inChunks(access.place, section.chunk ?? 1) };
    if (access.place.layout === 'chunk') return { ...access, place: stepByStep(access.place) };
    return this.orderOf(source.section) === section.order ? access : turned(access);
  }

  /** What a reader of a section's results gives back. */
  private cotangent(section: ModelSection, leaf: string): Access | undefined {
    const place = this.cotangents.get(leaf);
    if (place === undefined) return undefined;
    const reader = Number(leaf.split(' ')[0]);
    // Behind a sequence's end it is what readers make of zeros there, which is of no account.
    if (place.layout === 'memory') {
      const [shape, extents] = [place.shape.slice(1), place.extents.slice(1)];
      return accessTo({ ...place, layout: 'sequence', shape, extents, given: true });
    }
    if (place.layout === 'chunk') return accessTo(stepByStep(place));
    if (section.chunk !== undefined) return accessTo(inChunks(place, section.chunk));
    if (section.time === undefined) return accessTo({ ...place, layout: 'sequence', given: false });
    if (place.layout === 'row' || this.prepared[reader]?.section.time === undefined)
      return accessTo({ ...place, layout: 'row', given: false });
    const access = accessTo({ ...place, given: false });
    return this.orderOf(reader) === section.order ? access : turned(access);
  }

  private orderOf(index: number): ModelSection['order'] {
    return this.prepared[index]?.section.order ?? 'ahead';
  }

  /** The first slot of a state that starts from an output; a place of its own for what is read as a memory: zero behind each end. */
  private target(index: number, path: string): Place | undefined {
    const remembered = this.prepared.flatMap(({ inputs }) =>
      inputs.filter(
        ({ seen, source }) =>
          seen === 'memory' && source.kind === 'output' && source.section === index && path === `outputs.${source.name}`,
      ),
    );
    const inChunk = this.prepared.some(({ inputs }) =>
      inputs.some(
        ({ seen, source }) =>
          seen === 'chunk' && source.kind === 'output' && source.section === index && path === `outputs.${source.name}`,
      ),
    );
    if (inChunk) return this.memoryAt(`chunk ${index} ${path}`, ['T', ...this.shapeOf(index, path)]);
    const [memory] = remembered;
    if (memory !== undefined) return this.memoryAt(`memory ${index} ${path}`, memory.shape);
    for (const [reader, { section }] of this.prepared.entries()) {
      const state = section.states.find(
        ({ initial }) => initial.kind === 'output' && initial.section === index && path === `outputs.${initial.name}`,
      );
      if (state !== undefined) return this.stateAt(reader, section, state.name);
    }
    return undefined;
  }

  private shapeOf(index: number, path: string): Shape {
    const step = this.prepared[index]?.step;
    return step?.nodes[step.outputs[path.replace(/^outputs\./, '')] ?? -1]?.shape ?? [];
  }

  /** What the caller gives has a place like any other tensor of the caller's. */
  private state(index: number, section: ModelSection, name: string): Place | undefined {
    return isHost(section, name) ? undefined : this.stateAt(index, section, name);
  }

  /** States are placed before what they start from is computed. */
  private stateAt(index: number, section: ModelSection, name: string): Place {
    const key = `${index} ${name}`;
    const known = this.states.get(key);
    if (known !== undefined) return known;
    const shape = section.states.find((state) => state.name === name)?.shape ?? [];
    const extents = this.shared.extents(shape);
    const width = extents.reduce((product, extent) => product * extent, 1);
    const steps = section.time === undefined ? 1 : this.shared.steps(section.time);
    const vectors = (steps + 1) * this.shared.size('B') * width;
    const region = this.shared.memory.allocate('values', vectors, `the sequence of state ${name}`);
    const place: Place = { ...region, layout: 'sequence', shape, extents, given: false };
    this.states.set(key, place);
    return place;
  }

  private memoryAt(key: string, [time = '', ...shape]: SectionInput['shape']): Place {
    const known = this.states.get(key);
    if (known !== undefined) return known;
    const extents = this.shared.extents(shape);
    const vectors = this.shared.steps(time) * this.shared.size('B') * widthOf({ extents });
    const region = this.shared.memory.allocate('values', vectors, 'a sequence that is read as a whole');
    const place: Place = { ...region, layout: 'sequence', shape, extents, given: false };
    this.states.set(key, place);
    return place;
  }

  /** What the caller calls a state of a section; `undefined` for one that the caller does not see. */
  private hostName(index: number, state: string): string | undefined {
    const initial = this.prepared[index]?.section.states.find(({ name }) => name === state)?.initial;
    return initial?.kind === 'host' ? initial.name : undefined;
  }

  private paths(index: number, path: string): string[] {
    const prefix = PREFIXES.find((start) => path.startsWith(start));
    if (prefix === undefined) return [];
    const name = path.slice(prefix.length);
    switch (prefix) {
      case 'outputs.':
        return Object.entries(this.graph.outputs).flatMap(([output, source]) =>
          source.section === index && source.name === name ? [`outputs.${output}`] : [],
        );
      case 'cotangents.outputs.host ':
        return [`cotangents.outputs.${name}`];
      case 'cotangents.state.host ':
        return [`cotangents.state.${this.hostName(index, name)}`];
      case 'state.':
      case 'final.':
      case 'gradients.state.': {
        const host = this.hostName(index, name);
        return host === undefined ? [] : [`${prefix}${host}`];
      }
      default: {
        const input = this.prepared[index]?.inputs.find((one) => one.name === name);
        return input?.source.kind === 'host' ? [`${prefix}${input.source.name}`] : [];
      }
    }
  }
}

/** How the paths of tensors begin that the caller sees. */
const PREFIXES = [
  'outputs.',
  'cotangents.outputs.host ',
  'cotangents.state.host ',
  'gradients.inputs.',
  'gradients.state.',
  'inputs.',
  'state.',
  'final.',
];

const isHost = ({ states }: ModelSection, state: string): boolean =>
  states.some(({ name, initial }) => name === state && initial.kind === 'host');

function inputOf({ name, shape, seen }: SectionInput): TensorDeclaration {
  return {
    name,
    shape,
    init: undefined,
    trainable: false,
    span: NOWHERE,
    ...(seen === 'step' || seen === 'chunk' ? {} : { leading: ['B'] }),
  };
}

function stateOf({ name, shape }: ModelSection['states'][number]): TensorDeclaration {
  return { name, shape, init: undefined, trainable: false, span: NOWHERE };
}

const NOWHERE = { file: '', line: 1, column: 1, length: 1 };
