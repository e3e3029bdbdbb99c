/**
 * Reverse-mode differentiation of the step graph by rule.
 *
 * The cotangent of a state after the step is `carry` (from the steps behind it) plus its output sequence's
 * `seed`. Walking the nodes backwards gives the cotangent of the state before the step, of the inputs, and what
 * this step adds to every parameter's gradient.
 */
import type { GraphBuilder } from '../ir/builder.js';
import { argumentsOf, isApply, isContract, type Node, type NodeId, type StepGraph } from '../ir/graph.js';
import { ops, type RuleBuilder } from '../ir/ops.js';
import { Cotangents } from './cotangents.js';

/** One addend of a parameter's gradient, summed over steps and sequences. */
export type GradientTerm =
  /** Matrix: left · rightᵀ. */
  | { readonly kind: 'outer'; readonly left: NodeId; readonly right: NodeId }
  /** Vector: the value itself; scalar: summed over its units too. */
  | { readonly kind: 'sum'; readonly value: NodeId };

export interface AdjointGraph {
  /** Forward nodes first, as they were, then the adjoint's. */
  readonly builder: GraphBuilder;
  readonly step: StepGraph;
  /** Cotangent of every state before the step. */
  readonly state: Readonly<Record<string, NodeId>>;
  readonly inputs: Readonly<Record<string, NodeId>>;
  /** Parameters that the results do not depend on are absent. */
  readonly params: Readonly<Record<string, readonly GradientTerm[]>>;
}

/** The adjoint of a step; `builder` holds the step's nodes and is extended. */
export function adjoint(builder: GraphBuilder, step: StepGraph): AdjointGraph {
  const forward = [...builder.nodes];
  const cotangents = new Cotangents(builder, differentiable(forward));
  const params: Record<string, GradientTerm[]> = {};
  const leaves: Record<'input' | 'state', Record<string, NodeId>> = { input: {}, state: {} };

  for (const [name, id] of Object.entries(step.next)) {
    const { shape, span } = builder.node(id);
    cotangents.add(id, builder.leaf({ op: 'carry', name }, shape, span));
  }
  for (const [name, id] of Object.entries(step.outputs)) {
    const { shape, span } = builder.node(id);
    cotangents.add(id, builder.leaf({ op: 'seed', name }, shape, span));
  }

  for (const node of forward.reverse()) {
    for (const cotangent of cotangents.of(node.id)) propagate(node, cotangent);
  }

  function propagate(node: Node, cotangent: NodeId): void {
    const { span } = node;
    if (isContract(node)) {
      for (const { matrix, transposed, operand } of node.terms) {
        cotangents.addProduct(operand, { matrix, transposed: !transposed, operand: cotangent });
        const [left, right] = transposed ? [operand, cotangent] : [cotangent, operand];
        addTerm(matrix, { kind: 'outer', left, right });
      }
    } else if (isApply(node)) {
      const rule: RuleBuilder = {
        apply: (op, ...args) => builder.apply(op, args, span),
        constant: (value) => builder.constant(value, span),
      };
      ops[node.op].adjoint(rule, node.args, node.id, cotangent).forEach((value, index) => {
        const argument = node.args[index];
        if (value !== undefined && argument !== undefined) cotangents.add(argument, value);
      });
    } else if (node.op === 'param') {
      addTerm(node.name, { kind: 'sum', value: cotangent });
    } else if (node.op === 'input' || node.op === 'state') {
      leaves[node.op][node.name] = cotangent;
    }
  }

  function addTerm(param: string, term: GradientTerm): void {
    const terms = params[param] ?? [];
    params[param] = terms;
    terms.push(term);
  }

  const orZero = (names: readonly string[], found: Record<string, NodeId>) =>
    Object.fromEntries(names.map((name) => [name, found[name] ?? builder.constant(0)]));
  const inputs = forward.flatMap((node) => (node.op === 'input' ? [node.name] : []));
  return { builder, step, state: orZero(Object.keys(step.next), leaves.state), inputs: orZero(inputs, leaves.input), params };
}

/** Which nodes depend on an input, a state or a parameter through numbers. */
function differentiable(nodes: readonly Node[]): ReadonlySet<NodeId> {
  const found = new Set<NodeId>();
  for (const node of nodes) {
    const reaches = isApply(node) ? argumentsOf(node).some((id) => found.has(id)) : node.op !== 'constant';
    if (reaches && node.type === 'number') found.add(node.id);
  }
  return found;
}
