/** What cells and models have in common: named properties, of which each is read once, a name and dims. */
import { type Expression as ExpressionNode, Node, type ObjectLiteralExpression } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { helperTree } from '../convert/call.js';
import { type Context, span } from '../convert/context.js';
import { refuse, refuseSpread } from '../convert/refusals.js';
import { convertFunction } from '../convert/statement.js';
import { badName } from '../language/vocabulary.js';
import { propertyName, unwrap } from '../source/syntax.js';
import type { CellTree, FunctionTree, Span } from '../tree.js';

export type Property = { readonly node: Node; readonly value: ExpressionNode | undefined };

/** What a kind of spec is made of. */
export interface SpecForm {
  readonly kind: 'cell' | 'model';
  /** The property that is a function of the running values: it alone may be written as a method. */
  readonly methods: 'step' | 'run';
  readonly properties: readonly string[];
  /** Those that it must have, and how each is written. */
  readonly required: Readonly<Record<string, string>>;
  /** What to do about properties that something else has. */
  readonly elsewhere: Readonly<Record<string, string>>;
}

/** Reports the required properties that are not there. */
export function requireProperties(
  context: Context,
  { kind, required }: SpecForm,
  properties: ReadonlyMap<string, unknown>,
  at: Span,
): void {
  for (const [name, fix] of Object.entries(required)) {
    if (!properties.has(name)) context.report('SPEC-MISSING-PROPERTY', at, `the ${kind} has no \`${name}\``, fix);
  }
}

/** The properties by name; a form that cannot be read has no value and is reported. */
export function collect(context: Context, form: SpecForm, node: ObjectLiteralExpression): Map<string, Property> {
  const { kind, methods, properties: known, elsewhere } = form;
  const properties = new Map<string, Property>();
  for (const property of node.getProperties()) {
    if (Node.isSpreadAssignment(property)) {
      refuseSpread(context, property);
      continue;
    }
    const nameNode = property.getNameNode();
    const name = propertyName(nameNode);
    if (name === undefined || !known.includes(name)) {
      const told = name !== undefined && Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
      const fix = told ?? didYouMean(name ?? '', known, `A ${kind} has ${listNames(known)}.`);
      refuse(context, nameNode, 'SPEC-UNKNOWN-PROPERTY', `${kind}s have no property \`${name ?? nameNode.getText()}\``, fix);
      continue;
    }
    if (properties.has(name)) {
      refuse(context, nameNode, 'SPEC-DUPLICATE-PROPERTY', `\`${name}\` is already given`, 'Remove one of the two.');
      continue;
    }
    properties.set(name, { node: property, value: propertyValue(context, methods, name, property) });
  }
  return properties;
}

function propertyValue(context: Context, methods: string, name: string, property: Node): ExpressionNode | undefined {
  if (Node.isPropertyAssignment(property)) {
    const value = property.getInitializer();
    return value === undefined ? undefined : resolveConstant(context, unwrap(value));
  }
  if (Node.isShorthandPropertyAssignment(property)) return resolveConstant(context, property.getNameNode());
  if (name !== methods) {
    const fix =
      name === 'params' || name === 'state' || name === 'inputs' || name === 'layers'
        ? `Write \`${name}: (o) => ({ … }),\`.`
        : `Write \`${name}: value,\`.`;
    refuse(context, property, 'SPEC-PROPERTY-FORM', `\`${name}\` is written as a method`, fix);
  }
  return undefined;
}

/** A property may name a constant or function of the module. */
function resolveConstant(context: Context, node: ExpressionNode): ExpressionNode {
  if (!Node.isIdentifier(node)) return node;
  const binding = context.module.names.get(node.getText());
  return binding?.kind === 'constant' && binding.module === context.module ? unwrap(binding.node) : node;
}

export function readName(context: Context, kind: 'cell' | 'model', node: ExpressionNode | undefined): string {
  if (node === undefined) return kind;
  if (!Node.isStringLiteral(node) && !Node.isNoSubstitutionTemplateLiteral(node)) {
    refuse(context, node, 'SPEC-PROPERTY-FORM', '`name` is not a string', "Write `name: 'mine',`.");
    return kind;
  }
  const name = node.getLiteralValue();
  const bad = badName(name.replaceAll('-', '_'));
  if (bad !== undefined) {
    refuse(context, node, 'SPEC-NAME', `a ${kind} cannot be called \`${name}\`: ${bad}`, "Write `name: 'mine',`.");
    return kind;
  }
  return name;
}

/** String literals of an array, each with its place; reports what is none and returns `undefined` for no array. */
export function readStrings(
  context: Context,
  property: string,
  node: ExpressionNode,
  example: string,
): { name: string; span: Span }[] | undefined {
  if (!Node.isArrayLiteralExpression(node)) {
    refuse(
      context,
      node,
      'SPEC-PROPERTY-FORM',
      `\`${property}\` is not an array of strings`,
      `Write \`${property}: ${example},\`.`,
    );
    return undefined;
  }
  let whole = true;
  const names: { name: string; span: Span }[] = [];
  for (const element of node.getElements()) {
    const item = unwrap(element);
    if (Node.isStringLiteral(item) || Node.isNoSubstitutionTemplateLiteral(item)) {
      names.push({ name: item.getLiteralValue(), span: span(context, item) });
    } else {
      refuse(
        context,
        item,
        'SPEC-PROPERTY-FORM',
        `an item of \`${property}\` is not a string`,
        `Write \`${property}: ${example},\`.`,
      );
      whole = false;
    }
  }
  if (!whole && property === 'dims') context.recovery.dimsOpen = true;
  if (!whole && property === 'outputs') context.recovery.outputsOpen = true;
  return names;
}

/** @param times the time axes of a model, which are no dims either */
export function readDims(context: Context, node: ExpressionNode | undefined, times: readonly string[] = []): CellTree['dims'] {
  const names = node === undefined ? undefined : readStrings(context, 'dims', node, "['I', 'H']");
  if (names === undefined) {
    context.recovery.dimsOpen = true;
    return [];
  }
  const dims: { name: string; span: Span }[] = [];
  for (const { name, span: at } of names) {
    const bad = badName(name);
    if (dims.some((dim) => dim.name === name)) {
      context.report('SPEC-DIM-DUPLICATE', at, `the dim \`${name}\` is listed twice`, 'Remove one.');
      continue;
    }
    if (name === 'T' || name === 'B') {
      const what = name === 'T' ? 'the time steps' : 'the sequences of a batch';
      context.report(
        'SPEC-DIM-RESERVED',
        at,
        `\`${name}\` counts ${what}, which every ${times.length === 0 ? 'cell' : 'model'} has`,
        'Remove it; shapes never name it.',
      );
    } else if (times.includes(name)) {
      const fix = 'Rename the dim: sequences have their steps, and shapes are of one step.';
      context.report('SPEC-DIM-RESERVED', at, `\`${name}\` is a time axis of the model`, fix);
    } else if (bad !== undefined) {
      context.report('SPEC-NAME', at, `a dim cannot be called \`${name}\`: ${bad}`, "Write a short name, e.g. 'H'.");
    }
    dims.push({ name, span: at });
  }
  return dims;
}

/** The function that a property holds: a method, an arrow or a function of the module; `undefined` after a mistake. */
export function functionOf(
  context: Context,
  name: 'step' | 'run',
  property: Property | undefined,
  fix: string,
): FunctionTree | undefined {
  if (property === undefined) return undefined;
  if (Node.isMethodDeclaration(property.node)) return convertFunction(context, name, property.node);
  const { value } = property;
  if (Node.isArrowFunction(value) || Node.isFunctionExpression(value)) return convertFunction(context, name, value);
  if (Node.isIdentifier(value)) {
    const binding = context.module.names.get(value.getText());
    if (binding?.kind === 'helper') return helperTree(context, binding);
    if (binding?.kind === 'poison') return undefined;
  }
  refuse(context, value ?? property.node, 'SPEC-STEP-FORM', `\`${name}\` is not a function`, fix);
  return undefined;
}
