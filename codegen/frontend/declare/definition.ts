/** The object given to `cell({ … })`: its properties, one reader each. */
import { type Expression as ExpressionNode, Node, type ObjectLiteralExpression } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { helperTree } from '../convert/call.js';
import { type Context, span } from '../convert/context.js';
import { refuse, refuseSpread } from '../convert/refusals.js';
import { convertFunction } from '../convert/statement.js';
import { badName } from '../language/vocabulary.js';
import { propertyName, unwrap } from '../source/syntax.js';
import type { CellTree, DeclarationGroup, FunctionTree, Span } from '../tree.js';
import { readGroup } from './declarations.js';
import { readOptions } from './option-declarations.js';

const REQUIRED = ['name', 'dims', 'inputs', 'state', 'params', 'step'] as const;
const PROPERTIES: readonly string[] = [...REQUIRED, 'options', 'outputs'];

export type Definition = Pick<
  CellTree,
  'name' | 'dims' | 'options' | 'inputs' | 'state' | 'params' | 'outputs' | 'step' | 'span'
>;

type Property = { readonly node: Node; readonly value: ExpressionNode | undefined };

export function readDefinition(context: Context, node: ObjectLiteralExpression): Definition {
  const properties = collect(context, node);
  const at = span(context, node.getParent() ?? node);
  const start: Span = { ...at, length: Math.min(at.length, 'cell'.length) };
  for (const name of REQUIRED) {
    if (properties.has(name)) continue;
    context.report('SPEC-MISSING-PROPERTY', start, `the cell has no \`${name}\``, MISSING[name]);
  }
  const given = (name: string) => properties.get(name)?.value;
  const group = (title: 'inputs' | 'state' | 'params'): DeclarationGroup => {
    const value = given(title);
    if (value !== undefined) return readGroup(context, title, value);
    const missing: DeclarationGroup = { optionsName: undefined, entries: [], span: start };
    context.recovery.open(missing);
    return missing;
  };
  const options = given('options');
  if (properties.has('options') && options === undefined) context.recovery.optionsOpen = true;
  return {
    name: readName(context, given('name')),
    dims: readDims(context, given('dims')),
    options: options === undefined ? [] : readOptions(context, options),
    inputs: group('inputs'),
    state: group('state'),
    params: group('params'),
    outputs: properties.has('outputs') ? readOutputs(context, given('outputs')) : undefined,
    step: readStep(context, properties.get('step'), start),
    span: start,
  };
}

const MISSING: Readonly<Record<(typeof REQUIRED)[number], string>> = {
  name: "Add `name: 'mine',`.",
  dims: "Add `dims: ['I', 'H'],` with every dim that its shapes use.",
  inputs: "Add `inputs: { x: vec('I') },`.",
  state: "Add `state: { h: vec('H') },`.",
  params: "Add `params: { W: mat('H', 'I') },`.",
  step: 'Add `step({ x }, { h }, p) { return { h: … }; },`.',
};

/** The cell's properties by name; a form that cannot be read has no value and is reported. */
function collect(context: Context, node: ObjectLiteralExpression): Map<string, Property> {
  const properties = new Map<string, Property>();
  for (const property of node.getProperties()) {
    if (Node.isSpreadAssignment(property)) {
      refuseSpread(context, property);
      continue;
    }
    const nameNode = property.getNameNode();
    const name = propertyName(nameNode);
    if (name === undefined || !PROPERTIES.includes(name)) {
      const fix = didYouMean(name ?? '', PROPERTIES, `A cell has ${listNames(PROPERTIES)}.`);
      refuse(context, nameNode, 'SPEC-UNKNOWN-PROPERTY', `cells have no property \`${name ?? nameNode.getText()}\``, fix);
      continue;
    }
    if (properties.has(name)) {
      refuse(context, nameNode, 'SPEC-DUPLICATE-PROPERTY', `\`${name}\` is already given`, 'Remove one of the two.');
      continue;
    }
    properties.set(name, { node: property, value: propertyValue(context, name, property) });
  }
  return properties;
}

function propertyValue(context: Context, name: string, property: Node): ExpressionNode | undefined {
  if (Node.isPropertyAssignment(property)) {
    const value = property.getInitializer();
    return value === undefined ? undefined : resolveConstant(context, unwrap(value));
  }
  if (Node.isShorthandPropertyAssignment(property)) return resolveConstant(context, property.getNameNode());
  if (name !== 'step') {
    const fix =
      name === 'params' || name === 'state' || name === 'inputs'
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

function readName(context: Context, node: ExpressionNode | undefined): string {
  if (node === undefined) return 'cell';
  if (!Node.isStringLiteral(node) && !Node.isNoSubstitutionTemplateLiteral(node)) {
    refuse(context, node, 'SPEC-PROPERTY-FORM', '`name` is not a string', "Write `name: 'mine',`.");
    return 'cell';
  }
  const name = node.getLiteralValue();
  const bad = badName(name.replaceAll('-', '_'));
  if (bad !== undefined) {
    refuse(context, node, 'SPEC-NAME', `a cell cannot be called \`${name}\`: ${bad}`, "Write `name: 'mine',`.");
    return 'cell';
  }
  return name;
}

/** String literals of an array, each with its place; reports what is none and returns `undefined` for no array. */
function readStrings(
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

function readDims(context: Context, node: ExpressionNode | undefined): CellTree['dims'] {
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
        `\`${name}\` counts ${what}, which every cell has`,
        'Remove it; shapes never name it.',
      );
    } else if (bad !== undefined) {
      context.report('SPEC-NAME', at, `a dim cannot be called \`${name}\`: ${bad}`, "Write a short name, e.g. 'H'.");
    }
    dims.push({ name, span: at });
  }
  return dims;
}

function readOutputs(context: Context, node: ExpressionNode | undefined): CellTree['outputs'] {
  const names = node === undefined ? undefined : readStrings(context, 'outputs', node, "['h']");
  if (names === undefined) {
    context.recovery.outputsOpen = true;
    return undefined;
  }
  return names.filter(({ name, span: at }, index) => {
    const first = names.findIndex((other) => other.name === name) === index;
    if (!first) context.report('SPEC-DUPLICATE-OUTPUT', at, `the output \`${name}\` is listed twice`, 'Remove one.');
    return first;
  });
}

function readStep(context: Context, property: Property | undefined, at: Span): FunctionTree {
  const tree = stepTree(context, property);
  if (tree === undefined) {
    context.recovery.stepOpen = true;
    return { name: 'step', parameters: [], body: [], span: at };
  }
  if (tree.parameters.length > 4) {
    const fix = 'Write `step(inputs, state, p, { options: o })`; the last may be left out.';
    context.report('SPEC-STEP-FORM', tree.parameters[4]?.span ?? tree.span, '`step` takes at most four parameters', fix);
  }
  return tree;
}

function stepTree(context: Context, property: Property | undefined): FunctionTree | undefined {
  if (property === undefined) return undefined;
  if (Node.isMethodDeclaration(property.node)) return convertFunction(context, 'step', property.node);
  const { value } = property;
  if (Node.isArrowFunction(value) || Node.isFunctionExpression(value)) return convertFunction(context, 'step', value);
  if (Node.isIdentifier(value)) {
    const binding = context.module.names.get(value.getText());
    if (binding?.kind === 'helper') return helperTree(context, binding);
    if (binding?.kind === 'poison') return undefined;
  }
  const fix = 'Write `step({ x }, { h }, p) { return { h: … }; },`.';
  refuse(context, value ?? property.node, 'SPEC-STEP-FORM', '`step` is not a function', fix);
  return undefined;
}
