/**
 * Productions of per-unit functions, from their records. There, arguments are wrapped so that float32 can hold 1e-5: exponents
 * and denominators are bounded, and what jumps depends on an input or state directly, never only on values that can tie.
 */
import { functions, inOrder, operations } from '../../codegen/ops/index.js';
import type { Production } from './builder.js';
import { apply, type Expr } from './model.js';

/** Branches that are not defined, or too large for float32, wherever they are not taken: nothing of them may reach a gradient. */
const GUARDED: readonly string[] = [
  '($2 > 0.3 ? $0 / relu($2) : $1)',
  '($2 <= 0.3 ? $0 : 1 / relu($2) + $1)',
  'select($2 > 0.3, log($2), $0)',
  '($2 > 0.3 ? sqrt($2) * $0 : $1)',
  '($2 > 0.3 ? pow($2, tanh($0)) : $1)',
  '($2 < 0.3 ? $0 * exp(300 * relu($2 - 0.3)) : $1)',
];

function written(name: string, ways: readonly string[], weight: number): Production {
  return {
    name,
    weight,
    make: (b, shape, fuel) => {
      const text = b.random.pick(ways);
      const args: Expr[] = [];
      const sources = [() => b.value(shape, fuel), () => b.beside(shape, fuel - 1), () => b.generic(shape)];
      const places = sources.map((make, source) => {
        const times = text.split(`$${source}`).length - 1;
        return times > 0 ? args.push(b.within({ times }, make)) - 1 : -1;
      });
      return apply(
        text.replace(/\$(\d)/g, (_, source) => `$${places[Number(source)]}`),
        shape,
        ...args,
      );
    },
  };
}

/** One for every record that says how random cells write it; `$0` and `$1` are values, `$2` is a leaf of continuous data. */
export const PER_UNIT: readonly Production[] = inOrder({ ...operations, ...functions }).flatMap(([name, { cases }]) =>
  cases.random.length === 0 ? [] : [written(name, cases.random, 1)],
);

/** Choices by tests, and values that an option chooses. */
export const CHOICES: readonly Production[] = [
  written('guarded', GUARDED, 2),
  {
    name: 'select',
    weight: 3,
    make: (b, shape, fuel) => {
      const test = b.test(b.random.chance(0.2) ? [] : shape, fuel);
      return apply(
        b.random.pick(['($0 ? $1 : $2)', 'select($0, $1, $2)']),
        shape,
        test,
        b.value(shape, fuel),
        b.beside(shape, fuel),
      );
    },
  },
];
