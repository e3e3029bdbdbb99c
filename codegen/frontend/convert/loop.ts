/** `for (let k = 0; k < 3; k++)`: counted loops, which lowering unrolls. */
import { type ForStatement, Node, SyntaxKind, VariableDeclarationKind } from 'ts-morph';
import { unwrap } from '../source/syntax.js';
import type { Expression, Statement } from '../tree.js';
import { type Context, span } from './context.js';
import { convertExpression } from './expression.js';
import { refuse } from './refusals.js';
import { Scope } from './scope.js';

type Comparison = Extract<Statement, { kind: 'for' }>['comparison'];
const COMPARISONS: Readonly<Record<string, Comparison>> = { '<': '<', '<=': '<=', '>': '>', '>=': '>=' };

/** @param convertBody makes the statements of the body, in a scope inside that of the counter */
export function convertFor(outer: Context, node: ForStatement, convertBody: (context: Context) => Statement[]): Statement[] {
  const context: Context = { ...outer, scope: new Scope(outer.scope, 'plain') };
  const counter = convertCounter(context, node);
  if (counter === undefined) {
    refuse(
      context,
      node,
      'SPEC-FOR-FORM',
      'this `for` does not count one variable from one constant to another',
      'Write `for (let k = 0; k < 3; k++)`; `+=` and `-=` with a constant also count.',
    );
    // Its body is read for mistakes all the same, with whatever the head declares.
    const declarations = node.getInitializer();
    if (Node.isVariableDeclarationList(declarations)) {
      for (const declaration of declarations.getDeclarations()) {
        context.scope.declare(declaration.getName(), 'let', span(context, declaration));
      }
    }
    convertBody(context);
    return [];
  }
  const body = convertBody(context);
  return [{ kind: 'for', ...counter, body, span: span(context, node) }];
}

type Counter = Pick<Extract<Statement, { kind: 'for' }>, 'name' | 'from' | 'comparison' | 'to' | 'step'>;

/** Reads the head and declares the counter; `undefined` when it has another form. */
function convertCounter(context: Context, node: ForStatement): Counter | undefined {
  const list = node.getInitializer();
  if (!Node.isVariableDeclarationList(list) || list.getDeclarationKind() !== VariableDeclarationKind.Let) return undefined;
  const [declaration, ...more] = list.getDeclarations();
  const start = declaration?.getInitializer();
  const nameNode = declaration?.getNameNode();
  if (start === undefined || more.length > 0 || !Node.isIdentifier(nameNode)) return undefined;
  const name = nameNode.getText();
  const condition = node.getCondition();
  const increment = node.getIncrementor();
  if (condition === undefined || increment === undefined) return undefined;
  const test = unwrap(condition);
  if (!Node.isBinaryExpression(test) || unwrap(test.getLeft()).getText() !== name) return undefined;
  const comparison = COMPARISONS[test.getOperatorToken().getText()];
  if (comparison === undefined) return undefined;
  const from = convertExpression(context, start);
  const step = convertStep(context, unwrap(increment), name);
  if (step === undefined) return undefined;
  // The bound is evaluated once, before the first round, so it cannot see the counter.
  const to = convertExpression(context, test.getRight());
  context.scope.declare(name, 'counter', span(context, nameNode));
  return { name, from, comparison, to, step };
}

/** `k++`, `k--`, `k += n`, `k -= n` as a signed step. */
function convertStep(context: Context, node: Node, name: string): Expression | undefined {
  const at = span(context, node);
  if (Node.isPostfixUnaryExpression(node) || Node.isPrefixUnaryExpression(node)) {
    if (unwrap(node.getOperand()).getText() !== name) return undefined;
    if (node.getOperatorToken() === SyntaxKind.PlusPlusToken) return { kind: 'number', value: 1, span: at };
    if (node.getOperatorToken() === SyntaxKind.MinusMinusToken) return { kind: 'number', value: -1, span: at };
    return undefined;
  }
  if (!Node.isBinaryExpression(node) || node.getLeft().getText() !== name) return undefined;
  const operator = node.getOperatorToken().getText();
  if (operator === '+=') return convertExpression(context, node.getRight());
  if (operator !== '-=') return undefined;
  return { kind: 'unary', operator: '-', operand: convertExpression(context, node.getRight()), span: at };
}
