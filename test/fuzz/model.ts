/**
 * A cell as the generator builds it and the shrinker takes it apart: declarations and typed expression trees.
 * `printModel` writes it as a spec.
 *
 * Text refers to declarations as `x.name`, `s.name` and `p.name`, to options as `o.name`, and to values of statements
 * by their names. What nothing refers to is not printed, so a smaller tree needs no bookkeeping.
 */

/** Dims by name, or a number in digits, an axis of that size. */
export type Shape = readonly string[];

/** One value: its text, in which `$0`, `$1` … stand for the arguments. Whatever is not a call brings its own parentheses. */
export interface Expr {
  readonly text: string;
  readonly shape: Shape;
  /** A test cannot stand where a number stands. */
  readonly type: 'number' | 'test';
  readonly args: readonly Expr[];
}

export interface Declared {
  readonly group: 'inputs' | 'state' | 'params';
  /** `mat('H', 'I', { trainable: false })`. */
  readonly text: string;
  readonly shape: Shape;
}

/** One or more lines before the `return`, or a helper at module level. */
export interface Statement {
  readonly text: string;
  readonly args: readonly Expr[];
  /** Names that it gives values to, with their shapes. */
  readonly defines: Readonly<Record<string, Shape>>;
}

export interface Option {
  /** `flag(false)`. */
  readonly text: string;
  readonly value: string | number | boolean;
}

export interface Model {
  /** Of every dim, `T` and `B` included. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly declared: Readonly<Record<string, Declared>>;
  readonly options: Readonly<Record<string, Option>>;
  readonly helpers: readonly Statement[];
  readonly statements: readonly Statement[];
  /** Next value of every state. */
  readonly next: Readonly<Record<string, Expr>>;
  readonly outputs: Readonly<Record<string, Expr>>;
  /** Whether the caller gets only what is no state. */
  readonly listed: boolean;
  readonly run: { readonly seed: number; readonly ragged: boolean; readonly reverse: boolean; readonly training: boolean };
}

export const leaf = (text: string, shape: Shape): Expr => ({ text, shape, type: 'number', args: [] });
export const apply = (text: string, shape: Shape, ...args: readonly Expr[]): Expr => ({ text, shape, type: 'number', args });
export const test = (text: string, shape: Shape, ...args: readonly Expr[]): Expr => ({ text, shape, type: 'test', args });

export const sameShape = (a: Shape, b: Shape): boolean => a.join() === b.join();

/** A dim as a spec writes it. */
export const written = (dim: string): string => (/^\d/.test(dim) ? dim : `'${dim}'`);

export const writtenAll = (dims: Shape): string => dims.map(written).join(', ');

/** An input or state of this shape. */
export function declaredAs(group: 'inputs' | 'state', shape: Shape, constructor_?: 'mat' | 'map'): Declared {
  const name = ['scalar', 'vec'][shape.length] ?? constructor_ ?? 'map';
  return { group, text: `${name}(${writtenAll(shape)})`, shape };
}
