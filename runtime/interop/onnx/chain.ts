/** Which recurrent nodes are the layers of one network: Y of one is X of the next. */
import type { NodeProto } from 'onnx-buf';
import { listText } from '../describe.js';
import { integer } from './attributes.js';
import { isX, type Moved, moved, rejoined, type Sizes, yOf } from './between.js';
import { onnxError } from './errors.js';
import { directionsOf, layoutOf, nodeNamed, type OnnxFile } from './import.js';
import type { Scope, Source } from './scope.js';
import { isOnnxDomain, type RecurrentNode } from './walk.js';

/** Nodes from the first layer to the last. */
export type Chain = readonly RecurrentNode[];

/** What a node reads. */
type Reading =
  | { readonly kind: 'layer'; readonly below: RecurrentNode }
  /** Another node's result, with something in between that a stack does not have; `how` completes "LSTM_1 reads …". */
  | { readonly kind: 'other'; readonly how: string }
  | { readonly kind: 'input' };

/** Operators between two layers. */
const MOST_BETWEEN = 32;
/** As the model `stack` has them. */
export const MOST_LAYERS = 32;

export interface Chains {
  /** Of every node that no other continues, those below it in front of it. */
  readonly chains: readonly Chain[];
  /** Where a node reads another in a way that no stack has, a sentence each. */
  readonly breaks: readonly string[];
}

/** @throws RecurveError `ONNX-ATTRIBUTE` where an operator between two nodes cannot be */
export function chainsOf(file: OnnxFile): Chains {
  const search = new Search(file);
  const readings = new Map(file.nodes.map((node) => [node, search.readingOf(node)]));
  const below = (node: RecurrentNode) => {
    const reading = readings.get(node);
    return reading?.kind === 'layer' ? reading.below : undefined;
  };
  const continued = new Set(file.nodes.map(below));
  const chains = file.nodes.filter((node) => !continued.has(node)).map((last) => chainTo(last, below));
  const breaks = [...readings].flatMap(([node, reading]) =>
    reading.kind === 'other' ? [`${node.label} reads ${reading.how}`] : [],
  );
  return { chains, breaks };
}

function chainTo(last: RecurrentNode, below: (node: RecurrentNode) => RecurrentNode | undefined): Chain {
  const chain = [last];
  // A damaged file may go round in a circle, and one of many branches has long chains in common.
  for (let next = below(last); next !== undefined && chain.length <= MOST_LAYERS; next = below(next)) chain.push(next);
  return chain.reverse();
}

/**
 * The chain that ends in the node of that name; without a name the model's only one.
 *
 * @throws RecurveError `ONNX-NODE`, `ONNX-ATTRIBUTE`
 */
export function chainNamed(file: OnnxFile, name: string | undefined): Chain {
  const { chains, breaks } = chainsOf(file);
  if (name !== undefined) {
    const last = nodeNamed(file, name);
    const whole = chains.find((chain) => chain.includes(last));
    return whole ? whole.slice(0, whole.indexOf(last) + 1) : [last];
  }
  const [only, ...more] = chains;
  if (only && more.length === 0) return only;
  if (only === undefined) return [nodeNamed(file, undefined)];
  const lasts = chains.map((chain) => chain.at(-1)?.label ?? '');
  const because = breaks.length > 0 ? `: ${listText(breaks)}` : '';
  const found = `${file.source} has ${chains.length} stacks, which end in ${listText(lasts)}${because}`;
  throw onnxError('ONNX-NODE', found, file.source, { fix: `Choose one by its last node: --stack --node ${lasts[0]}.` });
}

interface Followed {
  readonly below: RecurrentNode;
  /** Absent where it is not Y that was moved, and `fault` says what happens to it. */
  readonly result?: Moved;
  readonly fault?: string;
}

type Path = readonly { readonly source: Source; readonly output: number }[];

class Search {
  readonly #file: OnnxFile;
  readonly #nodes: ReadonlyMap<NodeProto, readonly RecurrentNode[]>;

  constructor(file: OnnxFile) {
    this.#file = file;
    const nodes = new Map<NodeProto, RecurrentNode[]>();
    for (const node of file.nodes) nodes.set(node.proto, [...(nodes.get(node.proto) ?? []), node]);
    this.#nodes = nodes;
  }

  /** What X of a node is made of. */
  readingOf(node: RecurrentNode): Reading {
    const found = this.#follow(node.scope, node.proto.input[0] ?? '');
    if (found === undefined) return { kind: 'input' };
    const { below, result, fault } = found;
    if (result === undefined) return { kind: 'other', how: `${below.label} ${fault}` };
    if (isX(result, this.#sizesOf(below), layoutOf(node))) return { kind: 'layer', below };
    const alone = result.direction === undefined ? 'with its axes in another order' : 'in one direction alone';
    return { kind: 'other', how: `${below.label} ${alone}` };
  }

  /** Back from a name to the node that it comes from, and forth again with the axes of its Y. */
  #follow(scope: Scope, name: string, side: 'whole' | 'half' = 'whole'): Followed | undefined {
    const path: { readonly source: Source; readonly output: number }[] = [];
    for (let at = entered(scope, name); at !== undefined && path.length < MOST_BETWEEN; ) {
      const { source, output } = at;
      const below = this.#nodes.get(source.proto)?.find((node) => node.scope === source.scope);
      if (below && output > 0) return { below, fault: `through its output ${output === 1 ? 'Y_h' : 'Y_c'}, the last step alone` };
      if (below) return this.#forth(below, yOf(this.#sizesOf(below), layoutOf(below)), path);
      if (source.proto.opType === 'Concat' && side === 'whole') return this.#joined(source, path);
      path.push(at);
      at = entered(source.scope, source.proto.input[0] ?? '');
    }
    return undefined;
  }

  /** Two directions that were cut apart are one again. */
  #joined(source: Source, path: Path): Followed | undefined {
    const sides = source.proto.input.slice(0, 2).map((side) => this.#follow(source.scope, side, 'half'));
    const [ahead, back] = sides;
    const below = (ahead ?? back)?.below;
    if (below === undefined) return undefined;
    const whole = ahead?.below === back?.below && source.proto.input.length === 2 && isOnnxDomain(source.proto.domain);
    const start = whole && ahead?.result && back?.result ? rejoined(source, [ahead.result, back.result]) : undefined;
    return start ? this.#forth(below, start, path) : { below, fault: `through ${source.label}` };
  }

  #forth(below: RecurrentNode, start: Moved, path: Path): Followed {
    const { folder } = this.#file;
    const sizes = this.#sizesOf(below);
    let result = start;
    for (const { source, output } of path.toReversed()) {
      const next = isOnnxDomain(source.proto.domain) ? moved(source, result, { folder, output, sizes }) : undefined;
      if (next === undefined) return { below, fault: `through ${source.label}` };
      result = next;
    }
    return { below, result };
  }

  #sizesOf(node: RecurrentNode): Sizes {
    const R = this.#file.folder.outcomeOf(node.scope, node.proto.input[2] ?? '');
    const width = R?.kind === 'constant' ? R.value.shape.at(-1) : undefined;
    return { D: directionsOf(node).length, H: integer(node, 'hidden_size') ?? width ?? 0 };
  }
}

/** The node behind a name; a call of one of the model's functions is entered. */
function entered(scope: Scope, name: string): { readonly source: Source; readonly output: number } | undefined {
  let found = scope.find(name);
  for (let calls = 0; found?.kind === 'output' && calls < MOST_BETWEEN; calls++) {
    const { source, index } = found;
    const call = source.scope.calls.get(source.proto);
    if (call === undefined) return { source, output: index };
    found = call.scope.find(call.definition.output[index] ?? '');
  }
  return undefined;
}

/** `LSTM_0 → LSTM_1`. */
export function chainText(chain: Chain): string {
  return chain.map(({ label }) => label).join(' → ');
}
