/** Statements and function bodies: const and let, static if, counted for, return. */
import {
  type ExpressionStatement,
  type MethodDeclaration,
  Node,
  type Statement as StatementNode,
  SyntaxKind,
  VariableDeclarationKind,
  type VariableStatement,
} from 'ts-morph';
import { didYouMean } from '../../suggest.js';
import type { FunctionNode } from '../source/module.js';
import { unwrap } from '../source/syntax.js';
import type { BinaryOperator, Expression, FunctionTree, Statement } from '../tree.js';
import { type Context, span } from './context.js';
import { convertExpression } from './expression.js';
import { convertFor } from './loop.js';
import { convertPattern, declarePattern } from './pattern.js';
import { refuse } from './refusals.js';
import { Scope } from './scope.js';

/** A step or a helper. Its own scope sees the module's names, not the caller's. */
export function convertFunction(outer: Context, name: string, node: FunctionNode | MethodDeclaration): FunctionTree {
  const context: Context = { ...outer, scope: new Scope(undefined, 'plain') };
  const at = span(context, Node.isArrowFunction(node) ? node : (node.getNameNode() ?? node));
  if (node.isAsync() || (!Node.isArrowFunction(node) && node.isGenerator())) {
    const fix = 'Remove `async` and `*`: a step computes its values at once.';
    context.report('SPEC-ASYNC', at, `\`${name}\` is asynchronous or a generator`, fix);
  }
  const parameters = node.getParameters().map((parameter) => {
    if (parameter.isRestParameter())
      refuse(context, parameter, 'SPEC-SPREAD', '`...` is not in the language', 'Name every parameter.');
    else if (parameter.hasInitializer()) {
      refuse(context, parameter, 'SPEC-PATTERN', 'parameters have no default values', 'Give the value at every call.');
    }
    const pattern = convertPattern(context, parameter.getNameNode());
    declarePattern(context, pattern, 'parameter');
    return pattern;
  });
  const body = node.getBody();
  if (Node.isExpression(body)) {
    const value = convertExpression(context, body);
    return { name, parameters, body: [{ kind: 'return', value, span: value.span }], span: at };
  }
  const statements = Node.isBlock(body) ? convertBlock(context, body.getStatements()) : [];
  return { name, parameters, body: statements, span: at };
}

/** The statements of one block, in the scope of `context`. */
export function convertBlock(context: Context, nodes: readonly StatementNode[]): Statement[] {
  for (const node of nodes) {
    if (!Node.isVariableStatement(node)) continue;
    for (const declaration of node.getDeclarations()) {
      for (const identifier of identifiersOf(declaration.getNameNode())) context.scope.announce(identifier);
    }
  }
  const statements: Statement[] = [];
  for (const [index, node] of nodes.entries()) {
    statements.push(...convertStatement(context, node));
    const next = nodes[index + 1];
    if (Node.isReturnStatement(node) && next !== undefined) {
      refuse(context, next, 'SPEC-UNREACHABLE', 'nothing behind a `return` is computed', 'Remove it, or move the `return` down.');
      break;
    }
  }
  return statements;
}

function identifiersOf(name: Node): string[] {
  if (Node.isIdentifier(name)) return [name.getText()];
  if (!Node.isObjectBindingPattern(name) && !Node.isArrayBindingPattern(name)) return [];
  return name.getElements().flatMap((element) => (Node.isBindingElement(element) ? identifiersOf(element.getNameNode()) : []));
}

/** The statements inside `if (…) …` or `for (…) …`, in a scope of their own. */
export function convertInner(context: Context, node: StatementNode | undefined, kind: 'branch' | 'plain'): Statement[] {
  if (node === undefined) return [];
  const inner: Context = { ...context, scope: new Scope(context.scope, kind), depth: context.depth + 1 };
  return convertBlock(inner, Node.isBlock(node) ? node.getStatements() : [node]);
}

function convertStatement(context: Context, node: StatementNode): Statement[] {
  const at = span(context, node);
  if (Node.isVariableStatement(node)) return convertVariables(context, node);
  if (Node.isExpressionStatement(node)) return convertAssignment(context, node);
  if (Node.isReturnStatement(node)) {
    const value = node.getExpression();
    if (value === undefined) {
      refuse(context, node, 'SPEC-NO-RETURN', 'this `return` gives no value', 'Write `return value;`.');
      return [{ kind: 'return', value: context.recovery.poison(at), span: at }];
    }
    return [{ kind: 'return', value: convertExpression(context, value), span: at }];
  }
  if (Node.isIfStatement(node)) {
    return [
      {
        kind: 'if',
        test: convertExpression(context, node.getExpression()),
        // biome-ignore lint/suspicious/noThenProperty: the tree's own field
        then: convertInner(context, node.getThenStatement(), 'branch'),
        otherwise: convertInner(context, node.getElseStatement(), 'branch'),
        span: at,
      },
    ];
  }
  if (Node.isForStatement(node)) return convertFor(context, node, (inner) => convertInner(inner, node.getStatement(), 'plain'));
  if (Node.isEmptyStatement(node) || Node.isTypeAliasDeclaration(node) || Node.isInterfaceDeclaration(node)) return [];
  refuseStatement(context, node);
  return [];
}

function refuseStatement(context: Context, node: StatementNode): void {
  if (Node.isForOfStatement(node) || Node.isForInStatement(node)) {
    const items = node.getExpression().getText();
    const shown = items.length > 40 || items.includes('\n') ? 'items' : items;
    const fix = `Count: \`for (let k = 0; k < 3; k++)\`, and take \`${shown}[k]\` in it.`;
    const word = Node.isForOfStatement(node) ? '`for … of`' : '`for … in`';
    refuse(context, node, 'SPEC-FOR-OF', `${word} is not in the language: a \`for\` counts between constants`, fix);
    return;
  }
  if (Node.isWhileStatement(node) || Node.isDoStatement(node)) {
    const fix = 'Write `for (let k = 0; k < 3; k++)` with constant bounds; it is unrolled.';
    refuse(context, node, 'SPEC-WHILE', 'a loop whose length is not a constant cannot be compiled', fix);
    return;
  }
  if (Node.isFunctionDeclaration(node) || Node.isClassDeclaration(node)) {
    const name = node.getName();
    if (name !== undefined) context.scope.declare(name, 'const', span(context, node));
    const fix = 'Move it to module level and call it by name.';
    refuse(context, node, 'SPEC-FUNCTION-VALUE', 'functions inside functions are not in the language', fix);
    return;
  }
  const words: Partial<Record<SyntaxKind, [string, string]>> = {
    [SyntaxKind.SwitchStatement]: ['`switch`', 'Write `if (o.option === …)` for each case.'],
    [SyntaxKind.BreakStatement]: ['`break`', 'Give the `for` its exact bounds.'],
    [SyntaxKind.ContinueStatement]: ['`continue`', 'Put the rest of the body into a static `if`.'],
    [SyntaxKind.ThrowStatement]: ['`throw`', 'Restrict the option instead, e.g. `real(0, { min: 0 })`.'],
    [SyntaxKind.TryStatement]: ['`try`', 'Remove it: nothing in a step can throw.'],
    [SyntaxKind.Block]: ['a block of its own', 'Remove the braces.'],
  };
  const [what, fix] = words[node.getKind()] ?? ['this statement', 'Use `const`, static `if`, counted `for` and `return`.'];
  refuse(context, node, 'SPEC-STATEMENT', `${what} is not in the language`, fix);
}

function convertVariables(context: Context, node: VariableStatement): Statement[] {
  const kind = node.getDeclarationKind();
  if (kind === VariableDeclarationKind.Var) {
    refuse(context, node, 'SPEC-VAR', '`var` is not in the language', 'Write `const`.');
  } else if (kind !== VariableDeclarationKind.Const && kind !== VariableDeclarationKind.Let) {
    refuse(context, node, 'SPEC-STATEMENT', `\`${kind}\` is not in the language`, 'Write `const`.');
  }
  const mutable = kind === VariableDeclarationKind.Let;
  return node.getDeclarations().map((declaration): Statement => {
    const at = span(context, declaration);
    const initializer = declaration.getInitializer();
    // The value cannot see the name it is for, so it is converted first.
    let value: Expression;
    if (initializer !== undefined) value = convertExpression(context, initializer);
    else {
      const fix = mutable ? 'Give it a start value, or choose with `?:`.' : 'Give it a value.';
      value = refuse(context, declaration, 'SPEC-NO-VALUE', `\`${declaration.getName()}\` has no value`, fix);
    }
    const pattern = convertPattern(context, declaration.getNameNode());
    declarePattern(context, pattern, mutable ? 'let' : 'const');
    return { kind: 'declare', mutable, pattern, value, span: at };
  });
}

const COMPOUND: Readonly<Record<string, BinaryOperator>> = { '+=': '+', '-=': '-', '*=': '*', '/=': '/', '%=': '%', '**=': '**' };

function convertAssignment(context: Context, statement: ExpressionStatement): Statement[] {
  const node = unwrap(statement.getExpression());
  const operator = Node.isBinaryExpression(node) ? node.getOperatorToken().getText() : '';
  if (!Node.isBinaryExpression(node) || (operator !== '=' && !Object.hasOwn(COMPOUND, operator))) {
    if (Node.isPostfixUnaryExpression(node) || (Node.isPrefixUnaryExpression(node) && /^(\+\+|--)/.test(node.getText()))) {
      const name = node.getOperand().getText();
      const fix = `Write \`${name} = ${name} ${node.getText().includes('++') ? '+' : '-'} 1;\`.`;
      refuse(context, node, 'SPEC-OPERATOR', '`++` and `--` only count a `for`', fix);
      return [];
    }
    if (!context.recovery.isPoison(convertExpression(context, node))) {
      refuse(
        context,
        node,
        'SPEC-NO-EFFECT',
        'the value of this expression is dropped',
        'Give it a name with `const`, or remove it.',
      );
    }
    return [];
  }
  const right = convertExpression(context, node.getRight());
  const target = unwrap(node.getLeft());
  if (!Node.isIdentifier(target)) {
    const fix = 'Declare a `const`, and return the new value of a state from `step`.';
    refuse(context, target, 'SPEC-ASSIGN-TARGET', 'only a `let` of this function can be assigned to', fix);
    return [];
  }
  const name = target.getText();
  if (!checkTarget(context, target, name)) return [];
  const at = span(context, node);
  const compound = COMPOUND[operator];
  const value: Expression =
    compound === undefined
      ? right
      : { kind: 'binary', operator: compound, left: { kind: 'name', name, span: span(context, target) }, right, span: at };
  return [{ kind: 'assign', name, value, span: at }];
}

/** Whether `name` is a `let` that may be assigned here; reports why not. */
function checkTarget(context: Context, target: Node, name: string): boolean {
  const local = context.scope.find(name);
  if (local === 'later') {
    refuse(
      context,
      target,
      'SPEC-BEFORE-DECLARATION',
      `\`${name}\` is assigned before it is declared`,
      'Move its declaration above this line.',
    );
    return false;
  }
  if (local === undefined) {
    if (context.module.names.get(name)?.kind === 'poison') return false;
    if (context.module.names.has(name)) {
      refuse(
        context,
        target,
        'SPEC-ASSIGN-CONST',
        `\`${name}\` belongs to the module and does not change`,
        'Keep the value in a `let` of this function, or in a state.',
      );
    } else {
      const fix = didYouMean(name, context.scope.names(), `Declare it: \`let ${name} = …;\`.`);
      refuse(context, target, 'SPEC-UNKNOWN-NAME', `nothing called \`${name}\` is declared here`, fix);
    }
    return false;
  }
  if (local.kind !== 'let') {
    const what = { const: 'a constant', parameter: 'a parameter', counter: 'the counter of a `for`' }[local.kind];
    refuse(
      context,
      target,
      'SPEC-ASSIGN-CONST',
      `\`${name}\` is ${what} and does not change`,
      'Give the new value a name of its own.',
    );
    return false;
  }
  if (context.scope.crossesBranch(local.scope)) {
    const fix = `Write \`const ${name} = test ? … : …;\`.`;
    refuse(context, target, 'SPEC-ASSIGN-IN-BRANCH', `\`${name}\` is reassigned inside an \`if\``, fix);
    return false;
  }
  return true;
}
