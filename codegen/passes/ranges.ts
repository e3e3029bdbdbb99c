/**
 * Interval arithmetic on the step graph: where a value can lie, and whether it can be infinite or NaN although all data
 * are finite. That is what decides where a zero cotangent has to be kept from a slope.
 *
 * A sum, or a product with something bounded or with a parameter, of finite values is taken as finite: only values near
 * float32's largest overflow there. A product of two unbounded values is not.
 */
import {
  argumentsOf,
  isApply,
  isContract,
  isDecays,
  isExpand,
  isGather,
  isReduce,
  isSolve,
  isWindow,
  type Node,
  type NodeId,
} from '../ir/graph.js';
import { ops } from '../ops/index.js';
import { ANY, between, hull, INFINITE, MOST_FACTOR, type Range, sumOf, WILD, ZERO } from '../ops/interval.js';

/** No normal draw of 24 bits is further out. */
const MOST_NORMAL = 6;

/**
 * Ranges of a step's values. States are what their next values make of them, step after step, and an initial state is
 * data: finite, and anything.
 */
export class Ranges {
  private readonly known = new Map<NodeId, Range>();
  private readonly wildStates = new Set<string>();

  constructor(
    private readonly nodes: readonly Node[],
    next: Readonly<Record<string, NodeId>>,
    /** Whether an input can be infinite or NaN although all data are finite. */
    private readonly wildInput: (name: string) => boolean = () => false,
  ) {
    for (let before = -1; this.wildStates.size > before; ) {
      before = this.wildStates.size;
      this.known.clear();
      const { length } = nodes;
      for (let id = 0; id < length; id++) this.find(id, this.known);
      for (const [name, id] of Object.entries(next)) if (this.of(id).wild) this.wildStates.add(name);
    }
  }

  of(id: NodeId): Range {
    return this.known.get(id) ?? WILD;
  }

  /** The range of what an adjoint rule made, where the cotangent it was given is zero. */
  whereZero(value: NodeId, cotangent: NodeId): Range {
    return this.find(value, new Map([[cotangent, ZERO]]));
  }

  /** `known` are ranges that hold for this question alone. */
  private find(id: NodeId, known: Map<NodeId, Range>): Range {
    const found = known.get(id) ?? this.known.get(id);
    if (found !== undefined) return found;
    const node = this.nodes[id];
    if (node === undefined) throw new Error(`no node ${id}`);
    const ranges = argumentsOf(node).map((argument) => this.find(argument, known));
    const range = this.rangeOf(node, ranges);
    known.set(id, range);
    return range;
  }

  private rangeOf(node: Node, ranges: readonly Range[]): Range {
    const wild = ranges.some((range) => range.wild);
    const [first = ANY] = ranges;
    if (isContract(node) || isDecays(node) || isSolve(node)) return wild ? WILD : ANY;
    if (isReduce(node)) return node.kind === 'max' || wild ? first : sumOf(first);
    if (isExpand(node)) return first;
    if (isWindow(node)) return hull(first, ZERO);
    if (isGather(node)) return between(-MOST_FACTOR, MOST_FACTOR);
    if (isApply(node)) {
      // What is made of NaN is NaN; a test is a test, and what it chooses from is another question.
      if (wild && node.type === 'number' && node.op !== 'select') return WILD;
      const [a = ANY, b = ANY, c = ANY] = ranges;
      return ops[node.op].range(a, b, c);
    }
    switch (node.op) {
      case 'constant':
        return Number.isFinite(node.value) ? between(node.value, node.value) : WILD;
      case 'state':
        return this.wildStates.has(node.name) ? WILD : ANY;
      case 'input':
      case 'held':
        return this.wildInput(node.name) ? WILD : ANY;
      case 'delayed':
        if (node.group === 'input') return this.wildInput(node.name) ? WILD : ANY;
        return node.group === 'state' && this.wildStates.has(node.name) ? WILD : ANY;
      case 'time':
      case 'index':
      case 'steps':
      case 'batch':
        return between(0, INFINITE);
      case 'extent':
        return between(1, INFINITE);
      case 'param':
        return between(-MOST_FACTOR, MOST_FACTOR);
      case 'random':
        return node.distribution === 'uniform' ? between(0, 1) : between(-MOST_NORMAL, MOST_NORMAL);
      default:
        return ANY;
    }
  }
}
