/** Productions of reductions, of moves between shapes, of random masks, and of what stands in statements and helpers. */
import type { Builder, Production } from './builder.js';
import { apply, leaf, type Shape, written, writtenAll } from './model.js';
import { rate } from './products.js';

const once = (shape: Shape, dim: string): boolean => shape.indexOf(dim) === shape.lastIndexOf(dim);

/** Over all axes to a scalar, or over one named axis more than the result has. */
const reductions: readonly Production[] = ['sum', 'mean', 'variance', 'maxOver', 'logSumExp', 'norm'].map((name) => ({
  name,
  weight: 1.5,
  make: (b, shape, fuel) => {
    const all = shape.length === 0 && b.random.chance(0.6);
    const dim = b.dim(shape, shape.length === 0 ? 70 : 7);
    const at = b.random.whole(0, shape.length);
    const given = all
      ? b.random.pick([[dim], [dim, b.dim()], [dim, b.dim(), b.dim()]])
      : [...shape.slice(0, at), dim, ...shape.slice(at)];
    if (!b.fits(given) || !(all || once(given, dim))) return undefined;
    // The slope of a norm at zero is not a number.
    const value = name === 'norm' ? apply('($0 + $1)', given, b.value(given, fuel), b.generic(given)) : b.value(given, fuel);
    const call = all ? `${name}($0)` : `${name}($0, ${written(dim)})`;
    return apply(name === 'sum' ? `(0.3 * ${call})` : call, shape, value);
  },
}));

const softmax: Production = {
  name: 'softmax',
  weight: 2,
  make: (b, shape, fuel) => {
    const dim = shape.find((candidate) => once(shape, candidate));
    if (dim === undefined) return undefined;
    return apply(b.random.chance(0.4) ? 'softmax($0)' : `softmax($0, ${written(dim)})`, shape, b.value(shape, fuel));
  },
};

const normalization: Production = {
  name: 'normalization',
  weight: 2,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || b.elements(shape) < 3) return undefined;
    if (b.random.chance(0.5)) return apply('rmsNorm($0, $1)', shape, b.value(shape, fuel), b.beside(shape, 0));
    return apply('layerNorm($0, $1, $2)', shape, b.value(shape, fuel), b.beside(shape, 0), b.beside(shape, fuel));
  },
};

/** Losses that are per unit, of a value and a target. */
const loss: Production = {
  name: 'loss',
  weight: 1.5,
  make: (b, shape, fuel) => {
    const call = b.random.pick([
      'binaryCrossEntropy($0, $1)',
      'squaredError($0, $1)',
      'absoluteError($0, $1)',
      'huber($0, $1, 0.5)',
    ]);
    // Where the two are equal the slope jumps.
    const value = apply('($0 + $1)', shape, b.value(shape, fuel), b.generic(shape));
    return apply(`(0.3 * ${call})`, shape, value, b.beside(shape, fuel));
  },
};

const broadcast: Production = {
  name: 'broadcast',
  weight: 3,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || new Set(shape).size < shape.length) return undefined;
    const own = shape.filter(() => b.random.chance(0.5));
    return apply(`broadcast($0, ${writtenAll(shape)})`, shape, b.value(own, fuel));
  },
};

const concat: Production = {
  name: 'concat',
  weight: 3,
  make: (b, shape, fuel) => {
    const dim = shape.at(-1) ?? '1';
    const size = b.size(dim);
    if (shape.length === 0 || size < 2) return undefined;
    const first = b.random.whole(1, size - 1);
    const sizes = size - first > 1 && b.random.chance(0.3) ? [first, 1, size - first - 1] : [first, size - first];
    const parts = sizes.map((each) => b.value([...shape.slice(0, -1), b.newDim(each)], fuel));
    return apply(`concat(${written(dim)}, ${parts.map((_, part) => `$${part}`).join(', ')})`, shape, ...parts);
  },
};

const slice: Production = {
  name: 'slice',
  weight: 2,
  make: (b, shape, fuel) => {
    const dim = shape.at(-1);
    if (dim === undefined) return undefined;
    const from = b.random.whole(0, 3);
    const whole = [...shape.slice(0, -1), b.newDim(b.size(dim) + from + b.random.whole(0, 2))];
    return b.fits(whole) ? apply(`slice($0, ${written(dim)}, ${from})`, shape, b.value(whole, fuel)) : undefined;
  },
};

const split: Production = {
  name: 'split',
  weight: 2,
  make: (b, shape, fuel) => {
    const dim = shape.at(-1);
    if (dim === undefined) return undefined;
    const others = b.random.chance(0.3) ? [b.dim(), b.dim()] : [b.dim()];
    const pieces = b.random.chance(0.5) ? [dim, ...others] : [...others, dim];
    const lead = shape.slice(0, -1);
    const whole = [...lead, b.newDim(pieces.reduce((sum, piece) => sum + b.size(piece), 0))];
    if (!b.fits(whole)) return undefined;
    const value = b.value(whole, fuel);
    const call = `split($0, ${writtenAll(pieces)})`;
    if (!b.isStep) return apply(`${call}[${pieces.indexOf(dim)}]`, shape, value);
    const names = pieces.map(() => b.fresh('v'));
    b.statement(
      `const [${names.join(', ')}] = ${call};`,
      [value],
      Object.fromEntries(names.map((name, at) => [name, [...lead, pieces[at] ?? '']])),
    );
    return leaf(names[pieces.indexOf(dim)] ?? '', shape);
  },
};

const per = (b: Builder): string => (b.random.chance(0.4) ? ", 'sequence'" : '');

const draws: readonly Production[] = [
  {
    name: 'dropout',
    weight: 1.5,
    make: (b, shape, fuel) => apply(`dropout($0, ${rate(b)}${per(b)})`, shape, b.value(shape, fuel)),
  },
  {
    name: 'zoneout',
    weight: 1.5,
    make: (b, shape, fuel) => apply(`zoneout($0, $1, ${rate(b)}${per(b)})`, shape, b.value(shape, fuel), b.beside(shape, 0)),
  },
  {
    name: 'noise',
    weight: 1.5,
    make: (b, shape, fuel) => {
      if (b.random.chance(0.3)) return apply('noise($0, 0.2)', shape, b.value(shape, fuel));
      return apply('noise($0, $1)', shape, b.value(shape, fuel), b.beside(shape, 1));
    },
  },
  {
    name: 'either',
    weight: 1,
    make: (b, shape, fuel) => apply(`either($0, $1, ${rate(b)})`, shape, b.value(shape, fuel), b.beside(shape, fuel)),
  },
  {
    name: 'training',
    weight: 0.3,
    make: (b, shape, fuel) =>
      b.isHelper ? undefined : apply('(o.training ? dropout($0, 0.5) : $1)', shape, b.value(shape, fuel), b.value(shape, fuel)),
  },
];

/** A value with a name, which later expressions use again. */
const named: Production = {
  name: 'const',
  weight: 5,
  make: (b, shape, fuel) => {
    if (!b.isStep) return undefined;
    const value = b.value(shape, fuel);
    const name = b.fresh('v');
    b.statement(`const ${name} = $0;`, [value], { [name]: shape });
    return leaf(name, shape);
  },
};

/** A loop over a value, with a matrix of its own in every round where it can. */
const loop: Production = {
  name: 'for',
  weight: 3,
  make: (b, shape, fuel) => {
    if (!b.isStep) return undefined;
    const start = b.value(shape, fuel - 1);
    const [value, counter] = [b.fresh('v'), b.fresh('k')];
    const times = b.random.whole(1, 3);
    const bound = b.random.chance(0.4)
      ? b.option('rounds', { text: `integer(${times}, { min: 1, max: 3 })`, value: times })
      : String(times);
    const rounds = bound.startsWith('o.') ? Number(b.options[bound.slice(2)]?.value) : times;
    const local = leaf(value, shape);
    const body = b.within({ kind: 'inner', times: Math.max(2, rounds), locals: [local, leaf(`(0.2 * ${counter})`, [])] }, () => {
      const dim = shape.at(-1);
      if (dim === undefined || !b.random.chance(0.6) || !b.contract()) return b.value(shape, fuel);
      const stack = b.param('stack', [bound.startsWith('o.') ? '3' : bound, dim, dim], bound);
      const inner = b.random.chance(0.5) ? local : b.value(shape, fuel - 1);
      return apply(`tanh(matvec(${stack}[${counter}], $0) + $1)`, shape, inner, b.beside(shape, fuel - 1));
    });
    const mixed = apply('(0.5 * $0 + 0.4 * $1)', shape, local, body);
    const head = b.random.chance(0.8)
      ? `let ${counter} = 0; ${counter} < ${bound}; ${counter}++`
      : `let ${counter} = ${bound} - 1; ${counter} >= 0; ${counter}--`;
    const assigned = b.random.chance(0.7) ? `${value} = $1;` : `${value} += 0.3 * $1;`;
    b.statement(`let ${value} = $0;\nfor (${head}) {\n  ${assigned}\n}`, [start, mixed], { [value]: shape });
    return leaf(value, shape);
  },
};

/** Two ways, of which an option chooses one; a flag may bring parameters of its own. */
const chosen: Production = {
  name: 'option',
  weight: 2,
  make: (b, shape, fuel) => {
    if (b.isHelper) return undefined;
    if (b.random.chance(0.25)) {
      const factor = b.option('scale', { text: 'real(0.5, { min: 0.1, max: 2 })', value: b.random.pick([0.5, 0.8, 1.5]) });
      return apply(`(${factor} * $0)`, shape, b.value(shape, fuel));
    }
    if (b.random.chance(0.4)) {
      const mode = b.option('mode', { text: "choice('a', 'b', 'c')", value: b.random.pick(['a', 'b', 'c']) });
      const [first, second] = b.within({ kind: 'inner' }, () => [b.value(shape, fuel), b.value(shape, fuel)]);
      return first && second && apply(`(${mode} ${b.random.pick(['===', '!=='])} 'b' ? $0 : $1)`, shape, first, second);
    }
    const flag = b.option('flag', { text: 'flag(false)', value: b.random.chance(0.6) });
    const first = b.within({ kind: 'inner', when: flag }, () => b.value(shape, fuel));
    const second = b.within({ kind: 'inner' }, () => b.value(shape, fuel));
    return apply(`(${flag} ? $0 : $1)`, shape, first, second);
  },
};

/** A helper of its own body over one or two values. */
const helper: Production = {
  name: 'helper',
  weight: 2,
  make: (b, shape, fuel) => {
    if (b.isHelper) return undefined;
    const shapes = b.random.chance(0.5) ? [shape] : [shape, b.random.chance(0.5) ? shape : []];
    const name = b.fresh('f');
    const locals = shapes.map((own, at) => leaf(`a${at}`, own));
    const body = b.within({ kind: 'helper', locals }, () => b.value(shape, Math.min(fuel, 2)));
    const list = locals.map(({ text }) => `${text}: number`).join(', ');
    const text = b.random.chance(0.5)
      ? `const ${name} = (${list}): number => $0;`
      : `function ${name}(${list}): number {\n  const a = $0;\n  return a;\n}`;
    b.helpers.push({ text, args: [body], defines: { [name]: shape } });
    return apply(`${name}(${shapes.map((_, at) => `$${at}`).join(', ')})`, shape, ...shapes.map((own) => b.value(own, fuel)));
  },
};

/** Helpers that take matrices and options, and one that gives two values. */
const library: Production = {
  name: 'library',
  weight: 2,
  make: (b, shape, fuel) => {
    const dim = shape.at(-1);
    if (!b.isStep) return undefined;
    const roll = b.random.next();
    if (roll < 0.4 && dim !== undefined && b.contract()) {
      define(b, 'gate', 'function gate(M: Mat, v: number, bias: number): number {\n  return sigmoid(matvec(M, v) + bias);\n}');
      const columns = b.dim();
      const given = [...shape.slice(0, -1), columns];
      if (b.fits(given))
        return apply(`gate(${b.param('mat', [dim, columns])}, $0, $1)`, shape, b.value(given, fuel), b.beside(shape, 0));
    }
    if (roll < 0.7) {
      define(
        b,
        'activate',
        "function activate(mode: string, v: number): number {\n  if (mode === 'a') return tanh(v);\n  if (mode === 'b') {\n    return relu(v);\n  } else return sigmoid(v);\n}",
      );
      const mode = b.option('mode', { text: "choice('a', 'b', 'c')", value: b.random.pick(['a', 'b', 'c']) });
      return apply(`activate(${mode}, $0)`, shape, b.value(shape, fuel));
    }
    define(b, 'pair', 'function pair(a: number, b: number) {\n  const u = a * sigmoid(b);\n  return { u, w: a - u };\n}');
    const [u, w] = [b.fresh('v'), b.fresh('v')];
    b.statement(`const { u: ${u}, w: ${w} } = pair($0, $1);`, [b.value(shape, fuel), b.beside(shape, fuel)], {
      [u]: shape,
      [w]: shape,
    });
    return leaf(b.random.pick([u, w]), shape);
  },
};

function define(b: Builder, name: string, text: string): void {
  if (!b.helpers.some(({ defines }) => name in defines)) b.helpers.push({ text, args: [], defines: { [name]: [] } });
}

export const STRUCTURAL: readonly Production[] = [
  ...reductions,
  softmax,
  normalization,
  loss,
  broadcast,
  concat,
  slice,
  split,
  ...draws,
  named,
  loop,
  chosen,
  helper,
  library,
];
