/** The object given to `model({ … })`: its properties, one reader each. */
import type { Expression as ExpressionNode, ObjectLiteralExpression } from 'ts-morph';
import { type Context, span } from '../convert/context.js';
import { badName } from '../language/vocabulary.js';
import type { DeclarationGroup, FunctionTree, ModelTree, Span } from '../tree.js';
import { readGroup } from './declarations.js';
import { readLayers } from './layers.js';
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

const RUN = 'run({ x }, { first }, p) { return { y: first({ x }).h }; },';

const MODEL: SpecForm = {
  kind: 'model',
  methods: 'run',
  properties: ['name', 'dims', 'inputs', 'run', 'options', 'times', 'state', 'layers', 'params'],
  required: {
    name: "Add `name: 'mine',`.",
    dims: "Add `dims: ['I', 'H'],` with every dim that its shapes and layers use.",
    inputs: "Add `inputs: { x: over('T', vec('I')) },`.",
    run: `Add \`${RUN}\`.`,
  },
  elsewhere: {
    step: 'Call it `run`: it says what happens over whole sequences; the steps are in the cells of its layers.',
    outputs: 'Remove it: what `run` returns is what a caller gets.',
    cells: "Write `layers: { first: layer('gru', { I: 'I' }) },`.",
  },
};

export type ModelDefinition = Pick<
  ModelTree,
  'name' | 'dims' | 'times' | 'options' | 'inputs' | 'state' | 'params' | 'layersOptionsName' | 'layers' | 'run' | 'span'
>;

/** Layers are read first: what `run` and its helpers call are layers by name. */
export function readModel(context: Context, node: ObjectLiteralExpression): ModelDefinition {
  const properties = collect(context, MODEL, node);
  const at = span(context, node.getParent() ?? node);
  const start: Span = { ...at, length: Math.min(at.length, 'model'.length) };
  requireProperties(context, MODEL, properties, start);
  const given = (name: string) => properties.get(name)?.value;
  const group = (title: 'inputs' | 'state' | 'params', times?: readonly string[]): DeclarationGroup => {
    const value = given(title);
    if (value !== undefined) return readGroup(context, title, value, times);
    const missing: DeclarationGroup = { optionsName: undefined, entries: [], span: start };
    if (title === 'inputs' || properties.has(title)) context.recovery.open(missing);
    return missing;
  };
  const options = given('options');
  if (properties.has('options') && options === undefined) context.recovery.optionsOpen = true;
  const times = readTimes(context, given('times'), start);
  const names = times.map(({ name }) => name);
  const params = group('params');
  const layersNode = given('layers');
  if (properties.has('layers') && layersNode === undefined) context.recovery.layersOpen = true;
  const declared = options === undefined ? [] : readOptions(context, options);
  const layers =
    layersNode === undefined ? { layers: [], layersOptionsName: undefined } : readLayers(context, layersNode, params, declared);
  const running: Context = { ...context, layers: new Set(layers.layers.map(({ name }) => name)) };
  return {
    name: readName(context, 'model', given('name')),
    dims: readDims(context, given('dims'), names),
    times,
    options: declared,
    inputs: group('inputs', names),
    state: group('state', names),
    params,
    ...layers,
    run: readRun(running, properties.get('run'), start),
    span: start,
  };
}

function readTimes(context: Context, node: ExpressionNode | undefined, at: Span): ModelTree['times'] {
  const found = node === undefined ? undefined : readStrings(context, 'times', node, "['T']");
  if (found === undefined) return [{ name: 'T', span: at }];
  if (node !== undefined && found.length === 0) {
    const message = 'the model has no time axis, and sequences are what it is about';
    context.report('SPEC-PROPERTY-FORM', span(context, node), message, "Write `times: ['T'],`, or leave it out.");
    return [{ name: 'T', span: at }];
  }
  return found.filter(({ name, span: place }, position) => {
    const again = found.findIndex((other) => other.name === name) < position;
    const bad = badName(name);
    if (again) context.report('SPEC-TIME-DUPLICATE', place, `the time axis \`${name}\` is listed twice`, 'Remove one.');
    else if (name === 'B') {
      const fix = "Name the axis for its steps, e.g. 'S'.";
      context.report('SPEC-DIM-RESERVED', place, '`B` counts the sequences of a batch, which every model has', fix);
    } else if (bad !== undefined) {
      context.report('SPEC-NAME', place, `a time axis cannot be called \`${name}\`: ${bad}`, "Write a short name, e.g. 'S'.");
    }
    return !again;
  });
}

function readRun(context: Context, property: Property | undefined, at: Span): FunctionTree {
  const tree = functionOf(context, 'run', property, `Write \`${RUN}\`.`);
  if (tree === undefined) {
    context.recovery.stepOpen = true;
    return { name: 'run', parameters: [], body: [], span: at };
  }
  const [, , , settings, fifth] = tree.parameters;
  if (fifth !== undefined) {
    const fix = 'Write `run(inputs, layers, p, { options: o })`; the last ones may be left out.';
    context.report('SPEC-STEP-FORM', fifth.span, '`run` takes at most four parameters', fix);
  }
  const t = settings?.kind === 'object' ? settings.members.find(({ property }) => property === 't') : undefined;
  if (t !== undefined) {
    const fix = 'Read `t` in the step of a cell, or take an input that counts.';
    context.report('SPEC-TIME-VALUE', t.span, '`t` is the number of a step, and `run` is about whole sequences', fix);
  }
  return tree;
}
