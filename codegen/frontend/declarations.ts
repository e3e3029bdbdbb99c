/** `inputs`, `state` and `params`: tables of `vec`, `mat` and `scalar`, plain or as a function of the options. */
import { type CallExpression, type Expression as ExpressionNode, Node, type ObjectLiteralExpression } from 'ts-morph';
import { didYouMean } from '../suggest.js';
import { type Context, span } from './context.js';
import { convertExpression, propertyName } from './expression.js';
import { refuse, refuseSpread } from './refusals.js';
import { Scope } from './scope.js';
import { unwrap } from './syntax.js';
import type { Declaration, DeclarationGroup, Expression } from './tree.js';
import { badName } from './vocabulary.js';

export type GroupTitle = 'inputs' | 'state' | 'params';

const SHAPES = { vec: 1, mat: 2, scalar: 0 } as const;
type Constructor = keyof typeof SHAPES;

const USAGE: Readonly<Record<Constructor, string>> = {
  vec: "Write `vec('H')`, or `vec('H', { when: … })`.",
  mat: "Write `mat('H', 'I')`: rows, then columns.",
  scalar: 'Write `scalar()`.',
};

/** What each group is called in messages: one of it. */
export const SINGULAR: Readonly<Record<GroupTitle, string>> = { inputs: 'input', state: 'state', params: 'parameter' };

function isConstructor(name: string): name is Constructor {
  return Object.hasOwn(SHAPES, name);
}

export function readGroup(outer: Context, title: GroupTitle, node: ExpressionNode): DeclarationGroup {
  const scope = new Scope(undefined, 'plain');
  const context: Context = { ...outer, scope };
  let optionsName: string | undefined;
  let table: Node | undefined = node;
  let broken = false;
  if (Node.isArrowFunction(node)) {
    const [parameter, ...more] = node.getParameters();
    const nameNode = parameter?.getNameNode();
    if (nameNode !== undefined && (!Node.isIdentifier(nameNode) || more.length > 0)) {
      const fix = `Write \`${title}: (o) => ({ … }),\` and read \`o.option\`.`;
      refuse(context, more[0] ?? nameNode, 'SPEC-PATTERN', `\`${title}\` is a function of one name, the options`, fix);
      broken = true;
    }
    if (nameNode !== undefined) {
      optionsName = Node.isIdentifier(nameNode) ? nameNode.getText() : undefined;
      for (const name of nameNode.getDescendants().filter(Node.isIdentifier))
        scope.declare(name.getText(), 'parameter', span(context, name));
      if (optionsName !== undefined) scope.declare(optionsName, 'parameter', span(context, nameNode));
    }
    table = returned(node.getBody());
  }
  const inner = Node.isExpression(table) ? unwrap(table) : undefined;
  if (!Node.isObjectLiteralExpression(inner)) {
    const fix = `Write \`${title}: { … },\` or \`${title}: (o) => ({ … }),\`.`;
    refuse(context, node, 'SPEC-PROPERTY-FORM', `\`${title}\` is not a table of declarations`, fix);
    const group: DeclarationGroup = { optionsName, entries: [], span: span(context, node) };
    context.recovery.open(group);
    return group;
  }
  const { entries, whole } = readEntries(context, title, inner);
  const group: DeclarationGroup = { optionsName, entries, span: span(context, inner) };
  if (!whole || broken) context.recovery.open(group);
  else if (title === 'inputs' && entries.length === 0) {
    refuse(
      context,
      inner,
      'SPEC-NO-INPUT',
      'the cell has no inputs, so nothing says how long a sequence is',
      "Write `inputs: { x: vec('I') },`.",
    );
  }
  return group;
}

/** The expression an arrow returns: its body, or that of the only statement in its block. */
function returned(body: Node): Node | undefined {
  if (!Node.isBlock(body)) return body;
  const [only, ...more] = body.getStatements();
  return Node.isReturnStatement(only) && more.length === 0 ? only.getExpression() : undefined;
}

function readEntries(
  context: Context,
  title: GroupTitle,
  node: ObjectLiteralExpression,
): { entries: Declaration[]; whole: boolean } {
  const entries: Declaration[] = [];
  let whole = true;
  for (const property of node.getProperties()) {
    const entry = readEntry(context, title, property);
    if (entry === undefined) whole = false;
    else if (entries.some(({ name }) => name === entry.name)) {
      const message = `the ${SINGULAR[title]} \`${entry.name}\` is declared twice`;
      context.report(
        'SPEC-DUPLICATE-PROPERTY',
        { ...entry.span, length: entry.name.length },
        message,
        'Remove one, or rename it.',
      );
    } else entries.push(entry);
  }
  return { entries, whole };
}

function readEntry(context: Context, title: GroupTitle, property: Node): Declaration | undefined {
  if (Node.isSpreadAssignment(property)) {
    refuseSpread(context, property);
    return undefined;
  }
  const value = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  const nameNode = Node.isPropertyAssignment(property) ? property.getNameNode() : property;
  const name = propertyName(nameNode);
  const call = value === undefined ? undefined : unwrap(value);
  if (name === undefined || call === undefined) {
    refuse(context, property, 'SPEC-DECLARATION', `this does not declare a ${SINGULAR[title]}`, "Write `name: vec('H')`.");
    return undefined;
  }
  const bad = badName(name);
  if (bad !== undefined) {
    refuse(context, nameNode, 'SPEC-NAME', `a ${SINGULAR[title]} cannot be called \`${name}\`: ${bad}`, 'Rename it.');
  }
  const declared = Node.isCallExpression(call) ? constructorOf(context, call) : undefined;
  if (!Node.isCallExpression(call) || declared === undefined) {
    const callee = Node.isCallExpression(call) ? call.getExpression().getText() : '';
    const fix = didYouMean(
      callee,
      Object.keys(SHAPES),
      "Write `vec('H')`, `mat('H', 'I')` or `scalar()`, imported from `recurve`.",
    );
    refuse(context, call, 'SPEC-DECLARATION', `\`${name}\` is not declared by \`vec\`, \`mat\` or \`scalar\``, fix);
    return undefined;
  }
  if (declared === 'mat' && title !== 'params') {
    refuse(
      context,
      call,
      'SPEC-MATRIX-STATE',
      `the ${SINGULAR[title]} \`${name}\` is a matrix`,
      "Only parameters are matrices; write `vec('H')`.",
    );
    return undefined;
  }
  if (declared === 'scalar' && title !== 'params') {
    const fix = "Declare a vector over a dim of size 1: `vec('S')`, run with S=1.";
    refuse(context, call, 'SPEC-SCALAR-STATE', `the ${SINGULAR[title]} \`${name}\` is a scalar, and only parameters are`, fix);
    return undefined;
  }
  return readCall(context, name, declared, call, property);
}

/** The constructor a call names, whatever its local alias. */
function constructorOf(context: Context, call: CallExpression): Constructor | undefined {
  const callee = call.getExpression();
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  return binding?.kind === 'declarator' && isConstructor(binding.name) ? binding.name : undefined;
}

function readCall(
  context: Context,
  name: string,
  constructor_: Constructor,
  call: CallExpression,
  property: Node,
): Declaration | undefined {
  const nodes = call.getArguments().filter(Node.isExpression).map(unwrap);
  const axes = SHAPES[constructor_];
  const last = nodes[axes];
  if (nodes.length < axes || nodes.length > axes + 1 || nodes.slice(0, axes).some(Node.isObjectLiteralExpression)) {
    const message = `\`${constructor_}\` takes ${axes === 0 ? 'no dims' : axes === 1 ? 'one dim' : 'two dims'} and, if need be, settings`;
    refuse(context, call, 'SPEC-ARGUMENTS', message, USAGE[constructor_]);
    return undefined;
  }
  const settings = last === undefined ? new Map<string, Expression>() : readSettings(context, last);
  if (settings === undefined) return undefined;
  return {
    name,
    constructor_,
    shape: nodes.slice(0, axes).map((axis) => convertExpression(context, axis)),
    init: settings.get('init'),
    when: settings.get('when'),
    span: span(context, property),
  };
}

function readSettings(context: Context, node: ExpressionNode): Map<string, Expression> | undefined {
  if (!Node.isObjectLiteralExpression(node)) {
    refuse(
      context,
      node,
      'SPEC-ARGUMENTS',
      'the last argument is not a table of settings',
      "Write `{ init: 'orthogonal', when: … }`.",
    );
    return undefined;
  }
  const converted = convertExpression(context, node);
  const settings = new Map<string, Expression>();
  if (converted.kind !== 'object') return settings;
  for (const { name, value, span: at } of converted.entries) {
    if (name === 'init' || name === 'when') settings.set(name, value);
    else {
      const fix = didYouMean(name, ['init', 'when'], 'Write `init` or `when`.');
      context.report('SPEC-DECLARATION-OPTION', at, `tensors have no setting \`${name}\``, fix);
    }
  }
  return settings;
}
