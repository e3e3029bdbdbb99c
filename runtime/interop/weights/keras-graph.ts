/** The layers of a Keras model by its configuration, and which of them reads which. */
import { isObject, type JsonObject } from '../fields.js';

export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: JsonObject;
  /** Where Keras 3 stores what it holds: `layers/bidirectional/`. */
  readonly path: string;
  /** The layer whose first output it reads, alone or before other inputs; `undefined` where it is no one layer. */
  readonly below?: KerasLayer;
}

/** Keras names in a model may be nested, but not for ever. */
const DEEPEST = 16;

/** Nested models hold layers too; a loop, since JSON may be nested deeply. */
export function kerasLayers(root: unknown): readonly KerasLayer[] {
  const found: KerasLayer[] = [];
  const open: { readonly node: unknown; readonly path: string }[] = [{ node: root, path: '' }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { config } = asObject(next.node);
    // A Sequential model of old has its list of layers as its configuration.
    const layers = Array.isArray(config) ? config : asObject(config).layers;
    const used = new Map<string, number>();
    const named = new Map<string, { -readonly [K in keyof KerasLayer]: KerasLayer[K] }>();
    const reads: (readonly [reader: string, input: string | undefined])[] = [];
    let before: string | undefined;
    for (const layer of Array.isArray(layers) ? layers : []) {
      const { class_name: given, config: inner, inbound_nodes: calls, name } = asObject(layer);
      const className = String(given);
      const snake = snakeCase(className);
      const count = used.get(snake) ?? 0;
      used.set(snake, count + 1);
      const path = `${next.path}layers/${count === 0 ? snake : `${snake}_${count}`}/`;
      const made = { className, name: String(asObject(inner).name ?? name ?? ''), config: asObject(inner), path };
      const key = String(name ?? made.name);
      // Only a Sequential model does not say what its layers read.
      reads.push([key, calls === undefined ? before : inputOf(calls)]);
      found.push(made);
      named.set(key, made);
      before = key;
      if (Array.isArray(inner) || Array.isArray(asObject(inner).layers)) open.push({ node: layer, path });
    }
    // Layers need not be listed in the order in which they read each other.
    for (const [reader, input] of reads) {
      const [layer, below] = [named.get(reader), named.get(input ?? '')];
      if (layer && below) layer.below = below;
    }
  }
  return found;
}

export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** The layer that is read, where a layer is called once. */
function inputOf(calls: unknown): string | undefined {
  return Array.isArray(calls) && calls.length === 1 ? firstName(calls[0]) : undefined;
}

/** Keras 3 has `keras_history: [name, call, output]` within `args`, Keras 2 a list of such lists. */
function firstName(value: unknown, depth = 0): string | undefined {
  if (depth > DEEPEST) return undefined;
  if (isObject(value)) {
    const { args, config, keras_history: history } = value;
    return history === undefined ? firstName(args ?? config, depth + 1) : firstName(history, depth + 1);
  }
  if (!Array.isArray(value)) return undefined;
  const [name, , output] = value as readonly unknown[];
  // Its other outputs are states.
  if (typeof name === 'string') return output === 0 ? name : undefined;
  return firstName(name, depth + 1);
}

/** As Keras names what it stores: `SimpleRNN` becomes simple_rnn, `LSTM` lstm. */
function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
