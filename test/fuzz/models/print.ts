/** A random model as text: its own file and those of its cells. */

import { LIBRARY } from '../../../codegen/frontend/language/library.js';
import { BUILTINS, DECLARATORS, MODEL_FUNCTIONS } from '../../../codegen/frontend/language/vocabulary.js';
import { declaredAs, type Model } from '../model.js';
import { mentions, printModel } from '../print.js';
import type { Call, Network, NetworkLayer, Time, Value } from './network.js';

const EXPORTS = [...new Set([...Object.keys(BUILTINS), ...Object.keys(MODEL_FUNCTIONS), ...LIBRARY, ...DECLARATORS])];

/** Texts by the names of files. */
export function printNetwork(network: Network): Record<string, string> {
  const reached = reachedValues(network);
  const lines = network.values.flatMap((value, at) =>
    reached.has(at) && !isInput(network, value) ? [statement(network, at)] : [],
  );
  const times = timesOf(
    network,
    network.values.filter((_, at) => reached.has(at)),
  );
  const returned = Object.entries(network.outputs).map(([name, value]) => `${name}: ${nameOf(network, value)}`);
  const body = [...lines, `return { ${returned.join(', ')} };`].join('\n');
  const used = <T>(table: Readonly<Record<string, T>>, prefix = '') =>
    Object.entries(table).filter(([name]) => mentions(body, `${prefix}${name}`));
  const [inputs, layers, params] = [used(network.inputs), used(network.layers), used(network.params, 'p.')];
  const states = used(network.state, 'state.');
  const own = layers.flatMap(([name, { cell }]): [string, Model][] => (typeof cell === 'string' ? [] : [[name, cell]]));
  const declared = [
    ['inputs', inputs.map(([name, { shape, time, symbols }]) => `${name}: ${timed(time, shape, symbols)}`)],
    ['state', states.map(([name, { shape, time }]) => `${name}: ${timed(time, shape)}`)],
    ['layers', layers.map(([name, layer]) => `${name}: ${printLayer(name, layer)}`)],
    ['params', params.map(([name, text]) => `${name}: ${text}`)],
  ] as const;
  const tables = declared.flatMap(([title, entries]) =>
    entries.length > 0 ? [`${title}: {\n${entries.map((entry) => `    ${entry},`).join('\n')}\n  }`] : [],
  );
  const text = `${tables.join('\n')}\n${body}`;
  const dims = Object.keys(network.sizes).filter((dim) => !['S', 'T', 'B'].includes(dim) && text.includes(`'${dim}'`));
  const names = ['model', ...EXPORTS.filter((name) => new RegExp(`(?<![.\\w])${name}\\(`).test(text))];
  const heads = (entries: readonly (readonly [string, unknown])[]) => `{ ${entries.map(([name]) => name).join(', ')} }`;
  const definition = [
    "name: 'fuzzed'",
    `dims: [${dims.map((dim) => `'${dim}'`).join(', ')}]`,
    ...(times.includes('S') ? [`times: [${times.map((time) => `'${time}'`).join(', ')}]`] : []),
    ...tables,
    `run(${heads(inputs)}, ${heads(layers)}, p${states.length > 0 ? ', { state }' : ''}) {\n    ${body.replaceAll('\n', '\n    ')}\n  }`,
  ];
  const imports = [
    `import { ${names.join(', ')} } from 'recurve';`,
    ...own.map(([name]) => `import ${name}Cell from './${name}.cell.js';`),
  ];
  return {
    'fuzzed.model.ts': `${imports.join('\n')}\nexport default model({\n${definition.map((line) => `  ${line},`).join('\n')}\n});\n`,
    ...Object.fromEntries(own.map(([name, cell]) => [`${name}.cell.ts`, printModel(cell)])),
  };
}

/** Numbers of the values that outputs are made of. */
export function reachedValues({ values, outputs }: Pick<Network, 'values' | 'outputs'>): ReadonlySet<number> {
  const reached = new Set(Object.values(outputs));
  for (let at = values.length - 1; at >= 0; at--) if (reached.has(at)) for (const arg of values[at]?.args ?? []) reached.add(arg);
  return reached;
}

/** The time axes of what a network's outputs are made of, in the order in which a model has them. */
export function timesOf({ sizes, inputs, state }: Network, reached: Iterable<Value>): string[] {
  const used = new Set([...reached].map(({ text }) => inputs[text]?.time ?? state[text.replace('state.', '')]?.time));
  return Object.keys(sizes).filter((time) => used.has(time as Time));
}

function timed(time: Time, shape: readonly string[], symbols?: string): string {
  const text = symbols === undefined ? declaredAs('inputs', shape).text : `symbol('${symbols}')`;
  return time === undefined ? text : `over('${time}', ${text})`;
}

export function isInput({ inputs }: Pick<Network, 'inputs'>, { text, args }: Value): boolean {
  return args.length === 0 && text in inputs;
}

function nameOf(network: Network, at: number): string {
  const value = network.values[at];
  if (value === undefined) throw new Error(`no value ${at}`);
  return isInput(network, value) ? value.text : `v${at}`;
}

function statement(network: Network, at: number): string {
  const value = network.values[at];
  if (value === undefined) throw new Error(`no value ${at}`);
  const text = value.call === undefined ? value.text : printCall(network, value.call);
  const filled = text.replace(/\$(\d+)/g, (_, position: string) => nameOf(network, value.args[Number(position)] ?? -1));
  return filled.includes('$$') ? filled.replaceAll('$$', `v${at}`) : `const v${at} = ${filled};`;
}

function printCall({ layers }: Network, { layer, inputs, state, from, reverse }: Call): string {
  const cell = layers[layer.replace(/\[.*/, '')]?.cell;
  // A random cell that was shrunk may have lost some of its inputs and states.
  const kept = (table: Readonly<Record<string, number>>, has: (name: string, of: Model) => boolean) =>
    Object.entries(table).filter(([name]) => typeof cell !== 'object' || has(name, cell));
  const printed = (entries: readonly [string, number][]) => `{ ${entries.map(([name, at]) => `${name}: $${at}`).join(', ')} }`;
  const given = kept(inputs, (name, of) => mentions(printModel(of), `x.${name}`));
  const starts = kept(state, (name, of) => name in of.next);
  const handed = kept(from, (name, of) => name in of.next);
  const settings = [
    ...(starts.length > 0 ? [`state: ${printed(starts)}`] : []),
    ...(handed.length > 0 ? [`from: ${printed(handed)}`] : []),
    ...(reverse ? ['reverse: true'] : []),
  ];
  return `${layer}(${printed(given)}${settings.length > 0 ? `, { ${settings.join(', ')} }` : ''})`;
}

function printLayer(name: string, { cell, dims, settings, count }: NetworkLayer): string {
  const text = typeof cell === 'string' ? undefined : printModel(cell);
  const mapped = Object.entries(dims).filter(([dim]) => text === undefined || text.includes(`'${dim}'`));
  const table = `{ ${mapped.map(([dim, own]) => `${dim}: '${own}'`).join(', ')} }`;
  const one = `layer(${typeof cell === 'string' ? `'${cell}'` : `${name}Cell`}, ${table}${settings === '' ? '' : `, ${settings}`})`;
  return count === undefined ? one : `repeat(${count}, ${one})`;
}
