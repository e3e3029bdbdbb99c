/** The names that `recurve` exports to a spec, and how functions of the language are called. */

/** Functions of the language: least and most arguments. */
export const BUILTINS: Readonly<Record<string, readonly [number, number]>> = {
  matvec: [2, 2],
  sigmoid: [1, 1],
  tanh: [1, 1],
  relu: [1, 1],
  leakyRelu: [1, 2],
  elu: [1, 2],
  softplus: [1, 1],
  softsign: [1, 1],
  hardSigmoid: [1, 1],
  exp: [1, 1],
  log: [1, 1],
  sqrt: [1, 1],
  abs: [1, 1],
  min: [2, 2],
  max: [2, 2],
  clamp: [3, 3],
  square: [1, 1],
  sin: [1, 1],
  cos: [1, 1],
  erf: [1, 1],
  log1p: [1, 1],
  expm1: [1, 1],
  logSigmoid: [1, 1],
  gelu: [1, 1],
  silu: [1, 1],
  mish: [1, 1],
  pow: [2, 2],
  round: [1, 1],
  floor: [1, 1],
  mod: [2, 2],
  step: [1, 1],
  sign: [1, 1],
  select: [3, 3],
  stopGradient: [1, 1],
  straightThrough: [2, 2],
};

/** Names that declare something, and so stand only in their own place of a cell. */
export const DECLARATORS = ['cell', 'vec', 'mat', 'scalar', 'choice', 'flag', 'real', 'integer'] as const;
export type Declarator = (typeof DECLARATORS)[number];

/** Types, for annotations; they mean nothing to the compiler. */
export const TYPES = ['Vec', 'Mat', 'Scalar', 'Init', 'Declared', 'Cell'] as const;

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
export const VALUE_EXPORTS: readonly string[] = [...Object.keys(BUILTINS), ...DECLARATORS];

/** Why a name cannot stand for a tensor, dim or option in kernels and files; `undefined` when it can. */
export function badName(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return 'names are ASCII letters, digits and `_`, and start with a letter';
  if (name.length > 64) return 'names have at most 64 characters';
  if (name in {}) return 'every JavaScript object has a member of that name';
  return undefined;
}
