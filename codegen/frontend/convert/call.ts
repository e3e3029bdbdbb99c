/** Calls: functions of the language, helpers (converted when first called), and what neither is. */
import { type CallExpression, type Expression as ExpressionNode, type Identifier, Node } from 'ts-morph';
import { didYouMean } from '../../suggest.js';
import { insteadOf } from '../language/foreign.js';
import { BUILTINS, isBuiltin, isModelFunction, isStructural, MODEL_FUNCTIONS, STRUCTURAL } from '../language/vocabulary.js';
import type { Binding } from '../source/module.js';
import { unwrap } from '../source/syntax.js';
import type { Expression } from '../tree.js';
import { type Context, nameOfKey, span } from './context.js';
import { refuse, refuseDeclarator, refuseUnknown } from './refusals.js';

/** A call whose arguments are converted; `convert` makes the callee of a layer an expression. */
export function convertCall(
  context: Context,
  node: CallExpression,
  args: readonly Expression[],
  convert: (callee: ExpressionNode) => Expression,
): Expression {
  const callee = unwrap(node.getExpression());
  if (Node.isPropertyAccessExpression(callee)) {
    const object = unwrap(callee.getExpression());
    if (Node.isIdentifier(object) && object.getText() === 'Math') return refuseMath(context, node, callee.getName());
    if (Node.isIdentifier(object) && isConsole(context, object)) {
      const fix = 'Remove it. `recurve gradients <cell> --trace h` shows a value of the step over time.';
      return refuse(context, node, 'SPEC-CONSOLE', `\`${callee.getText()}\` prints nothing: a spec is read, never executed`, fix);
    }
    if (context.layers === undefined || isMethod(context.layers, callee.getName()))
      return refuseMethodCall(context, node, callee.getName());
    return layerCall(context, node, args, convert);
  }
  if (context.layers !== undefined && Node.isElementAccessExpression(callee)) return layerCall(context, node, args, convert);
  if (!Node.isIdentifier(callee)) {
    return refuse(
      context,
      callee,
      'SPEC-NOT-CALLABLE',
      'only named functions can be called',
      'Call a function of `recurve` or a helper by its name.',
    );
  }
  const name = callee.getText();
  if (context.scope.find(name) !== undefined)
    return context.layers === undefined ? refuseNotCallable(context, callee, name) : layerCall(context, node, args, convert);
  const binding = context.module.names.get(name);
  switch (binding?.kind) {
    case 'builtin':
      return builtin(context, node, binding.name, args);
    case 'helper':
      return helper(context, node, binding, args);
    case 'constant':
      return refuseNotCallable(context, callee, name);
    case 'declarator':
      return refuseDeclarator(context, callee, name);
    case 'cell': {
      const fix = `Declare a layer, \`layers: { first: layer(${name}, { … }) },\`, and call that: \`first({ x })\`.`;
      return refuse(context, callee, 'SPEC-NOT-CALLABLE', `\`${name}\` is a cell, and what is called is a layer`, fix);
    }
    case 'poison':
      return context.recovery.poison(span(context, node));
    default:
      return refuseUnknown(context, callee, name);
  }
}

/** A member that is called and is no layer: `x.mean()`, `items.map(…)`. */
function isMethod(layers: ReadonlySet<string>, name: string): boolean {
  return !layers.has(name) && (isBuiltin(name) || isModelFunction(name) || ITERATING.includes(name));
}

/** What is called in a model that is no function is a layer, which evaluation sees. */
function layerCall(
  context: Context,
  node: CallExpression,
  args: readonly Expression[],
  convert: (callee: ExpressionNode) => Expression,
): Expression {
  const at = span(context, node);
  const callee = unwrap(node.getExpression());
  if (args.length < 1 || args.length > 2) {
    const message = `a layer takes ${arguments_('1 or 2')}, its inputs and its settings, not ${args.length}`;
    return refuse(context, node, 'SPEC-ARGUMENTS', message, `Write \`${callee.getText()}({ x }, { state: { h } })\`.`);
  }
  return { kind: 'call', callee: convert(callee), args, span: at };
}

function builtin(context: Context, node: CallExpression, name: string, args: readonly Expression[]): Expression {
  const inModel = context.layers !== undefined;
  if (isModelFunction(name) && !inModel) {
    const fix =
      name === 'shift' ? 'Write `delay(x, 1)` for what was; only a model sees what comes.' : 'Only a model sees whole sequences.';
    return refuse(
      context,
      node,
      'SPEC-MODEL-FUNCTION',
      `\`${name}\` is about a whole sequence, and a step sees one step of it`,
      fix,
    );
  }
  if (name === 'delay' && inModel) {
    const fix = 'Write `shift(x, -1)` for what was a step ago.';
    return refuse(context, node, 'SPEC-DELAY', '`delay` is about the steps of a cell, and `run` is about whole sequences', fix);
  }
  const [least, most] = isModelFunction(name) ? MODEL_FUNCTIONS[name].arguments : (BUILTINS[name] ?? [0, 0]);
  if (args.length < least || args.length > most) {
    const wanted = least === most ? `${least}` : Number.isFinite(most) ? `${least} or ${most}` : `at least ${least}`;
    const written = isStructural(name) ? STRUCTURAL[name].usage : isModelFunction(name) ? MODEL_FUNCTIONS[name].usage : undefined;
    const usage = written === undefined ? `Give it ${wanted}.` : `Write \`${written}\`.`;
    return refuse(context, node, 'SPEC-ARGUMENTS', `\`${name}\` takes ${arguments_(wanted)}, not ${args.length}`, usage);
  }
  const at = span(context, node);
  const [test, then, otherwise] = args;
  if (name === 'select' && test !== undefined && then !== undefined && otherwise !== undefined) {
    return { kind: 'conditional', test, then, otherwise, span: at };
  }
  return { kind: 'builtin', name, args, span: at };
}

function arguments_(count: string): string {
  return `${count} argument${count === '1' ? '' : 's'}`;
}

function helper(
  context: Context,
  node: CallExpression,
  binding: Extract<Binding, { kind: 'helper' }>,
  args: readonly Expression[],
): Expression {
  const at = span(context, node);
  const { key } = binding;
  if (context.library.open.includes(key)) {
    const path = context.library.open.slice(context.library.open.indexOf(key));
    const cycle = [...path, key].map(nameOfKey).join(' → ');
    const fix = 'Write a `for` with constant bounds: helpers are inlined, so they cannot call themselves.';
    return refuse(context, node, 'SPEC-RECURSION', `helpers call themselves: ${cycle}`, fix);
  }
  const tree = helperTree(context, binding);
  if (tree.parameters.length !== args.length) {
    const name = nameOfKey(key);
    return refuse(
      context,
      node,
      'SPEC-ARGUMENTS',
      `\`${name}\` takes ${arguments_(`${tree.parameters.length}`)}, not ${args.length}`,
      `Give every parameter of \`${name}\` a value.`,
    );
  }
  return { kind: 'helper', key, args, span: at };
}

/** The converted helper; converts it when it is met for the first time. */
export function helperTree(context: Context, { key, node, module }: Extract<Binding, { kind: 'helper' }>) {
  const known = context.library.helpers.get(key);
  if (known !== undefined) return known;
  context.library.open.push(key);
  const tree = context.library.convertHelper({ ...context, module, depth: 0 }, nameOfKey(key), node);
  context.library.open.pop();
  context.library.helpers.set(key, tree);
  return tree;
}

function refuseNotCallable(context: Context, callee: Node, name: string): Expression {
  const fix = didYouMean(
    name,
    [...context.module.names.keys()].filter((known) => known !== name),
    'To multiply, write `*`; to call a function, rename this value.',
  );
  return refuse(context, callee, 'SPEC-NOT-CALLABLE', `\`${name}\` is a value, not a function`, fix);
}

const NOISE = 'A step is a function of its inputs: take the noise as an input.';

function refuseMath(context: Context, node: CallExpression, name: string): Expression {
  const args = node.getArguments().map((argument) => argument.getText());
  const call = `${name}(${args.join(', ')})`;
  const fix = isBuiltin(name)
    ? `Write \`${call.length > 60 ? `${name}(…)` : call}\`, imported from \`recurve\`.`
    : ((name === 'random' ? NOISE : insteadOf(name)) ??
      didYouMean(name, Object.keys(BUILTINS), 'Write it with the functions of `recurve`.'));
  return refuse(context, node, 'SPEC-MATH', `\`Math.${name}\` is not in the language`, fix);
}

/** Unless something of that name is declared. */
function isConsole(context: Context, object: Identifier): boolean {
  const name = object.getText();
  return name === 'console' && context.scope.find(name) === undefined && !context.module.names.has(name);
}

/** What arrays can do elsewhere. */
const ITERATING: readonly string[] = ['forEach', 'map', 'reduce', 'filter', 'every', 'some'];

function refuseMethodCall(context: Context, node: CallExpression, name: string): Expression {
  const fix = isBuiltin(name)
    ? `Write \`${name}(…)\`, imported from \`recurve\`.`
    : ITERATING.includes(name)
      ? 'Write `for (let k = 0; k < 3; k++)` with constant bounds and take the item `a[k]`.'
      : (insteadOf(name) ?? 'Call a function of `recurve` or a helper: `f(x)`, not `x.f()`.');
  return refuse(
    context,
    node,
    'SPEC-METHOD-CALL',
    `\`.${name}()\` is a method call, and values of a ${context.layers === undefined ? 'step' : 'model'} have no methods`,
    fix,
  );
}
