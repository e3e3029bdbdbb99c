/** Layers of a random model: which cell each is, and calls of it. */

import type { CellTree, OptionValue, Signature } from '../../../codegen/frontend/tree.js';
import { lower, parseCell, parseCellSource, resolveOptions, resolveSignature } from '../../../codegen/index.js';
import { builtInCells } from '../../../codegen/shipped.js';
import { outputShapes } from '../../../runtime/check/index.js';
import { generateModel } from '../generate.js';
import type { Model, Shape } from '../model.js';
import { printModel } from '../print.js';
import type { NetworkBuilder } from './builder.js';

/** What a call needs to know of a layer, its shapes in the dims of the model. */
export interface Face {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly state: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

const BUILT_IN: readonly (readonly [string, Readonly<Record<string, OptionValue>>])[] = [
  ['rnn', {}],
  ['gru', {}],
  ['gru', { reset: 'before' }],
  ['lstm', {}],
  ['lstm', { peepholes: true, coupled: true }],
  ['lstm', { projection: true }],
  ['lstm', { recurrentDropout: true }],
  ['min-gru', {}],
  ['indrnn', {}],
  ['ugrnn', {}],
  ['mgu', {}],
  ['jordan', {}],
  ['qrnn', {}],
  ['tcn', {}],
];

const TREES = new Map<string, CellTree>();

function builtIn(name: string): CellTree {
  const path = builtInCells().find((cell) => cell.name === name)?.path ?? '';
  const tree = TREES.get(path) ?? parseCell(path);
  TREES.set(path, tree);
  return tree;
}

/** Random cells above this make a test long and tell nothing that smaller ones do not. */
const MOST = { lines: 26, products: 3, size: 8, tries: 40 };

function smallCell(b: NetworkBuilder): Model | undefined {
  for (let tries = 0; tries < MOST.tries; tries++) {
    const model = generateModel(b.random.whole(1, 1_000_000), b.random.whole(0, 10_000));
    const text = printModel(model);
    const sizes = Object.entries(model.sizes).filter(([dim]) => dim !== 'T' && dim !== 'B' && text.includes(`'${dim}'`));
    const products = text.match(/matvec\(|blocks\(|conv\w*\(|einsum\(/gi)?.length ?? 0;
    if (text.split('\n').length > MOST.lines || products > MOST.products) continue;
    if (sizes.every(([, size]) => size <= MOST.size)) return model;
  }
  return undefined;
}

function faceOf(
  name: string,
  tree: CellTree,
  given: Readonly<Record<string, OptionValue>>,
  dims: Readonly<Record<string, string>>,
): Face {
  const signature = resolveSignature(tree, resolveOptions(tree, given));
  const mapped = (shape: Shape) => shape.map((dim) => dims[dim] ?? dim);
  const table = (declared: Signature['inputs']) => Object.fromEntries(declared.map((one) => [one.name, mapped(one.shape)]));
  const outputs = Object.entries(outputShapes(signature, lower(tree, signature)));
  return {
    name,
    inputs: table(signature.inputs),
    state: table(signature.state),
    outputs: Object.fromEntries(outputs.map(([output, shape]) => [output, mapped(shape)])),
  };
}

/** A new layer of a built-in cell. `square`: its input has the shape of its output, so that it can be repeated. */
export function builtInLayer(b: NetworkBuilder, count?: number): Face {
  const { random } = b;
  const square = count !== undefined;
  const [cell, options] = random.pick(square ? BUILT_IN.filter(([, own]) => own.projection !== true) : BUILT_IN);
  const tree = builtIn(cell);
  const [all] = b.someVec();
  const dims = Object.fromEntries(tree.dims.map(({ name }) => [name, (square ? all : b.someVec()[0]) ?? 'D0']));
  const { dims: used } = resolveSignature(tree, resolveOptions(tree, options));
  const kept = Object.fromEntries(Object.entries(dims).filter(([dim]) => used.includes(dim)));
  const name = `l${Object.keys(b.layers).length}`;
  const settings = Object.keys(options).length > 0 ? `{ options: ${literal(options)} }` : '';
  b.layers[name] = { cell, dims: kept, settings, ...(square ? { count } : {}) };
  return faceOf(name, tree, options, kept);
}

/** A new layer of a random cell; `undefined` where none is small. */
export function randomLayer(b: NetworkBuilder): Face | undefined {
  const { random } = b;
  const model = smallCell(b);
  if (model === undefined) return undefined;
  const tree = parseCellSource('fuzzed.cell.ts', printModel(model));
  const options = Object.fromEntries(
    Object.entries(model.options).flatMap(([option, { value }]) =>
      tree.options.some(({ name }) => name === option) ? [[option, value]] : [],
    ),
  );
  const name = `l${Object.keys(b.layers).length}`;
  // A step that names an axis finds it where no other has become the same dim.
  const named = /, '\w+'\)/.test(JSON.stringify([model.next, model.outputs, model.statements]));
  const taken = new Set<string>();
  const dims = Object.fromEntries(
    tree.dims.map(({ name: dim }): [string, string] => {
      const size = model.sizes[dim] ?? 1;
      const alike = ['D0', 'D1', 'D2'].filter((own) => b.sizes[own] === size && !(named && taken.has(own)));
      for (const own of alike) taken.add(own);
      return [dim, alike.length > 0 && random.chance(0.6) ? random.pick(alike) : b.newDim(size)];
    }),
  );
  b.layers[name] = { cell: model, dims, settings: Object.keys(options).length > 0 ? `{ options: ${literal(options)} }` : '' };
  return faceOf(name, tree, options, dims);
}

function literal(options: Readonly<Record<string, OptionValue>>): string {
  return `{ ${Object.entries(options)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`)
    .join(', ')} }`;
}

/** Calls a layer; what comes out are values. */
export function callLayer(b: NetworkBuilder, face: Face, layer = face.name): void {
  const { random } = b;
  const args: number[] = [];
  const names = Object.entries(face.inputs);
  const sequence = random.pick(names)[0];
  const time = random.pick(b.axes);
  const over = (chance: number) => (random.chance(chance) ? [time] : [undefined]);
  const inputs = names.map(([name, shape]): [string, number] => {
    return [name, args.push(b.one({ shape, over: name === sequence ? [time] : over(0.8) })) - 1];
  });
  const handed = random.chance(0.25) ? Object.entries(face.state).filter(() => random.chance(0.7)) : [];
  const from = handed.map(([name, shape]): [string, number] => {
    return [name, args.push(b.one({ shape, over: over(0.85) })) - 1];
  });
  const kept = Object.entries(face.state).filter(([name]) => !handed.some(([other]) => other === name));
  const state = kept.flatMap(([name, shape]): [string, number][] => {
    return random.chance(0.5) ? [[name, args.push(initial(b, shape)) - 1]] : [];
  });
  const call = {
    layer,
    inputs: Object.fromEntries(inputs),
    state: Object.fromEntries(state),
    from: Object.fromEntries(from),
    reverse: random.chance(0.35),
  };
  const at = b.add('', args, [], { type: 'call', call, time });
  for (const [name, shape] of Object.entries(face.outputs)) if (random.chance(0.8)) b.add(`$0.${name}`, [at], shape);
  for (const [name, shape] of Object.entries(face.state)) if (random.chance(0.2)) b.add(`$0.state.${name}`, [at], shape);
  for (const [name, shape] of kept) if (random.chance(0.5)) b.add(`$0.final.${name}`, [at], shape, { time: undefined });
  const [first] = Object.entries(face.outputs);
  if (first !== undefined) b.add(`$0.${first[0]}`, [at], first[1]);
}

/** A value without time: an input, a parameter, something computed, or a number. */
function initial(b: NetworkBuilder, shape: Shape): number {
  const { random } = b;
  const choice = random.next();
  if (choice < 0.25) return b.add(random.chance(0.7) ? b.param(shape) : `(0.5 * tanh(${b.param(shape)}))`, [], shape);
  if (choice < 0.32) return b.add('0.25', [], []);
  if (choice < 0.42) return b.add(b.param([]), [], []);
  const sequence = b.known({ shape, over: b.axes });
  if (sequence !== undefined && choice < 0.65) {
    const { time } = b.value(sequence);
    const text = random.pick([`mean($0, '${time}')`, 'last($0)', 'first($0)', `maxOver($0, '${time}')`]);
    return b.add(text, [sequence], shape, { time: undefined });
  }
  return b.one({ shape, over: [undefined] });
}
