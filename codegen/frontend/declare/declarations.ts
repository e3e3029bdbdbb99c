/** `inputs`, `state` and `params`: tables of `vec`, `mat`, `map` and so on, plain or as a function of the options. */
import { type CallExpression, type Expression as ExpressionNode, Node, type ObjectLiteralExpression } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { type Context, span } from '../convert/context.js';
import { convertExpression } from '../convert/expression.js';
import { refuse, refuseSpread, refuseUnimported } from '../convert/refusals.js';
import { badName } from '../language/vocabulary.js';
import { propertyName, unwrap } from '../source/syntax.js';
import type { Declaration, DeclarationGroup, Expression } from '../tree.js';
import { readOver } from './over.js';
import { readTable } from './table.js';

export type GroupTitle = 'inputs' | 'state' | 'params';

/** How many dims, numbers of matrices and extents each takes, and how it is written. */
const CONSTRUCTORS = {
  vec: { least: 1, most: 1, takes: 'one dim', usage: "Write `vec('H')`, or `vec('H', { when: … })`." },
  mat: { least: 2, most: 2, takes: 'two dims', usage: "Write `mat('H', 'I')`: rows, then columns." },
  scalar: { least: 0, most: 0, takes: 'no dims', usage: 'Write `scalar()`.' },
  symbol: { least: 1, most: 1, takes: 'the dim that counts the symbols', usage: "Write `symbol('V')`." },
  map: { least: 2, most: 4, takes: 'two to four dims', usage: "Write `map('X', 'C')`: positions, then channels." },
  blocks: { least: 3, most: 3, takes: 'three dims', usage: "Write `blocks('N', 'O', 'I')`: heads, rows, columns." },
  stack: { least: 3, most: 3, takes: 'a number and two dims', usage: "Write `stack(4, 'O', 'I')`: how many, rows, columns." },
  kernel: {
    least: 3,
    most: 4,
    takes: 'two dims and one or two extents',
    usage: "Write `kernel('O', 'I', 3)`, or `kernel('O', 'I', 3, 3)`.",
  },
} as const;
type Constructor = keyof typeof CONSTRUCTORS;

/** What only a parameter can be: the matrices of `matvec` and of convolutions. */
const ONLY_PARAMS: readonly Constructor[] = ['blocks', 'stack', 'kernel'];

/** What each group is called in messages: one of it. */
export const SINGULAR: Readonly<Record<GroupTitle, string>> = { inputs: 'input', state: 'state', params: 'parameter' };

function isConstructor(name: string): name is Constructor {
  return Object.hasOwn(CONSTRUCTORS, name);
}

/** What the declarations of a group are in: its title, and of a model's inputs the time axes that they can be over. */
interface Place {
  readonly title: GroupTitle;
  readonly times: readonly string[] | undefined;
}

/** @param times the time axes of a model; `undefined` in a cell, whose values are all of one step */
export function readGroup(outer: Context, title: GroupTitle, node: ExpressionNode, times?: readonly string[]): DeclarationGroup {
  const { context, optionsName, table, whole: formed } = readTable(outer, title, node);
  if (table === undefined) {
    const fix = `Write \`${title}: { … },\` or \`${title}: (o) => ({ … }),\`.`;
    refuse(context, node, 'SPEC-PROPERTY-FORM', `\`${title}\` is not a table of declarations`, fix);
    const group: DeclarationGroup = { optionsName, entries: [], span: span(context, node) };
    context.recovery.open(group);
    return group;
  }
  const { entries, whole } = readEntries(context, { title, times }, table);
  const group: DeclarationGroup = { optionsName, entries, span: span(context, table) };
  if (!whole || !formed) context.recovery.open(group);
  else if (title === 'inputs' && entries.length === 0) {
    const [kind, usage] = times === undefined ? ['cell', "{ x: vec('I') }"] : ['model', "{ x: over('T', vec('I')) }"];
    const message = `the ${kind} has no inputs, so nothing says how long a sequence is`;
    refuse(context, table, 'SPEC-NO-INPUT', message, `Write \`inputs: ${usage},\`.`);
  }
  return group;
}

function readEntries(context: Context, place: Place, node: ObjectLiteralExpression): { entries: Declaration[]; whole: boolean } {
  const entries: Declaration[] = [];
  let whole = true;
  for (const property of node.getProperties()) {
    const entry = readEntry(context, place, property);
    if (entry === undefined) whole = false;
    else if (entries.some(({ name }) => name === entry.name)) {
      const message = `the ${SINGULAR[place.title]} \`${entry.name}\` is declared twice`;
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

function readEntry(context: Context, { title, times }: Place, property: Node): Declaration | undefined {
  if (Node.isSpreadAssignment(property)) {
    refuseSpread(context, property);
    return undefined;
  }
  const value = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  const nameNode = Node.isPropertyAssignment(property) ? property.getNameNode() : property;
  const name = propertyName(nameNode);
  const given = value === undefined ? undefined : unwrap(value);
  if (name === undefined || given === undefined) {
    refuse(context, property, 'SPEC-DECLARATION', `this does not declare a ${SINGULAR[title]}`, "Write `name: vec('H')`.");
    return undefined;
  }
  const bad = badName(name);
  if (bad !== undefined) {
    refuse(context, nameNode, 'SPEC-NAME', `a ${SINGULAR[title]} cannot be called \`${name}\`: ${bad}`, 'Rename it.');
  }
  const timed = readOver(context, SINGULAR[title], name, given, times);
  if (timed === undefined) return undefined;
  const { value: call, time } = timed;
  if (Node.isCallExpression(call) && refuseUnimported(context, call, isConstructor)) return undefined;
  const declared = Node.isCallExpression(call) ? constructorOf(context, call) : undefined;
  if (!Node.isCallExpression(call) || declared === undefined) {
    const callee = Node.isCallExpression(call) ? call.getExpression().getText() : '';
    const fix = didYouMean(
      callee,
      Object.keys(CONSTRUCTORS),
      "Write `vec('H')`, `mat('H', 'I')`, `map('X', 'C')` or `scalar()`, imported from `recurve`.",
    );
    refuse(
      context,
      call,
      'SPEC-DECLARATION',
      `\`${name}\` is not declared by ${listNames(Object.keys(CONSTRUCTORS)).replace(' and ', ' or ')}`,
      fix,
    );
    return undefined;
  }
  if (title !== 'params' && ONLY_PARAMS.includes(declared)) {
    const fix = "Write `mat('R', 'C')` for a matrix that every sequence has of its own, or `map('X', 'C')`.";
    const message = `the ${SINGULAR[title]} \`${name}\` is declared by \`${declared}\`, which only parameters are`;
    refuse(context, call, 'SPEC-MATRIX-STATE', message, fix);
    return undefined;
  }
  if (title === 'params' && declared === 'symbol') {
    const fix = 'Write `scalar()`.';
    refuse(
      context,
      call,
      'SPEC-SYMBOL',
      `the ${SINGULAR[title]} \`${name}\` is declared by \`symbol\`, which only inputs and states are`,
      fix,
    );
    return undefined;
  }
  const declaration = readCall(context, title, name, declared, call, property);
  if (title === 'state' && times !== undefined && time === undefined) {
    const fix = `Write \`${name}: over('${times[0] ?? 'T'}', ${call.getText()})\`.`;
    const message = `the state \`${name}\` of a model is handed from step to step, and nothing says of which time axis`;
    refuse(context, call, 'SPEC-OVER', message, fix);
    return undefined;
  }
  return declaration === undefined || time === undefined ? declaration : { ...declaration, time };
}

/** The constructor a call names, whatever its local alias. */
function constructorOf(context: Context, call: CallExpression): Constructor | undefined {
  const callee = call.getExpression();
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  return binding?.kind === 'declarator' && isConstructor(binding.name) ? binding.name : undefined;
}

function readCall(
  context: Context,
  title: GroupTitle,
  name: string,
  constructor_: Constructor,
  call: CallExpression,
  property: Node,
): Declaration | undefined {
  const nodes = call.getArguments().filter(Node.isExpression).map(unwrap);
  const { least, most, takes, usage } = CONSTRUCTORS[constructor_];
  const table = nodes.findIndex(Node.isObjectLiteralExpression);
  const own = table < 0 ? nodes : nodes.slice(0, table);
  if (own.length < least || own.length > most || (table >= 0 && table < nodes.length - 1)) {
    // What follows the last dim can only be settings.
    const [last] = own.length === most + 1 && table < 0 ? own.slice(-1) : [];
    if (last !== undefined && !Node.isStringLiteral(last) && !Node.isNumericLiteral(last)) {
      const fix = "Write `{ init: 'orthogonal', when: … }`.";
      refuse(context, last, 'SPEC-ARGUMENTS', 'the last argument is not a table of settings', fix);
      return undefined;
    }
    refuse(context, call, 'SPEC-ARGUMENTS', `\`${constructor_}\` takes ${takes} and, if need be, settings`, usage);
    return undefined;
  }
  const axes = own.map((axis) => convertExpression(context, axis));
  const settings = table < 0 ? new Map<string, Expression>() : readSettings(context, title, constructor_, nodes[table]);
  if (settings === undefined || (constructor_ === 'kernel' && !areExtents(context, axes.slice(2)))) return undefined;
  const groups = settings.get('groups');
  // Taps first, then the groups: what is contracted and what it gives are the last two axes, as in every matrix.
  const shape =
    constructor_ === 'kernel' ? [...axes.slice(2), ...(groups === undefined ? [] : [groups]), ...axes.slice(0, 2)] : axes;
  return {
    name,
    constructor_,
    ...(constructor_ === 'symbol' ? { shape: [], symbols: axes[0] } : { shape }),
    init: settings.get('init'),
    range: settings.get('range'),
    trainable: settings.get('trainable'),
    when: settings.get('when'),
    span: span(context, property),
  };
}

/** Whether the extents of a kernel may be numbers; a dim in their place is reported. */
function areExtents(context: Context, extents: readonly Expression[]): boolean {
  const dim = extents.find((extent) => extent.kind === 'string');
  if (dim === undefined) return true;
  const message = 'an extent of a `kernel` is a whole number, and this is a string';
  context.report('SPEC-EXTENT', dim.span, message, CONSTRUCTORS.kernel.usage);
  return false;
}

/** Settings that are not of parameters only. */
const EVERYWHERE: Readonly<Record<'inputs' | 'state', readonly string[]>> = {
  inputs: ['range', 'when'],
  state: ['init', 'range', 'when'],
};

function readSettings(
  context: Context,
  title: GroupTitle,
  constructor_: Constructor,
  node: ExpressionNode | undefined,
): Map<string, Expression> | undefined {
  const settings = new Map<string, Expression>();
  const converted = node === undefined ? undefined : convertExpression(context, node);
  if (converted?.kind !== 'object') return settings;
  const known =
    constructor_ === 'symbol'
      ? ['when']
      : ['init', 'range', 'when', 'trainable', ...(constructor_ === 'kernel' ? ['groups'] : [])];
  for (const { name, value, span: at } of converted.entries) {
    if (known.includes(name) && (title === 'params' || EVERYWHERE[title].includes(name))) settings.set(name, value);
    else if (known.includes(name)) {
      const fix =
        name === 'init' ? 'Inputs are given for every step; say with `range: [0, 1]` what checks may draw.' : 'Remove it.';
      const whose = name === 'init' ? 'states and parameters' : 'parameters';
      const message = `\`${name}\` is a setting of ${whose}, and this is ${title === 'state' ? 'a state' : 'an input'}`;
      context.report('SPEC-DECLARATION-PLACE', at, message, fix);
    } else {
      const fix = didYouMean(name, known, `Write ${listNames(known).replace(' and ', ' or ')}.`);
      context.report('SPEC-DECLARATION-OPTION', at, `\`${constructor_}\` has no setting \`${name}\``, fix);
    }
  }
  return settings;
}
