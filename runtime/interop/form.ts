/** The fields of a request, once for both forms: where JSON has them, and what safetensors calls them. */

/**
 * By their path in JSON. In safetensors, `tensors` is what the names of a group's tensors start with, `tensor` is one tensor
 * of that name, and `metadata` is a key of `__metadata__`. docs/data.md says what each means.
 */
export const FIELDS = {
  cell: { metadata: 'cell' },
  options: { metadata: 'options' },
  inputs: { tensors: 'inputs' },
  state: { tensors: 'state' },
  params: { tensors: 'params' },
  'init.seed': { metadata: 'init' },
  'weights.format': { metadata: 'weights.format' },
  'weights.tensors': { tensors: 'weights' },
  'weights.layers': { tensors: 'weights.layers' },
  /** Of a model with several time axes a tensor for each: `lengths.S`. */
  lengths: { tensor: 'lengths' },
  reverse: { metadata: 'reverse' },
  seed: { metadata: 'seed' },
  'cotangents.outputs': { tensors: 'cotangents.outputs' },
  'cotangents.state': { tensors: 'cotangents.state' },
} as const;

/** What a tensor is made of in JSON. */
export const TENSOR_KEYS = ['shape', 'data'] as const;

const fields = Object.values(FIELDS);
export const GROUPS = fields.flatMap((field) => ('tensors' in field ? [field.tensors] : []));
export type Group = (typeof GROUPS)[number];
export const METADATA_KEYS = fields.flatMap((field) => ('metadata' in field ? [field.metadata] : []));

export const REQUEST_KEYS = keysOf('');
export const INIT_KEYS = keysOf('init.');
export const WEIGHTS_KEYS = keysOf('weights.');
export const COTANGENTS_KEYS = keysOf('cotangents.');

/** The keys of the JSON object whose fields have paths that start so. */
function keysOf(start: string): readonly string[] {
  const paths = Object.keys(FIELDS).filter((path) => path.startsWith(start));
  return [...new Set(paths.map((path) => path.slice(start.length).replace(/\..*/, '')))];
}
