/** `options: { … }`: what may be chosen when a cell is compiled. */
import { type CallExpression, type Expression as ExpressionNode, Node } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { type Context, span } from '../convert/context.js';
import { numberOf } from '../convert/expression.js';
import { refuse, refuseSpread, refuseUnimported } from '../convert/refusals.js';
import { TRAINING } from '../language/training.js';
import { badName } from '../language/vocabulary.js';
import { propertyName, unwrap } from '../source/syntax.js';
import type { OptionDeclaration, Span } from '../tree.js';

const KINDS = ['choice', 'flag', 'real', 'integer'] as const;
type Kind = (typeof KINDS)[number];

function isKind(name: string): name is Kind {
  return KINDS.some((kind) => kind === name);
}

export function readOptions(context: Context, node: ExpressionNode): OptionDeclaration[] {
  if (!Node.isObjectLiteralExpression(node)) {
    context.recovery.optionsOpen = true;
    refuse(context, node, 'SPEC-PROPERTY-FORM', '`options` is not a table', 'Write `options: { name: flag(false) },`.');
    return [];
  }
  const options: OptionDeclaration[] = [];
  for (const property of node.getProperties()) {
    const option = readOption(context, property);
    if (option === undefined) context.recovery.optionsOpen = true;
    else if (options.some(({ name }) => name === option.name)) {
      const at = { ...option.span, length: option.name.length };
      context.report(
        'SPEC-DUPLICATE-PROPERTY',
        at,
        `the option \`${option.name}\` is declared twice`,
        'Remove one, or rename it.',
      );
    } else options.push(option);
  }
  for (const option of options) checkPer(context, option, options);
  return options;
}

function readOption(context: Context, property: Node): OptionDeclaration | undefined {
  if (Node.isSpreadAssignment(property)) {
    refuseSpread(context, property);
    return undefined;
  }
  const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  const name = Node.isPropertyAssignment(property) ? propertyName(property.getNameNode()) : undefined;
  const call = initializer === undefined ? undefined : unwrap(initializer);
  const callee = Node.isCallExpression(call) ? call.getExpression() : undefined;
  if (Node.isCallExpression(call) && refuseUnimported(context, call, isKind)) return undefined;
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  const kind = binding?.kind === 'declarator' ? binding.name : '';
  if (name === undefined || !Node.isCallExpression(call) || !isKind(kind)) {
    const fix = didYouMean(
      callee?.getText() ?? '',
      KINDS,
      'Write `choice(…)`, `flag(…)`, `real(…)` or `integer(…)`, imported from `recurve`.',
    );
    const at = call ?? property;
    refuse(context, at, 'SPEC-OPTION-FORM', `${name === undefined ? 'this' : `\`${name}\``} does not declare an option`, fix);
    return undefined;
  }
  const bad = badName(name);
  if (bad !== undefined) refuse(context, property, 'SPEC-NAME', `an option cannot be called \`${name}\`: ${bad}`, 'Rename it.');
  const at = span(context, property);
  if (name === TRAINING) {
    const fix = 'Remove it, and read `o.training`: a cell that calls a random function has it, false by default.';
    refuse(context, property, 'SPEC-OPTION-RESERVED', `the option \`${name}\` comes with the random functions`, fix);
  }
  if (kind === 'choice') return readChoice(context, name, at, call);
  if (kind === 'flag') return readFlag(context, name, at, call);
  return readNumber(context, name, at, call, kind);
}

function readChoice(context: Context, name: string, at: Span, call: CallExpression): OptionDeclaration | undefined {
  const values: string[] = [];
  for (const argument of call.getArguments()) {
    const node = Node.isExpression(argument) ? unwrap(argument) : argument;
    if (!Node.isStringLiteral(node) && !Node.isNoSubstitutionTemplateLiteral(node)) {
      refuse(context, node, 'SPEC-CHOICE', `a value of \`${name}\` is not a string`, "Write `choice('a', 'b')`.");
      return undefined;
    }
    const value = node.getLiteralValue();
    if (values.includes(value))
      refuse(context, node, 'SPEC-CHOICE', `\`${name}\` has the value \`${value}\` twice`, 'Remove one.');
    else values.push(value);
  }
  const [first] = values;
  if (first === undefined) {
    refuse(
      context,
      call,
      'SPEC-CHOICE',
      `\`${name}\` has no values to choose from`,
      "Write `choice('a', 'b')`; the first is the default.",
    );
    return undefined;
  }
  return { kind: 'choice', name, values, default: first, span: at };
}

function readFlag(context: Context, name: string, at: Span, call: CallExpression): OptionDeclaration | undefined {
  const [argument, ...more] = call.getArguments().filter(Node.isExpression).map(unwrap);
  if (more.length === 0 && Node.isTrueLiteral(argument)) return { kind: 'flag', name, default: true, span: at };
  if (more.length === 0 && Node.isFalseLiteral(argument)) return { kind: 'flag', name, default: false, span: at };
  refuse(
    context,
    argument ?? call,
    'SPEC-OPTION-DEFAULT',
    `the default of \`${name}\` is neither true nor false`,
    'Write `flag(false)`.',
  );
  return undefined;
}

function readNumber(
  context: Context,
  name: string,
  at: Span,
  call: CallExpression,
  kind: 'real' | 'integer',
): OptionDeclaration | undefined {
  const [first, second, ...more] = call.getArguments().filter(Node.isExpression).map(unwrap);
  const value = first === undefined ? undefined : literalNumber(first);
  if (first === undefined || value === undefined || more.length > 0) {
    refuse(context, first ?? call, 'SPEC-OPTION-DEFAULT', `the default of \`${name}\` is not a number`, `Write \`${kind}(0)\`.`);
    return undefined;
  }
  const settings = second === undefined ? {} : readSettings(context, name, second);
  if (settings === undefined) return undefined;
  const { per, ...range } = settings;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range;
  const defaults = [value, ...Object.values(per?.defaults ?? {})];
  const outside = defaults.find((number) => number < min || number > max);
  if (min > max) {
    refuse(
      context,
      second ?? call,
      'SPEC-OPTION-DEFAULT',
      `the range of \`${name}\` is empty: ${min} is above ${max}`,
      'Swap `min` and `max`.',
    );
  } else if (outside !== undefined) {
    const bounds = [range.min === undefined ? '' : `at least ${min}`, range.max === undefined ? '' : `at most ${max}`];
    const fix = `Write a default of ${bounds.filter((bound) => bound !== '').join(' and ')}.`;
    refuse(context, first, 'SPEC-OPTION-DEFAULT', `the default ${outside} of \`${name}\` is outside its own range`, fix);
  } else if (
    kind === 'integer' &&
    [...defaults, range.min, range.max].some((number) => number !== undefined && !Number.isInteger(number))
  ) {
    refuse(
      context,
      first,
      'SPEC-OPTION-DEFAULT',
      `\`${name}\` is an integer, but its default or range is not whole`,
      'Write whole numbers, or `real(…)`.',
    );
  }
  return { kind, name, default: value, ...settings, span: at };
}

type NumberDeclaration = Extract<OptionDeclaration, { kind: 'real' | 'integer' }>;
type Per = NonNullable<NumberDeclaration['per']>;

function readSettings(
  context: Context,
  name: string,
  node: ExpressionNode,
): { min?: number; max?: number; per?: Per } | undefined {
  const settings: { min?: number; max?: number; per?: Per } = {};
  const properties = Node.isObjectLiteralExpression(node) ? node.getProperties() : [node];
  for (const property of properties) {
    const key = Node.isPropertyAssignment(property) ? propertyName(property.getNameNode()) : undefined;
    const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
    const value = initializer === undefined ? undefined : literalNumber(unwrap(initializer));
    const per = key === 'per' && initializer !== undefined ? readPer(unwrap(initializer)) : undefined;
    if (per !== undefined) settings.per = per;
    else if ((key === 'min' || key === 'max') && value !== undefined) settings[key] = value;
    else {
      const fix =
        key === 'per'
          ? "Write `{ per: { kind: { steep: 2 } } }`: where the choice `kind` is 'steep', the default is 2."
          : `Write \`{ min: 0, max: 1 }\`, numbers both; known are ${listNames(['min', 'max', 'per'])}.`;
      refuse(
        context,
        property,
        'SPEC-OPTION-FORM',
        `this is not a ${key === 'per' ? 'table of defaults' : 'range'} for \`${name}\``,
        fix,
      );
      return undefined;
    }
  }
  return settings;
}

/** `{ activation: { elu: 1, leakyRelu: 0.01 } }`: of one option. */
function readPer(node: ExpressionNode): Per | undefined {
  const [only, ...more] = entriesOf(node) ?? [];
  const entries = only === undefined || more.length > 0 ? undefined : entriesOf(only.value);
  if (only === undefined || entries === undefined || entries.length === 0) return undefined;
  const defaults = entries.map(({ key, value }) => [key, literalNumber(value)] as const);
  if (defaults.some(([, value]) => value === undefined) || new Set(entries.map(({ key }) => key)).size < entries.length) {
    return undefined;
  }
  return { option: only.key, defaults: Object.fromEntries(defaults.map(([key, value]) => [key, value ?? 0])) };
}

function entriesOf(node: ExpressionNode): { readonly key: string; readonly value: ExpressionNode }[] | undefined {
  if (!Node.isObjectLiteralExpression(node)) return undefined;
  const entries = node.getProperties().flatMap((property) => {
    const key = Node.isPropertyAssignment(property) ? propertyName(property.getNameNode()) : undefined;
    const value = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
    return key === undefined || value === undefined ? [] : [{ key, value: unwrap(value) }];
  });
  return entries.length === node.getProperties().length ? entries : undefined;
}

/** Defaults by another option's value: it is a choice, and has these values. */
function checkPer(context: Context, option: OptionDeclaration, options: readonly OptionDeclaration[]): void {
  const per = option.kind === 'real' || option.kind === 'integer' ? option.per : undefined;
  if (per === undefined || context.recovery.optionsOpen) return;
  const choices = options.filter((other) => other.kind === 'choice');
  const choice = choices.find(({ name }) => name === per.option);
  const names = choice?.values ?? choices.map(({ name }) => name);
  const wrong = choice === undefined ? per.option : Object.keys(per.defaults).find((value) => !choice.values.includes(value));
  if (wrong === undefined) return;
  const fault = choice === undefined ? `\`${wrong}\` is not a choice of this cell` : `\`${per.option}\` is never \`${wrong}\``;
  const known =
    names.length === 0 ? 'It has none.' : `${choice === undefined ? 'They are' : 'It is one of'} ${listNames(names)}.`;
  context.report(
    'SPEC-OPTION-DEFAULT',
    option.span,
    `\`${option.name}\` has defaults by a value: ${fault}`,
    didYouMean(wrong, names, known),
  );
}

/** The value of `3`, `-0.5`; `undefined` for anything else. */
function literalNumber(node: ExpressionNode): number | undefined {
  if (Node.isNumericLiteral(node)) return finite(numberOf(node));
  if (!Node.isPrefixUnaryExpression(node) || !/^[+-]/.test(node.getText())) return undefined;
  const operand = unwrap(node.getOperand());
  if (!Node.isNumericLiteral(operand)) return undefined;
  const value = finite(numberOf(operand));
  return value !== undefined && node.getText().startsWith('-') ? -value : value;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
