/** What frameworks call the tensors of several layers and directions; one layer's are in the tables of ../weights. */
import type { WeightFormat } from '../types.js';
import type { Structure } from './structure.js';

/** Where a tensor of a request belongs. */
export interface Place {
  readonly layer: number;
  /** `undefined`: it holds all directions, along its first axis. */
  readonly reverse: boolean | undefined;
  /** In the framework's table of one layer. */
  readonly part: string;
}

export interface Naming {
  placeOf(name: string): Place | undefined;
  nameOf(place: Place): string;
}

const TORCH: Naming = {
  placeOf(name) {
    const [, part, layer, reverse] = /^(.+)_l(\d+)(_reverse)?$/.exec(name) ?? [];
    return part === undefined ? undefined : { part: `${part}_l0`, layer: Number(layer), reverse: reverse !== undefined };
  },
  nameOf: ({ layer, reverse, part }) => `${part.replace(/_l0$/, '')}_l${layer}${reverse ? '_reverse' : ''}`,
};

const KERAS: Naming = {
  placeOf(name) {
    const [, layer, direction, part] = /^layer_(\d+)\/(forward|backward)\/(.+)$/.exec(name) ?? [];
    return part === undefined ? undefined : { part, layer: Number(layer), reverse: direction === 'backward' };
  },
  nameOf: ({ layer, reverse, part }) => `layer_${layer}/${reverse ? 'backward' : 'forward'}/${part}`,
};

const ONNX_NODE: Naming = {
  placeOf: (name) => ({ part: name, layer: 0, reverse: undefined }),
  nameOf: ({ part }) => part,
};

/** What a file of several nodes calls them, and what `"layers": [{…}, …]` is flattened to. */
const ONNX_CHAIN: Naming = {
  placeOf(name) {
    const [, layer, part] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    return part === undefined ? undefined : { part, layer: Number(layer), reverse: undefined };
  },
  nameOf: ({ layer, part }) => `layers.${layer}.${part}`,
};

export const STACK_FORMATS = ['torch', 'onnx', 'keras'] as const satisfies readonly WeightFormat[];

/** `undefined` for a framework whose stacks are not read. @param names of the request's tensors */
export function namingOf(format: WeightFormat, { layers }: Structure, names: readonly string[]): Naming | undefined {
  if (format === 'torch') return TORCH;
  if (format === 'keras') return KERAS;
  if (format !== 'onnx') return undefined;
  return layers > 1 || names.some((name) => name.startsWith('layers.')) ? ONNX_CHAIN : ONNX_NODE;
}
