/** `options: { … }`: what may be chosen when a cell is compiled. */
import { type CallExpression, type Expression as ExpressionNode, Node } from 'ts-morph';
import { didYouMean, listNames } from '../suggest.js';
import { type Context, span } from './context.js';
import { numberOf, propertyName } from './expression.js';
import { refuse, refuseSpread } from './refusals.js';
import { unwrap } from './syntax.js';
import { TRAINING } from './training.js';
import type { OptionDeclaration, Span } from './tree.js';
import { badName } from './vocabulary.js';

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
  const range = second === undefined ? {} : readRange(context, name, second);
  if (range === undefined) return undefined;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range;
  if (min > max) {
    refuse(
      context,
      second ?? call,
      'SPEC-OPTION-DEFAULT',
      `the range of \`${name}\` is empty: ${min} is above ${max}`,
      'Swap `min` and `max`.',
    );
  } else if (value < min || value > max) {
    const bounds = [range.min === undefined ? '' : `at least ${min}`, range.max === undefined ? '' : `at most ${max}`];
    const fix = `Write a default of ${bounds.filter((bound) => bound !== '').join(' and ')}.`;
    refuse(context, first, 'SPEC-OPTION-DEFAULT', `the default ${value} of \`${name}\` is outside its own range`, fix);
  } else if (
    kind === 'integer' &&
    [value, range.min, range.max].some((number) => number !== undefined && !Number.isInteger(number))
  ) {
    refuse(
      context,
      first,
      'SPEC-OPTION-DEFAULT',
      `\`${name}\` is an integer, but its default or range is not whole`,
      'Write whole numbers, or `real(…)`.',
    );
  }
  return { kind, name, default: value, ...range, span: at };
}

function readRange(context: Context, name: string, node: ExpressionNode): { min?: number; max?: number } | undefined {
  const range: { min?: number; max?: number } = {};
  const properties = Node.isObjectLiteralExpression(node) ? node.getProperties() : [node];
  for (const property of properties) {
    const key = Node.isPropertyAssignment(property) ? propertyName(property.getNameNode()) : undefined;
    const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
    const value = initializer === undefined ? undefined : literalNumber(unwrap(initializer));
    if ((key !== 'min' && key !== 'max') || value === undefined) {
      const fix = `Write \`{ min: 0, max: 1 }\`, numbers both; known are ${listNames(['min', 'max'])}.`;
      refuse(context, property, 'SPEC-OPTION-FORM', `this is not a range for \`${name}\``, fix);
      return undefined;
    }
    range[key] = value;
  }
  return range;
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
