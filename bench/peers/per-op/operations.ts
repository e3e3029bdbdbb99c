/** What a framework without fusion dispatches one by one, and what only names a part of what is there. */

/** WGSL of one element of a result; `a` and `b` are its operands, numbers or vectors of four. */
export const ELEMENTWISE = {
  copy: 'a',
  add: 'a + b',
  // `b` is one row, for every row of `a`.
  addRow: 'a + b',
  subtract: 'a - b',
  multiply: 'a * b',
  negate: '-a',
  sigmoid: '1.0 / (1.0 + exp(-a))',
  // Drivers overflow to NaN beyond.
  tanh: 'tanh(clamp(a, Element(-15.0), Element(15.0)))',
  relu: 'max(a, Element(0.0))',
  // Of a cotangent `a` and the function's value `b`.
  sigmoidSlope: 'a * b * (1.0 - b)',
  tanhSlope: 'a * (1.0 - b * b)',
  reluSlope: 'select(Element(0.0), a, b > Element(0.0))',
} as const;
export type Elementwise = keyof typeof ELEMENTWISE;

export const ACTIVATIONS = ['sigmoid', 'tanh', 'relu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** `product`: a·b; `transposedProduct`: aᵀ·b; `sumRows`: `[rows, columns]` to `[1, columns]`. */
export type Computed = Elementwise | 'product' | 'transposedProduct' | 'transpose' | 'sumRows';
/** Views of a value, and a value made of parts: nothing is computed, and where parts can lie in their whole nothing is copied. */
export type Arranged = 'splitRows' | 'splitColumns' | 'concatRows' | 'concatColumns';

/** A matrix. Where it lies is decided when all of them are known. */
export interface Value {
  readonly rows: number;
  readonly columns: number;
}

export interface Operation {
  readonly kind: Computed | Arranged;
  readonly operands: readonly Value[];
  /** Several of a split alone. */
  readonly results: readonly Value[];
}

export const isArranged = (kind: Operation['kind']): kind is Arranged => /^(split|concat)/.test(kind);
