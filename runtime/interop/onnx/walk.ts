/**
 * Finds every LSTM, GRU and RNN node: of the main graph, of graphs in attributes (bodies of If, Loop, Scan, at any
 * depth) and of the model's functions. A function is entered at each of its calls, since its weights may come in
 * there; one that is never called is entered once, under its own name. Time and memory grow with the file.
 */
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import { visible } from '../../../codegen/visible.js';
import type { PlacedNode } from './attributes.js';
import { onnxError } from './errors.js';
import { Scope, Source } from './scope.js';

export const RECURRENT_OPS = ['LSTM', 'GRU', 'RNN', 'DynamicQuantizeLSTM'] as const;
export type RecurrentOp = (typeof RECURRENT_OPS)[number];

export interface RecurrentNode extends PlacedNode {
  readonly scope: Scope;
  /** Where it is: `Loop_3/body/LSTM_0`. Unique in the model. */
  readonly path: string;
  readonly op: RecurrentOp;
}

export interface Findings {
  readonly nodes: readonly RecurrentNode[];
  /** Nodes that look recurrent or quantized and are none of ours, `AttnLSTM_0 (com.microsoft.AttnLSTM)`: the first few. */
  readonly strangers: readonly string[];
}

/** Functions that call functions multiply what a file holds. */
const MOST_UNFOLDED = 300_000;
const MOST_CALLS = 100;
const MOST_STRANGERS = 8;
/** Characters of a name, and of a path in front of it. */
const LONGEST_NAME = 200;
const LONGEST_PATH = 400;

/** @throws RecurveError `ONNX-NESTING` */
export function findRecurrentNodes(model: ModelProto, source: string): Findings {
  return new Walk(model, source).run();
}

interface Place {
  readonly scope: Scope;
  readonly path: string;
  /** The functions in which this is. */
  readonly calls: readonly FunctionProto[];
}

class Walk {
  readonly #model: ModelProto;
  readonly #source: string;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #called = new Set<FunctionProto>();
  readonly #paths = new Set<string>();
  /** By path, the last number given to a copy of it. */
  readonly #copies = new Map<string, number>();
  readonly #found: RecurrentNode[] = [];
  readonly #strangers: string[] = [];
  #unfolded = 0;
  #bodies = 0;

  constructor(model: ModelProto, source: string) {
    this.#model = model;
    this.#source = source;
    this.#functions = new Map(model.functions.map((definition) => [functionKey(definition, definition.name), definition]));
  }

  run(): Findings {
    const { graph, functions } = this.#model;
    if (graph) this.#enterGraph(graph, { scope: new Scope(), path: '', calls: [] }, () => 'an input of the model');
    for (const definition of functions) {
      if (this.#called.has(definition)) continue;
      const scope = Scope.ofFunction(defaultAttributes(definition));
      const by = () => `an input of the function ${visible(definition.name)}, which nothing calls`;
      for (const input of definition.input) scope.define(input, { kind: 'runtime', by });
      this.#enterFunction(definition, { scope, path: this.#join('', definition.name), calls: [] });
    }
    return { nodes: this.#found, strangers: this.#strangers };
  }

  #enterGraph(graph: GraphProto, place: Place, inputIs: () => string): void {
    const { scope } = place;
    for (const { name } of graph.input) scope.define(name, { kind: 'runtime', by: inputIs });
    for (const { values } of graph.sparseInitializer) {
      scope.define(values?.name ?? '', { kind: 'runtime', by: () => 'a sparse initializer, which is not read' });
    }
    // Behind the inputs: old models list an initializer among them, as a default.
    for (const tensor of graph.initializer) scope.define(tensor.name, { kind: 'tensor', tensor });
    this.#enter(graph.node, place);
  }

  #enterFunction(definition: FunctionProto, { scope, path, calls }: Place): void {
    this.#called.add(definition);
    if (calls.includes(definition) || calls.length >= MOST_CALLS) {
      const fault = calls.includes(definition) ? 'calls itself' : `is ${calls.length} calls deep`;
      throw onnxError('ONNX-NESTING', `the function ${visible(definition.name)} of ${this.#source} ${fault}`, this.#source);
    }
    this.#enter(definition.node, { scope, path, calls: [...calls, definition] });
  }

  #enter(nodes: readonly NodeProto[], place: Place): void {
    const names = nameNodes(nodes);
    // All names first: a damaged or hand-made file may not be in order.
    nodes.forEach((node, index) => {
      const source = new Source(node, place.scope, names[index] ?? '');
      node.output.forEach((output, at) => {
        place.scope.define(output, { kind: 'output', source, index: at });
      });
      if (place.calls.length > 0) this.#charge(1 + node.output.length);
    });
    nodes.forEach((node, index) => {
      this.#visit(node, names[index] ?? '', place);
    });
  }

  #visit(node: NodeProto, name: string, { scope, path, calls }: Place): void {
    const op = RECURRENT_OPS.find((known) => known === node.opType);
    if (op && isDomainOf(op, node.domain)) {
      const unique = this.#unique(this.#join(path, name));
      this.#found.push({ path: unique, label: visible(unique), op, proto: node, scope });
      return;
    }
    for (const { name: attribute, g, graphs } of node.attribute) {
      const bodies = g ? [g, ...graphs] : graphs;
      bodies.forEach((body, index) => {
        const at = this.#join(this.#join(path, name), bodies.length > 1 ? `${attribute}[${index}]` : attribute);
        const inner = new Scope(scope);
        scope.bodies.set(body, inner);
        this.#enterGraph(body, { scope: inner, path: at, calls }, () => `an input of ${visible(at)}`);
      });
    }
    const definition = this.#functions.get(functionKey(node, node.opType));
    if (definition) {
      this.#charge(definition.input.length + definition.attributeProto.length + node.attribute.length);
      const inner = callScope(definition, node, scope);
      scope.calls.set(node, { definition, scope: inner });
      this.#enterFunction(definition, { scope: inner, path: this.#join(path, name), calls });
    } else if (this.#strangers.length < MOST_STRANGERS && STRANGE.test(node.opType)) {
      const domain = isOnnxDomain(node.domain) ? '' : `${node.domain}.`;
      this.#strangers.push(visible(`${this.#join(path, name)} (${`${domain}${node.opType}`.slice(0, LONGEST_NAME)})`));
    }
  }

  #charge(work: number): void {
    this.#unfolded += work;
    if (this.#unfolded <= MOST_UNFOLDED) return;
    throw onnxError('ONNX-NESTING', `the functions of ${this.#source} unfold to more than ${MOST_UNFOLDED} nodes`, this.#source);
  }

  /** A deep or long-winded path is cut in front: it is kept for every node below. */
  #join(path: string, name: string): string {
    const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
    if (path === '') return short;
    return `${path.length > LONGEST_PATH ? `…${++this.#bodies}` : path}/${short}`;
  }

  #unique(path: string): string {
    let unique = path;
    let copy = this.#copies.get(path) ?? 1;
    while (this.#paths.has(unique)) unique = `${path}#${++copy}`;
    this.#copies.set(path, copy);
    this.#paths.add(unique);
    return unique;
  }
}

/** Recurrent under another name, or what weights and products become when a model is quantized. */
const STRANGE = /LSTM|GRU|RNN|^(MatMulInteger|QLinearMatMul|DynamicQuantizeMatMul|MatMulIntegerToFloat|QGemm|QAttention)$/;

/** Nodes need no names. One without is called by its type and its place among the nodes of that type: `LSTM_0`. */
function nameNodes(nodes: readonly NodeProto[]): readonly string[] {
  const counts = new Map<string, number>();
  return nodes.map(({ name, opType }) => {
    const count = counts.get(opType) ?? 0;
    counts.set(opType, count + 1);
    return name === '' ? `${opType}_${count}` : name;
  });
}

function callScope(definition: FunctionProto, call: NodeProto, caller: Scope): Scope {
  const given = defaultAttributes(definition);
  for (const attribute of call.attribute) {
    const value = attribute.refAttrName === '' ? attribute : caller.callAttributes.get(attribute.refAttrName);
    if (value) given.set(attribute.name, value);
  }
  const scope = Scope.ofFunction(given);
  definition.input.forEach((input, index) => {
    scope.define(input, { kind: 'alias', scope: caller, name: call.input[index] ?? '' });
  });
  return scope;
}

function defaultAttributes(definition: FunctionProto): Map<string, AttributeProto> {
  return new Map(definition.attributeProto.map((attribute) => [attribute.name, attribute]));
}

function functionKey({ domain, overload }: FunctionProto | NodeProto, name: string): string {
  return JSON.stringify([isOnnxDomain(domain) ? '' : domain, name, overload]);
}

function isDomainOf(op: RecurrentOp, domain: string): boolean {
  return op === 'DynamicQuantizeLSTM' ? domain === 'com.microsoft' : isOnnxDomain(domain);
}

export function isOnnxDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}
