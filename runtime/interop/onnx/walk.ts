/**
 * Finds every LSTM, GRU and RNN node: of the main graph, of graphs in attributes (bodies of If, Loop, Scan, at any
 * depth) and of the model's functions. A function is entered at each of its calls, since its weights may come in
 * there; one that is never called is entered once, under its own name.
 */
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import { visible } from '../../../codegen/visible.js';
import { attributeOf } from './attributes.js';
import { onnxError } from './errors.js';
import { type Definition, Scope } from './scope.js';

export const RECURRENT_OPS = ['LSTM', 'GRU', 'RNN'] as const;
export type RecurrentOp = (typeof RECURRENT_OPS)[number];

export interface RecurrentNode {
  /** Where it is: `Loop_3/body/LSTM_0`. Unique in the model. */
  readonly path: string;
  /** The path as messages show it. */
  readonly label: string;
  readonly op: RecurrentOp;
  readonly proto: NodeProto;
  readonly scope: Scope;
}

/** Functions that call functions multiply; no honest model comes near. */
const MOST_NODES = 2_000_000;
const MOST_CALLS = 100;

/** @throws RecurveError `ONNX-NESTING` */
export function findRecurrentNodes(model: ModelProto, source: string): readonly RecurrentNode[] {
  return new Walk(model, source).run();
}

interface Body {
  readonly nodes: readonly NodeProto[];
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
  readonly #found: RecurrentNode[] = [];
  #visited = 0;

  constructor(model: ModelProto, source: string) {
    this.#model = model;
    this.#source = source;
    this.#functions = new Map(model.functions.map((definition) => [functionKey(definition, definition.name), definition]));
  }

  run(): readonly RecurrentNode[] {
    const { graph, functions } = this.#model;
    if (graph) this.#enterGraph(graph, new Scope(), '', [], 'an input of the model');
    for (const definition of functions) {
      if (this.#called.has(definition)) continue;
      const scope = Scope.ofFunction(defaultAttributes(definition));
      const by = `an input of the function ${visible(definition.name)}, which nothing calls`;
      for (const input of definition.input) scope.define(input, { kind: 'runtime', by });
      this.#enterFunction(definition, scope, definition.name, []);
    }
    return this.#found;
  }

  #enterGraph(graph: GraphProto, scope: Scope, path: string, calls: readonly FunctionProto[], inputIs: string): void {
    for (const { name } of graph.input) scope.define(name, { kind: 'runtime', by: inputIs });
    for (const { values } of graph.sparseInitializer) scope.define(values?.name ?? '', { kind: 'runtime', by: SPARSE });
    // Behind the inputs: old models list an initializer among them, as a default.
    for (const tensor of graph.initializer) scope.define(tensor.name, { kind: 'tensor', tensor });
    this.#enter({ nodes: graph.node, scope, path, calls });
  }

  #enterFunction(definition: FunctionProto, scope: Scope, path: string, calls: readonly FunctionProto[]): void {
    this.#called.add(definition);
    if (calls.includes(definition) || calls.length >= MOST_CALLS) {
      const fault = calls.includes(definition) ? 'calls itself' : `is ${calls.length} calls deep`;
      throw onnxError('NESTING', `the function ${visible(definition.name)} of ${this.#source} ${fault}`, this.#source);
    }
    this.#enter({ nodes: definition.node, scope, path, calls: [...calls, definition] });
  }

  #enter({ nodes, scope, path, calls }: Body): void {
    this.#visited += nodes.length;
    if (this.#visited > MOST_NODES) {
      throw onnxError('NESTING', `the functions of ${this.#source} unfold to more than ${MOST_NODES} nodes`, this.#source);
    }
    const names = nameNodes(nodes);
    // All names first: a damaged or hand-made file may not be in order.
    nodes.forEach((node, index) => {
      for (const output of node.output) scope.define(output, definitionOf(node, names[index] ?? '', scope));
    });
    nodes.forEach((node, index) => {
      this.#visit(node, join(path, names[index] ?? ''), scope, calls);
    });
  }

  #visit(node: NodeProto, path: string, scope: Scope, calls: readonly FunctionProto[]): void {
    const op = RECURRENT_OPS.find((known) => known === node.opType);
    if (op && isOnnxDomain(node.domain)) {
      const unique = this.#unique(path);
      this.#found.push({ path: unique, label: visible(unique), op, proto: node, scope });
      return;
    }
    for (const { name, g, graphs } of node.attribute) {
      const bodies = g ? [g, ...graphs] : graphs;
      bodies.forEach((body, index) => {
        const at = join(path, bodies.length > 1 ? `${name}[${index}]` : name);
        this.#enterGraph(body, new Scope(scope), at, calls, `an input of ${visible(at)}`);
      });
    }
    const definition = this.#functions.get(functionKey(node, node.opType));
    if (definition) this.#enterFunction(definition, callScope(definition, node, scope), path, calls);
  }

  #unique(path: string): string {
    let unique = path;
    for (let copy = 2; this.#paths.has(unique); copy++) unique = `${path}#${copy}`;
    this.#paths.add(unique);
    return unique;
  }
}

const SPARSE = 'a sparse initializer';

/** Nodes need no names. One without is called by its type and its place among the nodes of that type: `LSTM_0`. */
function nameNodes(nodes: readonly NodeProto[]): readonly string[] {
  const counts = new Map<string, number>();
  return nodes.map(({ name, opType }) => {
    const count = counts.get(opType) ?? 0;
    counts.set(opType, count + 1);
    return name === '' ? `${opType}_${count}` : name;
  });
}

function definitionOf(node: NodeProto, name: string, scope: Scope): Definition {
  const runtime: Definition = { kind: 'runtime', by: `computed at run time by ${visible(name)} (${visible(node.opType)})` };
  if (!isOnnxDomain(node.domain)) return runtime;
  if (node.opType === 'Identity') return { kind: 'alias', scope, name: node.input[0] ?? '' };
  if (node.opType !== 'Constant') return runtime;
  const tensor = attributeOf(node, 'value', scope.callAttributes)?.t;
  if (tensor) return { kind: 'tensor', tensor };
  return { kind: 'runtime', by: `the constant ${visible(name)}, which holds no dense tensor` };
}

function callScope(definition: FunctionProto, call: NodeProto, caller: Scope): Scope {
  const given = new Map(defaultAttributes(definition));
  for (const { name } of call.attribute) {
    const attribute = attributeOf(call, name, caller.callAttributes);
    if (attribute) given.set(name, attribute);
  }
  const scope = Scope.ofFunction(given);
  definition.input.forEach((input, index) => {
    scope.define(input, { kind: 'alias', scope: caller, name: call.input[index] ?? '' });
  });
  return scope;
}

function defaultAttributes(definition: FunctionProto): ReadonlyMap<string, AttributeProto> {
  return new Map(definition.attributeProto.map((attribute) => [attribute.name, attribute]));
}

function functionKey({ domain, overload }: FunctionProto | NodeProto, name: string): string {
  return JSON.stringify([isOnnxDomain(domain) ? '' : domain, name, overload]);
}

function isOnnxDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}
