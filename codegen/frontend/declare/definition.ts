/** The object given to `cell({ … })`: its properties, one reader each. */
import type { Expression as ExpressionNode, ObjectLiteralExpression } from 'ts-morph';
import { type Context, span } from '../convert/context.js';
import type { CellTree, DeclarationGroup, FunctionTree, Span } from '../tree.js';
import { readGroup } from './declarations.js';
import { readOptions } from './option-declarations.js';
import {
  collect,
  functionOf,
  type Property,
  readDims,
  readName,
  readStrings,
  requireProperties,
  type SpecForm,
} from './properties.js';

const CELL: SpecForm = {
  kind: 'cell',
  methods: 'step',
  properties: ['name', 'dims', 'inputs', 'state', 'params', 'step', 'options', 'outputs'],
  required: {
    name: "Add `name: 'mine',`.",
    dims: "Add `dims: ['I', 'H'],` with every dim that its shapes use.",
    inputs: "Add `inputs: { x: vec('I') },`.",
    state: "Add `state: { h: vec('H') },`.",
    params: "Add `params: { W: mat('H', 'I') },`.",
    step: 'Add `step({ x }, { h }, p) { return { h: … }; },`.',
  },
  elsewhere: {
    run: 'A cell has `step`, one time step; whole sequences are what `export default model({ … })` is about.',
    layers: 'Only a model has layers: `export default model({ … })` in a file of its own.',
    times: 'Only a model has time axes; every value of a cell is that of one step.',
  },
};

export type Definition = Pick<
  CellTree,
  'name' | 'dims' | 'options' | 'inputs' | 'state' | 'params' | 'outputs' | 'step' | 'span'
>;

export function readDefinition(context: Context, node: ObjectLiteralExpression): Definition {
  const properties = collect(context, CELL, node);
  const at = span(context, node.getParent() ?? node);
  const start: Span = { ...at, length: Math.min(at.length, 'cell'.length) };
  requireProperties(context, CELL, properties, start);
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
    name: readName(context, 'cell', given('name')),
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
  const tree = functionOf(context, 'step', property, 'Write `step({ x }, { h }, p) { return { h: … }; },`.');
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
