/**
 * The cotangents gathered so far, per node.
 *
 * Products that arrive at one node are kept as terms and become one contraction, so that
 * dh = Σ_gates U_gᵀ da_g has one accumulator. Terms whose operand comes through the recurrence are kept apart
 * from those that only the seeds feed: the latter can run before the loop.
 *
 * Scalars broadcast over units, so a scalar's cotangent is a sum over units. For a scalar that is made of scalar
 * parameters alone the sum is put off to the parameter's gradient, which sums anyway: until then it has one unreduced
 * cotangent for every shape it met. Any other scalar differs from sequence to sequence and gets its sum here.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, type NodeId, type Term } from '../ir/graph.js';
import { inherited } from '../ir/walk.js';

interface Gathered {
  rest: NodeId | undefined;
  readonly carried: Term[];
  readonly seeded: Term[];
}

export class Cotangents {
  private readonly byNode = new Map<NodeId, Map<string, Gathered>>();
  private readonly isCarried: (id: NodeId) => boolean;
  /** Whether a scalar is made of scalar parameters and constants by per-unit operations. */
  private readonly isOfParameters: (id: NodeId) => boolean;

  constructor(
    private readonly builder: GraphBuilder,
    private readonly differentiable: ReadonlySet<NodeId>,
  ) {
    this.isCarried = inherited((id, known) => {
      const node = builder.node(id);
      return node.op === 'carry' || argumentsOf(node).some(known);
    });
    this.isOfParameters = inherited((id, known) => {
      const node = builder.node(id);
      const leaf = node.op === 'param' || node.op === 'constant' || node.op === 'extent';
      return node.shape.length === 0 && (leaf || (isApply(node) && node.args.every(known)));
    });
  }

  add(target: NodeId, unreduced: NodeId): void {
    const cotangent = this.reduced(target, unreduced);
    const gathered = this.gathered(target, this.builder.node(cotangent).shape.join());
    if (!gathered) return;
    const { span } = this.builder.node(target);
    gathered.rest = gathered.rest === undefined ? cotangent : this.builder.apply('add', [gathered.rest, cotangent], span);
  }

  addProduct(target: NodeId, term: Term): void {
    const gathered = this.gathered(target, this.builder.node(target).shape.join());
    gathered?.[this.isCarried(term.operand) ? 'carried' : 'seeded'].push(term);
  }

  /** The complete cotangents of a node: one, or for a scalar one for each shape. */
  of(target: NodeId): NodeId[] {
    const { shape, span } = this.builder.node(target);
    return [...(this.byNode.get(target)?.values() ?? [])].map(({ rest, carried, seeded }) => {
      const products = [carried, seeded]
        .filter((terms) => terms.length > 0)
        .map((terms) => this.builder.product(terms, shape, span));
      const parts = rest === undefined ? products : [rest, ...products];
      return parts.reduce((sum, part) => this.builder.apply('add', [sum, part], span));
    });
  }

  /** The cotangent summed over the units that a scalar was spread over. */
  private reduced(target: NodeId, cotangent: NodeId): NodeId {
    const { shape, span } = this.builder.node(target);
    const given = this.builder.node(cotangent).shape;
    if (shape.length > 0 || given.length === 0 || !this.differentiable.has(target) || this.isOfParameters(target))
      return cotangent;
    return this.builder.reduce('sum', cotangent, [...given.keys()], span);
  }

  private gathered(target: NodeId, shape: string): Gathered | undefined {
    if (!this.differentiable.has(target)) return undefined;
    const byShape = this.byNode.get(target) ?? new Map<string, Gathered>();
    this.byNode.set(target, byShape);
    const gathered = byShape.get(shape) ?? { rest: undefined, carried: [], seeded: [] };
    byShape.set(shape, gathered);
    return gathered;
  }
}
