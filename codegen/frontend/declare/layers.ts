/** `layers` of a model: `first: layer('lstm', { I: 'I' })`, `deep: repeat(3, layer(mine))`, plain or as a function of the options. */
import { type Expression as ExpressionNode, Node } from 'ts-morph';
import { didYouMean, listNames } from '../../suggest.js';
import { type Context, span } from '../convert/context.js';
import { convertExpression } from '../convert/expression.js';
import { refuse, refuseSpread, refuseUnimported } from '../convert/refusals.js';
import { badName } from '../language/vocabulary.js';
import { propertyName, unwrap } from '../source/syntax.js';
import type { DeclarationGroup, Expression, LayerDeclaration, ModelTree, ObjectEntry, OptionDeclaration } from '../tree.js';
import { readTable } from './table.js';

const USAGE = "Write `layer('gru', { I: 'I' })`, or `layer('gru', { I: 'I' }, { options: { … }, when: … })`.";
const REPEAT = "Write `repeat(3, layer('gru', { I: 'H' }))`.";

type Layers = Pick<ModelTree, 'layers' | 'layersOptionsName'>;

/** The model's own options, and what its layers call them. */
interface ModelOptions {
  readonly name: string | undefined;
  readonly declared: readonly OptionDeclaration[];
}

/**
 * @param params the model's own, beside whose names those of layers stand in files
 * @param declared the model's options
 */
export function readLayers(
  outer: Context,
  node: ExpressionNode,
  params: DeclarationGroup,
  declared: readonly OptionDeclaration[],
): Layers {
  const { context, optionsName, table, whole } = readTable(outer, 'layers', node);
  const own: ModelOptions = { name: optionsName, declared };
  if (!whole || table === undefined) context.recovery.layersOpen = true;
  if (table === undefined) {
    const fix = "Write `layers: { first: layer('gru', { I: 'I' }) },` or `layers: (o) => ({ … }),`.";
    refuse(context, node, 'SPEC-PROPERTY-FORM', '`layers` is not a table of layers', fix);
    return { layersOptionsName: optionsName, layers: [] };
  }
  const layers: LayerDeclaration[] = [];
  for (const property of table.getProperties()) {
    const layer = readLayer(context, property, own);
    if (layer === undefined) {
      context.recovery.layersOpen = true;
      continue;
    }
    const at = { ...layer.span, length: layer.name.length };
    if (layers.some(({ name }) => name === layer.name)) {
      context.report('SPEC-DUPLICATE-PROPERTY', at, `the layer \`${layer.name}\` is declared twice`, 'Remove one, or rename it.');
      continue;
    }
    if (params.entries.some(({ name }) => name === layer.name)) {
      const message = `\`${layer.name}\` is a parameter of the model, and the parameters of a layer \`${layer.name}\` are named after it`;
      context.report('SPEC-LAYER-NAME', at, message, 'Rename one of the two.');
    }
    layers.push(layer);
  }
  return { layersOptionsName: optionsName, layers };
}

function readLayer(context: Context, property: Node, own: ModelOptions): LayerDeclaration | undefined {
  if (Node.isSpreadAssignment(property)) {
    refuseSpread(context, property);
    return undefined;
  }
  const name = Node.isPropertyAssignment(property) ? propertyName(property.getNameNode()) : undefined;
  const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined;
  const value = initializer === undefined ? undefined : unwrap(initializer);
  if (name === undefined || value === undefined) {
    refuse(context, property, 'SPEC-LAYER-FORM', 'this does not declare a layer', USAGE);
    return undefined;
  }
  const bad = badName(name);
  if (bad !== undefined) refuse(context, property, 'SPEC-NAME', `a layer cannot be called \`${name}\`: ${bad}`, 'Rename it.');
  if (Node.isCallExpression(value) && refuseUnimported(context, value, (callee) => callee === 'layer' || callee === 'repeat'))
    return undefined;
  const declarator = declaratorOf(context, value);
  if (declarator === 'layer') return readCall(context, name, value, property, own);
  if (declarator === 'repeat') return readRepeat(context, name, value, property, own);
  refuse(context, value, 'SPEC-LAYER-FORM', `\`${name}\` is not a layer`, fixFor(context, value, declarator));
  return undefined;
}

/** What the author of something else is most likely to have meant. */
function fixFor(context: Context, value: ExpressionNode, declarator: string | undefined): string {
  if (Node.isStringLiteral(value)) return `Write \`layer(${value.getText()}, { … })\`.`;
  const binding = Node.isIdentifier(value) ? context.module.names.get(value.getText()) : undefined;
  if (binding?.kind === 'cell') return `Write \`layer(${value.getText()}, { … })\`.`;
  if (Node.isArrayLiteralExpression(value)) return `${REPEAT} Each has parameters of its own.`;
  if (declarator === 'cell') return 'Put the cell into a file of its own, and import it: `layer(mine, { I: … })`.';
  if (declarator !== undefined) return 'Declare tensors in `inputs` and `params`, and here layers only.';
  const callee = Node.isCallExpression(value) ? value.getExpression().getText() : '';
  return didYouMean(callee, ['layer', 'repeat'], USAGE);
}

function declaratorOf(context: Context, node: Node): string | undefined {
  const callee = Node.isCallExpression(node) ? node.getExpression() : undefined;
  const binding = Node.isIdentifier(callee) ? context.module.names.get(callee.getText()) : undefined;
  return binding?.kind === 'declarator' ? binding.name : undefined;
}

function argumentsOf(call: ExpressionNode): ExpressionNode[] {
  return Node.isCallExpression(call) ? call.getArguments().filter(Node.isExpression).map(unwrap) : [];
}

function readRepeat(
  context: Context,
  name: string,
  call: ExpressionNode,
  property: Node,
  own: ModelOptions,
): LayerDeclaration | undefined {
  const [count, layer, ...more] = argumentsOf(call);
  const turned = count !== undefined && declaratorOf(context, count) === 'layer';
  if (count === undefined || layer === undefined || more.length > 0 || turned) {
    const message = '`repeat` takes how many layers there are, and then the layer';
    refuse(context, call, 'SPEC-ARGUMENTS', message, REPEAT);
    return undefined;
  }
  if (declaratorOf(context, layer) !== 'layer') {
    if (Node.isCallExpression(layer) && refuseUnimported(context, layer, (callee) => callee === 'layer')) return undefined;
    const again = declaratorOf(context, layer) === 'repeat';
    const what = again ? '`repeat` repeats layers, and not what is repeated' : `\`repeat\` repeats a layer, and this is none`;
    refuse(context, layer, 'SPEC-LAYER-FORM', what, again ? 'Multiply the two counts.' : REPEAT);
    return undefined;
  }
  return readCall(context, name, layer, property, own, convertExpression(context, count));
}

function readCall(
  context: Context,
  name: string,
  call: ExpressionNode,
  property: Node,
  own: ModelOptions,
  count?: Expression,
): LayerDeclaration | undefined {
  const [cellNode, dimsNode, settingsNode, ...more] = argumentsOf(call);
  if (cellNode === undefined || more.length > 0) {
    const message = '`layer` takes a cell, what its dims are in the model and, if need be, settings';
    refuse(context, call, 'SPEC-ARGUMENTS', message, USAGE);
    return undefined;
  }
  const cell = convertExpression({ ...context, choosesCell: true }, cellNode);
  const dims = dimsNode === undefined ? [] : entriesOf(context, 'the dims of a layer', dimsNode);
  const settings = settingsNode === undefined ? [] : entriesOf(context, 'the settings of a layer', settingsNode);
  if (dims === undefined || settings === undefined) return undefined;
  const misplaced = dims.find(({ name: key, value }) => key === 'options' || (key === 'when' && value.kind !== 'string'));
  if (misplaced !== undefined) {
    const message = `\`${misplaced.name}\` stands among the dims of a layer, and settings come third`;
    context.report('SPEC-LAYER-FORM', misplaced.span, message, "Write `layer('gru', {}, { options: { … } })`.");
    return undefined;
  }
  for (const { name: key, span: at } of settings) {
    if (key === 'options' || key === 'when') continue;
    const fix =
      PLACES[key] ?? didYouMean(key, ['options', 'when'], `A layer has the settings ${listNames(['options', 'when'])}.`);
    context.report('SPEC-LAYER-SETTING', at, `a layer has no setting \`${key}\``, fix);
  }
  const options = settings.find(({ name: key }) => key === 'options')?.value;
  const passed = options?.kind === 'name' && options.name === own.name;
  if (options !== undefined && options.kind !== 'object' && !passed && !context.recovery.isPoison(options)) {
    const fix = 'Write `{ options: { peepholes: true } }`, or `{ options: o }` for those of the model that the cell has too.';
    context.report('SPEC-LAYER-FORM', options.span, 'the options of a layer are not a table', fix);
  }
  return {
    name,
    cell,
    dims,
    options: options?.kind === 'object' ? options.entries : passed ? membersOf(options, own.declared) : [],
    passesOptions: passed,
    count,
    when: settings.find(({ name: key }) => key === 'when')?.value,
    span: span(context, property),
  };
}

/** `options: o`: every option of the model under its own name. */
function membersOf(object: Expression, declared: readonly OptionDeclaration[]): readonly ObjectEntry[] {
  const { span: at } = object;
  return declared.map(({ name }) => ({ name, value: { kind: 'member', object, property: name, span: at }, span: at }));
}

/** Where things are said that are no settings of a layer. */
const PLACES: Readonly<Record<string, string>> = {
  dims: "They come second: `layer('gru', { I: 'H' })`.",
  state: 'Give it where the layer is called: `first({ x }, { state: { h: p.h0 } })`.',
  reverse: 'Give it where the layer is called: `first({ x }, { reverse: true })`.',
  init: 'Initial states are given where the layer is called; parameters of layers have the init of their cell.',
  count: REPEAT,
};

/** `undefined` after a mistake. */
function entriesOf(context: Context, what: string, node: ExpressionNode): readonly ObjectEntry[] | undefined {
  const value = convertExpression(context, node);
  if (value.kind === 'object') return value.entries;
  if (!context.recovery.isPoison(value)) {
    context.report('SPEC-LAYER-FORM', value.span, `${what} are not a table`, USAGE);
  }
  return undefined;
}
