/** Simpler models than one: fewer outputs, shorter, values by what they are made of, and simpler cells. */
import { candidates } from '../shrink.js';
import type { Network, Value } from './network.js';
import { isInput, reachedValues } from './print.js';

export function* simpler(network: Network): Generator<Network> {
  yield* withoutOutputs(network);
  yield* simplerRuns(network);
  yield* simplerValues(network);
  yield* simplerCalls(network);
  yield* simplerCells(network);
  yield* smallerSizes(network);
}

function* withoutOutputs(network: Network): Generator<Network> {
  const names = Object.keys(network.outputs);
  for (const name of names.length > 1 ? names : [])
    yield { ...network, outputs: Object.fromEntries(Object.entries(network.outputs).filter(([own]) => own !== name)) };
}

function* simplerRuns(network: Network): Generator<Network> {
  const { run, sizes } = network;
  for (const key of ['ragged', 'training'] as const) if (run[key]) yield { ...network, run: { ...run, [key]: false } };
  for (const key of ['S', 'T', 'B']) {
    const size = sizes[key] ?? 1;
    for (const smaller of new Set([1, 2, size - 1])) {
      if (smaller >= 1 && smaller < size) yield { ...network, sizes: { ...sizes, [key]: smaller } };
    }
  }
}

/** Outputs by an argument; every value by an argument of its kind, or by an input. */
function* simplerValues(network: Network): Generator<Network> {
  const reached = reachedValues(network);
  for (const [name, at] of Object.entries(network.outputs)) {
    for (const arg of network.values[at]?.args ?? []) {
      const value = network.values[arg];
      if (value?.type === 'number' && value.varies && !isInput(network, value))
        yield { ...network, outputs: { ...network.outputs, [name]: arg } };
    }
  }
  for (const [at, value] of [...network.values.entries()].reverse()) {
    if (!reached.has(at) || isInput(network, value) || value.type === 'call') continue;
    const alike = value.args.filter((arg) => isAlike(network.values[arg], value));
    for (const arg of alike) yield replaced(network, at, arg);
    if (value.type !== 'number' || value.args.length === 0 || Object.values(network.outputs).includes(at)) continue;
    const name = `${value.time === undefined ? 'k' : `z${value.time}`}${value.shape.map((dim) => `_${dim}`).join('')}`;
    const known = network.values.findIndex(({ text }) => text === name);
    if (known >= 0 && known < at) yield replaced(network, at, known);
    else if (known < 0) {
      const input: Value = { text: name, args: [], shape: value.shape, time: value.time, type: 'number', varies: true };
      const inputs = { ...network.inputs, [name]: { shape: value.shape, time: value.time } };
      // Takes the place of the value: others are numbered as before.
      yield { ...network, inputs, values: network.values.map((own, index) => (index === at ? input : own)) };
    }
  }
}

function isAlike(a: Value | undefined, b: Value): boolean {
  return a !== undefined && a.type === b.type && a.time === b.time && a.shape.join() === b.shape.join();
}

function replaced(network: Network, at: number, by: number): Network {
  const other = (number: number) => (number === at ? by : number);
  const values = network.values.map((value) => ({ ...value, args: value.args.map(other) }));
  const outputs = Object.fromEntries(Object.entries(network.outputs).map(([name, value]) => [name, other(value)]));
  const bare = Object.values(outputs).some((output) => {
    const value = values[output];
    return value === undefined || !value.varies || isInput(network, value);
  });
  return bare ? network : { ...network, values, outputs };
}

function* simplerCalls(network: Network): Generator<Network> {
  for (const [at, value] of network.values.entries()) {
    const { call } = value;
    if (call === undefined || !reachedValues(network).has(at)) continue;
    const by = (own: Partial<typeof call>) => ({
      ...network,
      values: network.values.map((each, index) => (index === at ? { ...each, call: { ...call, ...own } } : each)),
    });
    if (call.reverse) yield by({ reverse: false });
    for (const group of ['state', 'from'] as const)
      for (const name of Object.keys(call[group]))
        yield by({ [group]: Object.fromEntries(Object.entries(call[group]).filter(([own]) => own !== name)) });
  }
}

/** Cells of the same tensors at the same sizes. */
function* simplerCells(network: Network): Generator<Network> {
  for (const [name, layer] of Object.entries(network.layers)) {
    const { cell } = layer;
    if (typeof cell === 'string') continue;
    for (const candidate of candidates(cell)) {
      const alike =
        JSON.stringify(candidate.sizes) === JSON.stringify(cell.sizes) &&
        Object.keys(candidate.declared).every((own) => candidate.declared[own]?.group === cell.declared[own]?.group) &&
        Object.keys(candidate.declared).length === Object.keys(cell.declared).length;
      if (alike) yield { ...network, layers: { ...network.layers, [name]: { ...layer, cell: candidate } } };
    }
  }
}

/** Of dims that no sum of others has made. */
function* smallerSizes(network: Network): Generator<Network> {
  const free = Object.entries(network.sizes).filter(([dim]) => /^D\d$/.test(dim));
  const made = network.values.some(({ text }) => text.startsWith('concat('));
  const own = Object.values(network.layers).some(({ cell }) => typeof cell !== 'string');
  if (made || own) return;
  for (const [dim, size] of free) if (size > 1) yield { ...network, sizes: { ...network.sizes, [dim]: size - 1 } };
}
