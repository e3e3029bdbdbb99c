/** `over('T', vec('I'))`: an input of a model that is there at every step of a time axis. */
import { type Expression as ExpressionNode, Node } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { type Context, span } from '../convert/context.js';
import { refuse, refuseUnimported } from '../convert/refusals.js';
import { unwrap } from '../source/syntax.js';
import type { Declaration } from '../tree.js';

interface Timed {
  /** What there is at each step, or all of it where there is no time. */
  readonly value: ExpressionNode;
  readonly time: Declaration['time'];
}

/**
 * @param what an `input`, `state` or `parameter`
 * @param times the time axes that it can be over; `undefined` where there are none, in a cell or of a parameter
 */
export function readOver(
  context: Context,
  what: string,
  name: string,
  node: ExpressionNode,
  times: readonly string[] | undefined,
): Timed | undefined {
  if (!Node.isCallExpression(node)) return { value: node, time: undefined };
  if (refuseUnimported(context, node, (callee) => callee === 'over')) return undefined;
  if (!isOver(context, node)) return { value: node, time: undefined };
  if (times === undefined) {
    const [because, fix] =
      context.layers === undefined
        ? ['every value of a cell is that of one step', "Write `vec('I')`: a cell is run at every step as it is."]
        : ['a parameter is the same at every step', "Write `vec('I')`."];
    return refused(context, node, 'SPEC-OVER', `the ${what} \`${name}\` is over a time axis, and ${because}`, fix);
  }
  const [axisNode, valueNode, ...more] = node.getArguments().filter(Node.isExpression).map(unwrap);
  if (axisNode === undefined || valueNode === undefined || more.length > 0) {
    const fix = "Write `over('T', vec('I'))`; settings are those of the vector: `over('T', vec('I', { when: … }))`.";
    return refused(context, node, 'SPEC-ARGUMENTS', '`over` takes a time axis and what there is at each of its steps', fix);
  }
  if (!Node.isStringLiteral(axisNode) && !Node.isNoSubstitutionTemplateLiteral(axisNode)) {
    return refused(
      context,
      axisNode,
      'SPEC-OVER',
      `the time axis of \`${name}\` is not a string`,
      "Write `over('T', vec('I'))`.",
    );
  }
  if (Node.isCallExpression(valueNode) && isOver(context, valueNode)) {
    const fix = "Write `over('T', vec('I'))`: what there is at a step is over units.";
    return refused(context, valueNode, 'SPEC-OVER', `the ${what} \`${name}\` is over two time axes`, fix);
  }
  const axis = axisNode.getLiteralValue();
  if (!times.includes(axis)) {
    const known =
      times.length === 0 ? "List it: `times: ['T']`." : `The time axes are ${listNames(times)}; others are listed in \`times\`.`;
    const fix = didYouMean(axis, times, known);
    return refused(context, axisNode, 'SPEC-TIME-UNKNOWN', `the model has no time axis \`${axis}\``, fix);
  }
  return { value: valueNode, time: { name: axis, span: span(context, axisNode) } };
}

function refused(context: Context, ...report: Parameters<typeof refuse> extends [unknown, ...infer R] ? R : never): undefined {
  refuse(context, ...report);
  return undefined;
}

function isOver(context: Context, call: Node): boolean {
  const callee = Node.isCallExpression(call) ? call.getExpression() : undefined;
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  return binding?.kind === 'declarator' && binding.name === 'over';
}
