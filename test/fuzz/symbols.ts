/** Productions of symbols: rows of matrices by number, numbers of largest and of drawn units, and losses. */
import type { Builder, Production } from './builder.js';
import { apply, type Expr } from './model.js';

/** One of as many symbols as the dim has: an input, or what a value over them says. */
function symbol(b: Builder, dim: string, fuel: number): Expr {
  if (b.isHelper || b.random.chance(0.4)) return chosen(b, dim, fuel);
  if (b.random.chance(0.1)) return apply('0', []);
  const given = b.symbol(dim);
  return b.random.chance(0.3) ? apply(`delay($0, ${b.random.whole(1, 2)})`, [], given) : given;
}

/** What is largest jumps: it must depend on continuous data. */
function chosen(b: Builder, dim: string, fuel: number): Expr {
  const value = apply('($0 + $1)', [dim], b.value([dim], fuel), b.generic([dim]));
  const call = b.random.pick(['argmax($0)', 'argmax($0)', 'sample($0)', 'sample($0, 0.5)']);
  return apply(call, [], value);
}

export const SYMBOLS: readonly Production[] = [
  {
    name: 'embed',
    weight: 2,
    make: (b, shape, fuel) => {
      const [dim] = shape;
      if (dim === undefined || shape.length > 1 || b.isHelper) return undefined;
      const rows = b.partner('columns', dim) ?? b.dim();
      return apply(`embed(${b.param('mat', [rows, dim])}, $0)`, shape, symbol(b, rows, fuel));
    },
  },
  {
    name: 'crossEntropy',
    weight: 1,
    make: (b, shape, fuel) => {
      if (shape.length > 0) return undefined;
      const dim = b.dim();
      const call = b.random.pick(['', '', ', { smoothing: 0.1 }', ', { weights: $2 }', ', { weights: $2, smoothing: 0.4 }']);
      // A factor makes logits of what may be a softmax, which the loss refuses.
      const args = [b.value([dim], fuel), symbol(b, dim, 0), ...(call.includes('$2') ? [b.value([dim], fuel)] : [])];
      return apply(`(0.2 * crossEntropy(2 * $0, $1${call}))`, [], ...args);
    },
  },
  {
    name: 'argmax',
    weight: 0.5,
    make: (b, shape, fuel) => {
      if (shape.length === 0) return apply('(0.1 * $0)', [], chosen(b, b.dim(), fuel));
      const whole = [...shape, b.dim(shape)];
      if (!b.fits(whole) || new Set(whole).size < whole.length) return undefined;
      const along = whole.at(-1) ?? '';
      const text = `(0.1 * argmax($0 + $1, ${/^\d/.test(along) ? along : `'${along}'`}))`;
      return apply(text, shape, b.value(whole, fuel), b.generic(whole));
    },
  },
];
