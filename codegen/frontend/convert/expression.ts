/** Expressions: ts-morph nodes to the cell tree, reporting whatever is not in the language. */
import {
  type BinaryExpression,
  type CallExpression,
  type Expression as ExpressionNode,
  type Identifier,
  Node,
  type NumericLiteral,
  type ObjectLiteralExpression,
  type PrefixUnaryExpression,
  SyntaxKind,
} from 'ts-morph';
import { propertyName, unwrap } from '../source/syntax.js';
import type { BinaryOperator, Expression, ObjectEntry } from '../tree.js';
import { convertCall } from './call.js';
import { type Context, deeper, MOST_DEPTH, nameOfKey, span } from './context.js';
import { refuse, refuseDeclarator, refuseMethod, refuseOptional, refuseOther, refuseSpread, refuseUnknown } from './refusals.js';
import { Scope } from './scope.js';

const BINARY: ReadonlySet<string> = new Set<BinaryOperator>([
  '+',
  '-',
  '*',
  '/',
  '%',
  '**',
  '<',
  '<=',
  '>',
  '>=',
  '===',
  '!==',
  '&&',
  '||',
]);

function isBinaryOperator(text: string): text is BinaryOperator {
  return BINARY.has(text);
}

export function convertExpression(outer: Context, node: ExpressionNode): Expression {
  const context = deeper(outer);
  const inner = unwrap(node);
  const at = span(context, inner);
  if (context.depth > MOST_DEPTH) {
    // Both sides of a chain of sums reach the limit; once says it.
    if (!context.recovery.tooDeep)
      context.report(
        'SPEC-TOO-DEEP',
        at,
        `this is nested more than ${MOST_DEPTH} levels deep`,
        'Name parts of it with `const`, or add the terms up in a `for`.',
      );
    context.recovery.tooDeep = true;
    return context.recovery.poison(at);
  }
  if (Node.isNumericLiteral(inner)) return convertNumber(context, inner);
  if (Node.isStringLiteral(inner) || Node.isNoSubstitutionTemplateLiteral(inner)) {
    return { kind: 'string', value: inner.getLiteralValue(), span: at };
  }
  if (Node.isTrueLiteral(inner)) return { kind: 'boolean', value: true, span: at };
  if (Node.isFalseLiteral(inner)) return { kind: 'boolean', value: false, span: at };
  if (Node.isIdentifier(inner)) return convertName(context, inner);
  if (Node.isPropertyAccessExpression(inner)) {
    const object = unwrap(inner.getExpression());
    if (Node.isIdentifier(object) && object.getText() === 'Math' && context.scope.find('Math') === undefined) {
      const fix = 'Write the number, or a constant at module level that holds it.';
      return refuse(context, inner, 'SPEC-MATH', `\`${inner.getText()}\` is not in the language`, fix);
    }
    if (inner.hasQuestionDotToken()) return refuseOptional(context, inner);
    return { kind: 'member', object: convertExpression(context, object), property: inner.getName(), span: at };
  }
  if (Node.isElementAccessExpression(inner)) {
    const index = inner.getArgumentExpression();
    if (inner.hasQuestionDotToken() || index === undefined) return refuseOptional(context, inner);
    const object = convertExpression(context, inner.getExpression());
    return { kind: 'index', object, index: convertExpression(context, index), span: at };
  }
  if (Node.isPrefixUnaryExpression(inner)) return convertUnary(context, inner);
  if (Node.isBinaryExpression(inner)) return convertBinary(context, inner);
  if (Node.isConditionalExpression(inner)) {
    return {
      kind: 'conditional',
      test: convertExpression(context, inner.getCondition()),
      // biome-ignore lint/suspicious/noThenProperty: the tree's own field
      then: convertExpression(context, inner.getWhenTrue()),
      otherwise: convertExpression(context, inner.getWhenFalse()),
      span: at,
    };
  }
  if (Node.isCallExpression(inner)) {
    const args = convertArguments(context, inner);
    return args === undefined
      ? context.recovery.poison(at)
      : convertCall(context, inner, args, (callee) => convertExpression(context, callee));
  }
  if (Node.isObjectLiteralExpression(inner)) return convertObject(context, inner);
  if (Node.isArrayLiteralExpression(inner)) {
    return { kind: 'array', items: inner.getElements().map((item) => convertExpression(context, item)), span: at };
  }
  return refuseOther(context, inner);
}

/** `undefined` where some are spread, which is reported. */
function convertArguments(context: Context, node: CallExpression): Expression[] | undefined {
  const args: Expression[] = [];
  let spread = false;
  for (const argument of node.getArguments()) {
    if (Node.isSpreadElement(argument)) {
      refuseSpread(context, argument);
      spread = true;
    } else if (Node.isExpression(argument)) args.push(convertExpression(context, argument));
  }
  return spread ? undefined : args;
}

/** The value of a numeric literal. ts-morph's own `getLiteralValue` reads `1e-7` as 1. */
export function numberOf(node: NumericLiteral): number {
  return Number(node.compilerNode.text);
}

function convertNumber(context: Context, node: NumericLiteral): Expression {
  const value = numberOf(node);
  if (!Number.isFinite(value)) {
    return refuse(context, node, 'SPEC-NONFINITE', `\`${node.getText()}\` is infinite`, 'Write a number below 3.4e38.');
  }
  return { kind: 'number', value, span: span(context, node) };
}

export function convertName(context: Context, node: Identifier): Expression {
  const name = node.getText();
  const at = span(context, node);
  const local = context.scope.find(name);
  if (local === 'later') {
    const fix = `Move the declaration of \`${name}\` above this line.`;
    return refuse(context, node, 'SPEC-BEFORE-DECLARATION', `\`${name}\` is read before it has a value`, fix);
  }
  if (local !== undefined) return { kind: 'name', name, span: at };
  const binding = context.module.names.get(name);
  if (binding?.kind === 'constant') return convertConstant(context, node, binding);
  if (binding?.kind === 'poison') return context.recovery.poison(at);
  if (binding?.kind === 'builtin' || binding?.kind === 'helper') {
    const fix = `Call it: \`${name}(…)\`. To pick a function, pass a string option and use a static \`if\`.`;
    return refuse(context, node, 'SPEC-FUNCTION-VALUE', `\`${name}\` is a function, and functions are not values`, fix);
  }
  if (binding?.kind === 'declarator') return refuseDeclarator(context, node, name);
  if (binding?.kind === 'cell') {
    if (context.choosesCell) return { kind: 'string', value: binding.file, span: at };
    const fix = `Declare a layer, \`layers: { first: layer(${name}, { … }) },\`, and call that.`;
    return refuse(context, node, 'SPEC-FUNCTION-VALUE', `\`${name}\` is a cell, and cells are no values`, fix);
  }
  return refuseUnknown(context, node, name);
}

/** A constant of a module means its value, wherever it is used. */
function convertConstant(
  context: Context,
  node: Identifier,
  { key, node: value, module }: { key: string; node: ExpressionNode; module: Context['module'] },
): Expression {
  const known = context.library.constants.get(key);
  if (known !== undefined) return known;
  if (context.library.open.includes(key)) {
    const fix = 'Give one of the constants a value of its own.';
    return refuse(context, node, 'SPEC-RECURSION', `the value of \`${nameOfKey(key)}\` depends on itself`, fix);
  }
  context.library.open.push(key);
  const converted = convertExpression({ ...context, module, scope: new Scope(undefined, 'plain'), depth: 0 }, value);
  context.library.open.pop();
  context.library.constants.set(key, converted);
  return converted;
}

function convertUnary(context: Context, node: PrefixUnaryExpression): Expression {
  const token = node.getOperatorToken();
  const operand = () => convertExpression(context, node.getOperand());
  const at = span(context, node);
  if (token === SyntaxKind.PlusToken) return { kind: 'unary', operator: '+', operand: operand(), span: at };
  if (token === SyntaxKind.MinusToken) return { kind: 'unary', operator: '-', operand: operand(), span: at };
  if (token === SyntaxKind.ExclamationToken) return { kind: 'unary', operator: '!', operand: operand(), span: at };
  operand();
  const text = node.getText();
  const step = token === SyntaxKind.PlusPlusToken || token === SyntaxKind.MinusMinusToken;
  const fix = step ? 'Write `x = x + 1;` as a statement of its own.' : 'Use arithmetic, or `!` on a test.';
  return refuse(context, node, 'SPEC-OPERATOR', `\`${text.slice(0, step ? 2 : 1)}\` is not in the language`, fix);
}

const OPERATOR_FIXES: Readonly<Record<string, string>> = {
  '==': 'Write `===`.',
  '!=': 'Write `!==`.',
  '??': 'Write `o.option ? … : …`; every value of a cell is there or not when it is compiled.',
  in: 'Compare an option instead.',
  '^': 'Write `**` for a power; `^` is the exclusive or of bits.',
};

function convertBinary(context: Context, node: BinaryExpression): Expression {
  const operator = node.getOperatorToken().getText();
  const at = span(context, node);
  if (!isBinaryOperator(operator)) {
    if (
      node.getOperatorToken().getKind() !== SyntaxKind.CommaToken &&
      operator.endsWith('=') &&
      !['==', '!='].includes(operator)
    ) {
      return refuse(context, node, 'SPEC-OPERATOR', 'an assignment is not a value', 'Make it a statement of its own.');
    }
    convertExpression(context, node.getLeft());
    convertExpression(context, node.getRight());
    const fix = OPERATOR_FIXES[operator] ?? 'Use + - * / % **, comparisons, && || !, and ?: to choose.';
    return refuse(context, node.getOperatorToken(), 'SPEC-OPERATOR', `\`${operator}\` is not in the language`, fix);
  }
  return {
    kind: 'binary',
    operator,
    left: convertExpression(context, node.getLeft()),
    right: convertExpression(context, node.getRight()),
    span: at,
  };
}

function convertObject(context: Context, node: ObjectLiteralExpression): Expression {
  const entries: ObjectEntry[] = [];
  let whole = true;
  for (const property of node.getProperties()) {
    if (Node.isSpreadAssignment(property)) {
      convertExpression(context, property.getExpression());
      refuseSpread(context, property);
      whole = false;
      continue;
    }
    if (!Node.isPropertyAssignment(property) && !Node.isShorthandPropertyAssignment(property)) {
      refuseMethod(context, property);
      whole = false;
      continue;
    }
    const nameNode = property.getNameNode();
    const name = propertyName(nameNode);
    const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : property.getNameNode();
    const value =
      initializer === undefined ? context.recovery.poison(span(context, property)) : convertExpression(context, initializer);
    if (name === undefined || name === '__proto__') {
      refuse(context, nameNode, 'SPEC-EXPRESSION', 'property names are written out', 'Write `name: value`.');
      whole = false;
    } else if (entries.some((entry) => entry.name === name)) {
      refuse(
        context,
        nameNode,
        'SPEC-DUPLICATE-PROPERTY',
        `\`${name}\` is already given in this object`,
        'Remove one, or rename it.',
      );
    } else {
      entries.push({ name, value, span: span(context, property) });
    }
  }
  const at = span(context, node);
  return whole ? { kind: 'object', entries, span: at } : context.recovery.poison(at);
}
