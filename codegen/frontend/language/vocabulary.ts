/** The names that `recurve` exports to a spec, and how functions of the language are called. */
import { argumentsOf, functions } from '../../ops/index.js';
import { LIBRARY } from './library.js';

/** Operations that are not per unit: least and most arguments, and how a call looks. */
export const STRUCTURAL = {
  matvec: { arguments: [2, 2], usage: 'matvec(p.W, x)' },
  transpose: { arguments: [1, 1], usage: 'matvec(transpose(p.W), x)' },
  blockTriangular: { arguments: [2, 3], usage: "matvec(blockTriangular(p.U, 4, 'lower'), h)" },
  lowRank: { arguments: [3, 3], usage: 'lowRank(p.A, p.B, x)' },
  antisymmetric: { arguments: [2, 2], usage: 'antisymmetric(p.U, h)' },
  outer: { arguments: [2, 2], usage: 'outer(a, b)' },
  dot: { arguments: [2, 2], usage: 'dot(a, b)' },
  sum: { arguments: [1, 2], usage: "sum(x, 'H')" },
  mean: { arguments: [1, 2], usage: "mean(x, 'H')" },
  variance: { arguments: [1, 2], usage: "variance(x, 'H')" },
  maxOver: { arguments: [1, 2], usage: "maxOver(x, 'H')" },
  logSumExp: { arguments: [1, 2], usage: "logSumExp(x, 'H')" },
  norm: { arguments: [1, 2], usage: "norm(x, 'H')" },
  softmax: { arguments: [1, 2], usage: "softmax(x, 'H')" },
  broadcast: { arguments: [2, Number.POSITIVE_INFINITY], usage: "broadcast(x, 'H')" },
  concat: { arguments: [2, Number.POSITIVE_INFINITY], usage: "concat('N', a, b)" },
  slice: { arguments: [3, 3], usage: "slice(x, 'K', 0)" },
  split: { arguments: [2, Number.POSITIVE_INFINITY], usage: "const [a, b] = split(x, 'H', 'H')" },
  conv1d: { arguments: [2, 3], usage: "conv1d(p.K, x, { padding: 'same' })" },
  conv2d: { arguments: [2, 3], usage: "conv2d(p.K, x, { padding: 'same' })" },
  delay: { arguments: [2, 2], usage: 'delay(h, 3)' },
  index: { arguments: [1, 1], usage: "index('H')" },
  blockIndex: { arguments: [2, 2], usage: "blockIndex('H', 4)" },
  dropout: { arguments: [2, 3], usage: "dropout(x, 0.1, 'sequence')" },
  zoneout: { arguments: [3, 4], usage: "zoneout(next, h, 0.1, 'sequence')" },
  dropConnect: { arguments: [2, 2], usage: 'matvec(dropConnect(p.U, 0.1), h)' },
  noise: { arguments: [2, 2], usage: 'noise(x, 0.1)' },
  either: { arguments: [3, 3], usage: 'either(truth, own, p.forcing)' },
  embed: { arguments: [2, 2], usage: 'embed(p.E, s)' },
  argmax: { arguments: [1, 2], usage: "argmax(x, 'V')" },
  sample: { arguments: [1, 2], usage: 'sample(logits, 0.7)' },
  crossEntropy: { arguments: [2, 3], usage: 'crossEntropy(logits, s, { smoothing: 0.1 })' },
} as const satisfies Readonly<Record<string, { arguments: readonly [number, number]; usage: string }>>;
export type Structural = keyof typeof STRUCTURAL;

export function isStructural(name: string): name is Structural {
  return Object.hasOwn(STRUCTURAL, name);
}

/** Functions that draw at random: a cell that calls one has the option `training`. */
export const RANDOM: readonly string[] = ['dropout', 'zoneout', 'dropConnect', 'noise'] satisfies Structural[];

/** Functions of the language that both kinds hold: fewest and most arguments. */
export const BUILTINS: Readonly<Record<string, readonly [number, number]>> = {
  ...Object.fromEntries(Object.entries(STRUCTURAL).map(([name, operation]) => [name, operation.arguments])),
  ...Object.fromEntries(Object.entries(functions).map(([name, record]) => [name, argumentsOf(record)])),
};

/** Functions of whole sequences: only a model's run can call them. */
export const MODEL_FUNCTIONS = {
  shift: { arguments: [2, 2], usage: 'shift(x, -1)' },
  first: { arguments: [1, 1], usage: 'first(x)' },
  last: { arguments: [1, 1], usage: 'last(x)' },
  memory: { arguments: [1, 1], usage: 'memory(x)' },
  steps: { arguments: [1, 1], usage: "steps('T')" },
} as const satisfies Readonly<Record<string, { arguments: readonly [number, number]; usage: string }>>;
export type ModelFunction = keyof typeof MODEL_FUNCTIONS;

export function isModelFunction(name: string): name is ModelFunction {
  return Object.hasOwn(MODEL_FUNCTIONS, name);
}

/** Names that declare something, and so stand only in their own place of a cell or model. */
export const DECLARATORS = [
  'cell',
  'model',
  'over',
  'layer',
  'repeat',
  'vec',
  'mat',
  'scalar',
  'symbol',
  'map',
  'blocks',
  'stack',
  'kernel',
  'choice',
  'flag',
  'real',
  'integer',
] as const;
export type Declarator = (typeof DECLARATORS)[number];

/** Types, for annotations; they mean nothing to the compiler. */
export const TYPES = [
  'Vec',
  'Mat',
  'Scalar',
  'FeatureMap',
  'Blocks',
  'Stack',
  'Kernel',
  'Matrix',
  'Init',
  'Declared',
  'NumberSettings',
  'Convolution',
  'Targets',
  'Cell',
  'Layer',
  'LayerDeclared',
  'LayerSettings',
  'Model',
  'Repeated',
] as const;

export const INITS = ['uniform', 'orthogonal', 'zeros', 'ones'] as const;
export type Init = (typeof INITS)[number];

export function isBuiltin(name: string): boolean {
  return Object.hasOwn(BUILTINS, name);
}

export function isDeclarator(name: string): name is Declarator {
  return DECLARATORS.some((declarator) => declarator === name);
}

export function isInit(name: unknown): name is Init {
  return INITS.some((init) => init === name);
}

/** Every value that a spec can import from `recurve`. */
export const VALUE_EXPORTS: readonly string[] = [
  ...Object.keys(BUILTINS),
  ...Object.keys(MODEL_FUNCTIONS),
  ...LIBRARY,
  ...DECLARATORS,
];

/** Why a name cannot stand for a tensor, dim or option in kernels and files; `undefined` when it can. */
export function badName(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return 'names are ASCII letters, digits and `_`, and start with a letter';
  if (name.length > 64) return 'names have at most 64 characters';
  if (name in {}) return 'every JavaScript object has a member of that name';
  return undefined;
}
