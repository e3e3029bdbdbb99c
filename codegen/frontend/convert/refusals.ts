/** Reports for expressions that are not in the language, and what stands in for them. */
import { type CallExpression, type Expression as ExpressionNode, Node, SyntaxKind } from 'ts-morph';
import { didYouMean } from '../../suggest.js';
import { insteadOf } from '../language/foreign.js';
import { VALUE_EXPORTS } from '../language/vocabulary.js';
import type { Expression } from '../tree.js';
import { type Context, knownNames, span } from './context.js';

/** Reports and stands in for the expression. */
export function refuse(
  context: Context,
  node: Node,
  ...[code, message, fix]: [Parameters<Context['report']>[0], string, string]
): Expression {
  const at = span(context, node);
  context.report(code, at, message, fix);
  return context.recovery.poison(at);
}

export function specOf({ layers }: Context): 'cell' | 'model' {
  return layers === undefined ? 'cell' : 'model';
}

export function refuseDeclarator(context: Context, node: Node, name: string): Expression {
  return refuse(
    context,
    node,
    'SPEC-MISPLACED',
    `\`${name}\` declares part of a ${specOf(context)} and is no value`,
    name === 'cell' || name === 'model'
      ? `Write one \`export default ${name}({ … })\` per file.`
      : `Use \`${name}\` only in the ${specOf(context)}'s own properties.`,
  );
}

/** Refuses a call of one of the names `wanted` that is written as it should be and not imported; whether it was one. */
export function refuseUnimported(context: Context, call: CallExpression, wanted: (name: string) => boolean): boolean {
  const callee = call.getExpression();
  const name = callee.getText();
  if (!Node.isIdentifier(callee) || !wanted(name) || context.module.names.has(name)) return false;
  refuseUnknown(context, callee, name);
  return true;
}

const DECLARE = 'Declare it with `const`, or import it.';
const WRITE_FUNCTION = 'Write it as a `function` of this file, or import it; docs/language.md has all functions of `recurve`.';

/** Whether it is what a call calls. */
function isCalled(node: Node): boolean {
  const parent = node.getParent();
  return Node.isCallExpression(parent) && parent.getExpression() === node;
}

export function refuseUnknown(context: Context, node: Node, name: string): Expression {
  if (name === 'Infinity' || name === 'NaN') {
    const fix = 'Write a finite number; `min`, `max` and `clamp` set bounds.';
    return refuse(context, node, 'SPEC-NONFINITE', `\`${name}\` is not a number that a cell can hold`, fix);
  }
  if (context.layers !== undefined && (name === 'T' || name === 'B' || name === 't')) {
    const what = { T: 'the number of steps', B: 'the number of sequences', t: 'the number of a step' }[name];
    const fix =
      name === 'B'
        ? 'Remove it: `run` is about one sequence.'
        : "`mean(x, 'T')` knows how long each sequence is; `t` is known in the step of a cell.";
    return refuse(context, node, 'SPEC-TIME-VALUE', `${what}, \`${name}\`, is not known in a model`, fix);
  }
  if (name === 'T' || name === 'B') {
    const what = name === 'T' ? 'steps' : 'sequences';
    const fix =
      name === 'T'
        ? 'The number of this step is `t`, of the fourth parameter: `step({ x }, { h }, p, { t })`. For a fraction of the sequence take an input.'
        : 'Remove it: a step is about one sequence.';
    return refuse(context, node, 'SPEC-TIME-VALUE', `the number of ${what}, \`${name}\`, is not known in a step`, fix);
  }
  if (name === 'undefined') {
    return refuse(
      context,
      node,
      'SPEC-EXPRESSION',
      '`undefined` is not in the language',
      'Write 0, or use `when` to leave a parameter out.',
    );
  }
  if (name === 't') {
    const fix = 'It is in the fourth parameter: `step({ x }, { h }, p, { t })`.';
    return refuse(context, node, 'SPEC-TIME-VALUE', 'the number of the step, `t`, is not declared here', fix);
  }
  const fix = VALUE_EXPORTS.includes(name)
    ? `Add \`${name}\` to \`import { … } from 'recurve'\`.`
    : (insteadOf(name) ??
      didYouMean(name, [...knownNames(context), ...VALUE_EXPORTS], isCalled(node) ? WRITE_FUNCTION : DECLARE));
  return refuse(context, node, 'SPEC-UNKNOWN-NAME', `nothing called \`${name}\` is declared here`, fix);
}

export function refuseOptional(context: Context, node: Node): Expression {
  const fix = 'Write `p.W`; choose with `o.option ? … : …` where a parameter may be absent.';
  return refuse(
    context,
    node,
    'SPEC-EXPRESSION',
    '`?.` is not in the language: whether a value exists is known when compiling',
    fix,
  );
}

export function refuseSpread(context: Context, node: Node): Expression {
  return refuse(context, node, 'SPEC-SPREAD', '`...` is not in the language', 'Write every name out.');
}

export function refuseMethod(context: Context, node: Node): Expression {
  const fix = 'Write a helper function at module level.';
  return refuse(context, node, 'SPEC-FUNCTION-VALUE', 'objects in a step hold values, not functions', fix);
}

export function refuseOther(context: Context, node: ExpressionNode): Expression {
  if (Node.isNewExpression(node)) {
    const fix = 'Use numbers, objects `{ … }` and arrays `[ … ]`; state lives in `state`.';
    return refuse(context, node, 'SPEC-NEW', 'objects are not made with `new` in a spec', fix);
  }
  if (Node.isAwaitExpression(node) || Node.isYieldExpression(node)) {
    const fix = 'Remove it: a step is one formula, and time is the compiler’s.';
    return refuse(context, node, 'SPEC-ASYNC', 'a step computes its values at once, it waits for nothing', fix);
  }
  if (Node.isArrowFunction(node) || Node.isFunctionExpression(node) || Node.isClassExpression(node)) {
    const fix = 'Move it to module level and call it by name.';
    return refuse(context, node, 'SPEC-FUNCTION-VALUE', 'functions inside functions are not in the language', fix);
  }
  if (Node.isSpreadElement(node)) return refuseSpread(context, node);
  if (Node.isTemplateExpression(node) || Node.isTaggedTemplateExpression(node)) {
    return refuse(context, node, 'SPEC-EXPRESSION', 'a template is not in the language', "Write a plain string, e.g. 'H'.");
  }
  if (Node.isPostfixUnaryExpression(node)) {
    return refuse(
      context,
      node,
      'SPEC-OPERATOR',
      `\`${node.getText().slice(-2)}\` is not in the language`,
      'Write `x = x + 1;` as a statement of its own.',
    );
  }
  const names: Partial<Record<SyntaxKind, string>> = {
    [SyntaxKind.RegularExpressionLiteral]: 'a regular expression',
    [SyntaxKind.NullKeyword]: '`null`',
    [SyntaxKind.ThisKeyword]: '`this`',
    [SyntaxKind.BigIntLiteral]: 'a big integer',
    [SyntaxKind.TypeOfExpression]: '`typeof`',
    [SyntaxKind.VoidExpression]: '`void`',
    [SyntaxKind.DeleteExpression]: '`delete`',
    [SyntaxKind.OmittedExpression]: 'a hole in an array',
  };
  const what = names[node.getKind()] ?? 'this expression';
  const fix = 'Use numbers, the parameters of `step`, arithmetic and the functions of `recurve`.';
  return refuse(context, node, 'SPEC-EXPRESSION', `${what} is not in the language`, fix);
}
