/**
 * Layers of Keras that read each other: by the configuration of the model, where the file has it, and else by their names and
 * widths. A layer is stored under its own path, each direction of a Bidirectional below it.
 */
import type { Tensor } from '../../data.js';
import type { TensorFile } from '../containers/container.js';
import { own } from '../describe.js';
import { assumedOf, LAYER_NAMES, type LayerChoice, tensorsOf } from '../weights/file.js';
import { FRAMEWORKS, gateOrder } from '../weights/frameworks.js';
import { layerConfig } from '../weights/keras-config.js';
import { asObject, type KerasLayer, kerasLayers } from '../weights/keras-graph.js';
import { chooseFormat, type Layer, layersOf } from '../weights/layers.js';
import { refuseLeftovers } from '../weights/leftover.js';
import { describeStack } from './describe.js';
import type { FoundStack, ReadStack } from './found.js';
import { notOne, type StackedLayer, stackedOptions } from './uniform.js';

/** A layer in all its directions. */
interface Unit {
  /** Path of the layer, its separator included: `layers/bidirectional_1/`. */
  readonly name: string;
  /** What the paths of its kind have in common, and its number among them. */
  readonly stem: string;
  readonly number: number;
  /** By side, every way to read it. */
  readonly sides: ReadonlyMap<Side, Layer[]>;
  readonly sizes: { readonly I: number; readonly H: number };
  readonly config?: KerasLayer;
}

type Side = 'forward' | 'backward';

/** They hand on what they get, but for training. */
const PASSES =
  /^(?:InputLayer|Dropout|SpatialDropout1D|GaussianNoise|GaussianDropout|AlphaDropout|Masking|ActivityRegularization|Identity)$/;

/** @returns the stacks, and every layer as a stack by itself */
export function kerasStacks(file: TensorFile, layers: readonly Layer[]): Record<'stacks' | 'singles', readonly FoundStack[]> {
  const units = unitsOf(file, layers);
  const found = (chain: readonly Unit[]): FoundStack => ({
    name: chain[0]?.name ?? '',
    layers: chain.map(({ name }) => name.replace(/[./]$/, '')),
    read: (choice) => readStack(file, chain, choice),
  });
  return { stacks: chainsOf(units).map(found), singles: units.map((unit) => found([unit])) };
}

function unitsOf(file: TensorFile, layers: readonly Layer[]): readonly Unit[] {
  const configs = file.model ? kerasLayers(file.model.config) : [];
  const groups = new Map<string, Map<Side, Layer[]>>();
  for (const layer of layers) {
    const { name, side } = placeOf(layer.prefix);
    const sides = groups.get(name) ?? new Map<Side, Layer[]>();
    groups.set(name, sides.set(side, [...(sides.get(side) ?? []), layer]));
  }
  return [...groups].map(([name, sides]): Unit => {
    const shape = (part: string) => {
      const [[first] = []] = sides.values();
      return own(file.tensors, first?.names.get(part) ?? '')?.shape[0] ?? 0;
    };
    const config = configOf(name, configs);
    return {
      name,
      stem: name.replace(/_\d+(?=[./]|$)/g, ''),
      number: Number(/_(\d+)[./]?$/.exec(name)?.[1] ?? 0),
      sides,
      sizes: { I: shape('kernel'), H: shape('recurrent_kernel') },
      ...(config ? { config } : {}),
    };
  });
}

/** Whose direction a prefix is: `layers/bidirectional/forward_layer/cell/`, `bidirectional/forward_lstm/lstm_cell/`. */
function placeOf(prefix: string): { readonly name: string; readonly side: Side } {
  const layer = prefix.replace(/(?:[^./]*_)?cell(?:_\d+)?[./]$/, '');
  const [, name = layer, side = 'forward'] = /^(|.*[./])(forward|backward)(?:_[^./]*)?[./]$/.exec(layer) ?? [];
  return { name, side: side === 'backward' ? 'backward' : 'forward' };
}

function configOf(name: string, configs: readonly KerasLayer[]): KerasLayer | undefined {
  const segments = name.split(/[./\\]/);
  const [found, ...more] = configs.filter(({ path, name: called }) =>
    segments[0] === 'layers' ? path === name : segments.includes(called),
  );
  return more.length === 0 ? found : undefined;
}

function chainsOf(units: readonly Unit[]): readonly (readonly Unit[])[] {
  const ordered = units.toSorted((a, b) => (a.stem < b.stem ? -1 : a.stem > b.stem ? 1 : a.number - b.number));
  const below = new Map(
    ordered.map((unit, k) => [unit, unit.config ? configured(unit, units) : neighbour(unit, ordered[k - 1])]),
  );
  const continued = new Set(below.values());
  // What two layers read is the end of both their stacks.
  const twice = new Set([...continued].filter((unit) => [...below.values()].filter((other) => other === unit).length > 1));
  const under = (unit: Unit) => {
    const next = below.get(unit);
    return next === undefined || twice.has(next) ? undefined : next;
  };
  return ordered
    .filter((unit) => !continued.has(unit) || twice.has(unit))
    .map((last) => {
      const chain = [last];
      for (let next = under(last); next !== undefined && !chain.includes(next); next = under(next)) chain.unshift(next);
      return chain;
    });
}

/** The recurrent layer that it reads whole, where nothing but dropout and such is in between. */
function configured({ config }: Unit, units: readonly Unit[]): Unit | undefined {
  let at = config?.below;
  for (let steps = 0; at !== undefined && steps < units.length + 100; steps++) {
    const layer = at;
    const found = units.find((unit) => unit.config === layer);
    const inner = asObject(asObject(layer.config.layer).config);
    if (found) return (layer.className === 'Bidirectional' ? inner : layer.config).return_sequences === true ? found : undefined;
    if (!PASSES.test(layer.className) && !(layer.className === 'Activation' && layer.config.activation === 'linear'))
      return undefined;
    at = layer.below;
  }
  return undefined;
}

/** Without a configuration, the one before it by its number, where the widths fit. */
function neighbour(unit: Unit, before: Unit | undefined): Unit | undefined {
  if (before === undefined || before.config || before.stem !== unit.stem || before.sides.size !== unit.sides.size)
    return undefined;
  return [before.sizes.H, before.sizes.H * before.sides.size].includes(unit.sizes.I) ? before : undefined;
}

/** @throws RecurveError `IMPORT-STACK`, `WEIGHTS-*`, `DATA-*`, `SAFETENSORS-*` */
function readStack(file: TensorFile, chain: readonly Unit[], choice: LayerChoice): ReadStack {
  const rows = chain.flatMap((unit, k) => rowsOf(file, unit, k, choice));
  const [first] = rows;
  if (first === undefined) throw new Error('a stack has a layer');
  const merge = mergeOf(chain);
  const given = merge.said === 'concat' ? undefined : (merge.said ?? 'unknown');
  const { options, reverse } = stackedOptions(
    rows.map(({ stacked }) => stacked),
    first.layer.cell,
    chain[0]?.sides.size === 2 ? given : undefined,
  );
  if (reverse && chain.length > 1) {
    throw notOne(
      `${chain[0]?.name} has go_backwards, and gives its outputs to ${chain[1]?.name} from the last step to the first`,
      chain[0]?.name ?? '',
    );
  }
  const { merge: known, ...others } = options;
  const uniform = { options: known === undefined || known === 'unknown' ? others : options, reverse };
  const assumed = file.model === undefined ? assumedOf(first.layer) : [];
  const sequence =
    file.model === undefined && chain.length > 1
      ? [`${chain.map(({ name }) => name).join(' → ')}: the order of their names; the file has no configuration that tells it`]
      : [];
  return {
    source: file.source,
    cell: 'stack',
    ...uniform,
    initial: { state: {} },
    weights: { format: 'keras', tensors: Object.fromEntries(rows.flatMap(({ tensors }) => tensors)) },
    readAs: describeStack(`Keras ${LAYER_NAMES[first.layer.cell]}`, gateOrder('keras', first.layer.cell), uniform, [
      ...first.layer.remarks,
      ...first.remarks,
      ...assumed,
    ]),
    notes: [...sequence, ...merge.notes],
    ...(merge.said === undefined ? { merge: 'unknown' as const } : {}),
  };
}

interface Row {
  readonly layer: Layer;
  readonly stacked: StackedLayer;
  readonly remarks: readonly string[];
  readonly tensors: readonly [string, Tensor][];
}

function rowsOf(file: TensorFile, unit: Unit, k: number, choice: LayerChoice): readonly Row[] {
  if (!unit.sides.has('forward')) throw notOne(`${unit.name} has a backward direction alone`, unit.name);
  return (['forward', 'backward'] as const)
    .filter((side) => unit.sides.has(side))
    .map((side): Row => {
      const ways = unit.sides.get(side) ?? [];
      const layer = chooseFormat(ways, choice, file);
      if (layer.format !== 'keras')
        throw notOne(`${layer.prefix} is of ${FRAMEWORKS[layer.format].title}, whose stacks are not read`, layer.prefix);
      refuseLeftovers(file, layer, layersOf(file));
      const config = file.model && layerConfig(file.model, layer.prefix, layer.cell);
      const two = unit.sides.size === 2;
      if (two && config && config.reverse !== (side === 'backward')) {
        throw notOne(`${layer.prefix} runs ${config.reverse ? 'reverse' : 'forward'}, by its configuration`, layer.prefix);
      }
      const tensors = tensorsOf(file, layer);
      const { kernel, recurrent_kernel: recurrent } = tensors;
      return {
        layer,
        stacked: {
          label: layer.prefix.replace(/[./]$/, ''),
          cell: layer.cell,
          options: { ...layer.options, ...config?.options },
          free: {},
          directions: unit.sides.size,
          reverse: config?.reverse ?? side === 'backward',
          sizes: { I: kernel?.shape[0] ?? 0, H: recurrent?.shape[0] ?? 0 },
        },
        remarks: config?.remarks ?? [],
        tensors: Object.entries(tensors).map(([name, tensor]) => [`layer_${k}/${side}/${name}`, tensor]),
      };
    });
}

/** How the two directions become one; `undefined` where neither the configuration nor a width says it. */
function mergeOf(chain: readonly Unit[]): { readonly said?: string; readonly notes: readonly string[] } {
  const [first, second] = chain;
  if (first === undefined || first.sides.size === 1) return { said: 'concat', notes: [] };
  if (first.config) {
    const modes = chain.map(({ name, config }) => ({
      name,
      mode: config?.config.merge_mode === undefined ? 'concat' : config.config.merge_mode,
    }));
    const [theirs] = modes;
    for (const { name, mode } of modes) {
      if (!['concat', 'sum', 'mul', 'ave'].includes(String(mode)))
        throw notOne(`${name} has merge_mode = ${String(mode)}: its two directions stay apart`, name);
      if (mode !== theirs?.mode)
        throw notOne(
          `${name} has merge_mode = ${String(mode)}, and ${theirs?.name} has merge_mode = ${String(theirs?.mode)}`,
          name,
        );
    }
    return { said: String(theirs?.mode), notes: [] };
  }
  if (second === undefined) return { said: 'concat', notes: ['concat of the two directions, unless --set merge says otherwise'] };
  if (second.sizes.I !== first.sizes.H) return { said: 'concat', notes: [] };
  return { notes: [`the two directions are merged, and the file does not say how: give run --set merge=sum, mul or ave`] };
}
