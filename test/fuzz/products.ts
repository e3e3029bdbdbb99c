/** Productions of products: matrices in all their forms, outer products, dot products and convolutions. */
import type { Builder, Production } from './builder.js';
import { apply, type Expr, type Shape, written, writtenAll } from './model.js';

const last = (shape: Shape): string => shape.at(-1) ?? '';

/** The text of a matrix `[O, I]` before it multiplies: plain, or made from another. */
function matrixText(b: Builder, turned: boolean, rows: string, columns: string): string {
  const [own, other] = turned ? [columns, rows] : [rows, columns];
  return masked(b, turned, () => plainMatrix(b, own, other));
}

function plainMatrix(b: Builder, own: string, other: string): string {
  const { random } = b;
  const roll = random.next();
  if (roll < 0.15) {
    const count = random.whole(2, 4);
    return `${b.param('stack', [String(count), own, other], String(count))}[${random.whole(0, count - 1)}]`;
  }
  const axes = writtenAll([own, other]);
  const tap = () => `[${random.whole(0, 1)}]`;
  if (roll < 0.22) return `${b.parameter('kernel', `${axes}, 2`, ['2', own, other])}${tap()}`;
  if (roll < 0.26) return `${b.parameter('kernel', `${axes}, 2, 2`, ['2', '2', own, other])}${tap()}${tap()}`;
  return b.param('mat', [own, other]);
}

/** A matrix, now and then with entries left out: then it is used in this place only, and not in a loop, where every round draws. */
function masked(b: Builder, turned: boolean, matrix: () => string): string {
  const { random } = b;
  const [triangular, dropped] = [random.chance(0.2), random.chance(0.12) && !b.isLoop];
  let text = b.within({ alone: triangular || dropped }, matrix);
  if (triangular) text = `blockTriangular(${text}, ${random.whole(1, 3)}${random.chance(0.5) ? ", 'lower'" : ''})`;
  if (turned) text = `transpose(${text})`;
  return dropped ? `dropConnect(${text}, ${rate(b)})` : text;
}

/** A rate as a number, an option or a parameter. */
export function rate(b: Builder): string {
  const roll = b.random.next();
  if (roll < 0.6 || b.isHelper) return b.random.pick(['0.25', '0.5', '0.1']);
  if (roll < 0.8) return b.option('rate', { text: 'real(0.2, { min: 0, max: 0.9 })', value: b.random.pick([0, 0.2, 0.4]) });
  return b.parameter('scalar', '', [], ['init: 0.3', 'trainable: false']);
}

const matvec: Production = {
  name: 'matvec',
  weight: 9,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || !b.contract()) return undefined;
    const turned = b.random.chance(0.25);
    const columns = b.partner(turned ? 'columns' : 'rows', last(shape)) ?? b.lastAxis(shape.slice(0, -1), 70);
    const given = [...shape.slice(0, -1), columns];
    if (!b.fits(given)) return undefined;
    return apply(`matvec(${matrixText(b, turned, last(shape), columns)}, $0)`, shape, b.value(given, fuel));
  },
};

const blocks: Production = {
  name: 'blocks',
  weight: 5,
  make: (b, shape, fuel) => {
    if (shape.length < 2 || !b.contract()) return undefined;
    const [heads = '', rows = ''] = shape.slice(-2);
    const columns = b.lastAxis(shape.slice(0, -1), 7);
    const given = [...shape.slice(0, -2), heads, columns];
    if (!b.fits(given)) return undefined;
    const turned = b.random.chance(0.3);
    const matrix = masked(b, turned, () => b.param('blocks', turned ? [heads, columns, rows] : [heads, rows, columns]));
    return apply(`matvec(${matrix}, $0)`, shape, b.value(given, fuel));
  },
};

const lowRank: Production = {
  name: 'lowRank',
  weight: 2,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || !b.contract(2)) return undefined;
    const [rank, columns] = [b.dim(), b.dim()];
    const given = [...shape.slice(0, -1), columns];
    if (!b.fits(given)) return undefined;
    return apply(
      `lowRank(${b.param('mat', [last(shape), rank])}, ${b.param('mat', [rank, columns])}, $0)`,
      shape,
      b.value(given, fuel),
    );
  },
};

const antisymmetric: Production = {
  name: 'antisymmetric',
  weight: 2,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || !b.contract(2)) return undefined;
    return apply(`antisymmetric(${b.param('mat', [last(shape), last(shape)])}, $0)`, shape, b.value(shape, fuel));
  },
};

/** A value of two axes as the matrix, of one vector or of many. */
const computed: Production = {
  name: 'computed matrix',
  weight: 4,
  make: (b, shape, fuel) => {
    if (shape.length === 0) return undefined;
    const [lead, columns] = [shape.slice(0, -1), b.dim()];
    const turned = b.random.chance(0.4);
    const own = turned ? [columns, last(shape)] : [last(shape), columns];
    const given = [...lead, columns];
    if (!b.fits([...lead, ...own])) return undefined;
    return apply(turned ? 'matvec(transpose($0), $1)' : 'matvec($0, $1)', shape, b.value(own, fuel), b.value(given, fuel));
  },
};

const outer: Production = {
  name: 'outer',
  weight: 8,
  make: (b, shape, fuel) => {
    const [rows, columns] = shape;
    if (shape.length !== 2 || rows === undefined || columns === undefined) return undefined;
    return apply('outer($0, $1)', shape, b.value([rows], fuel), b.value([columns], fuel));
  },
};

const dot: Production = {
  name: 'dot',
  weight: 4,
  make: (b, shape, fuel) => {
    if (shape.length > 0) return undefined;
    const given = b.random.chance(0.8) ? [b.dim()] : [b.dim(), b.dim()];
    if (!b.fits(given)) return undefined;
    return apply('(0.3 * dot($0, $1))', shape, b.value(given, fuel), b.value(given, fuel));
  },
};

interface Place {
  readonly dim: string;
  readonly extent: number;
  readonly stride: number;
  readonly dilation: number;
}

/** A dim of positions from which a convolution makes `to`. */
function positions(b: Builder, to: string, padding: string, stride: number, dilation: number): Place {
  const { random } = b;
  const extent = random.whole(1, 4);
  const reach = (extent - 1) * dilation;
  const size = b.size(to);
  const before =
    padding === 'valid'
      ? (size - 1) * stride + reach + 1 + random.whole(0, stride - 1)
      : size * stride - random.whole(0, stride - 1);
  const dim = before === size && random.chance(0.8) ? to : b.newDim(before);
  return { dim, extent, stride, dilation };
}

function convolution(rank: 1 | 2): Production {
  return {
    name: `conv${rank}d`,
    weight: 5,
    make: (b, shape, fuel) => {
      const grouped = shape.length === rank + 2;
      if (shape.length !== rank + 1 && !grouped) return undefined;
      const { random } = b;
      const padding = random.pick(['same', 'same', 'valid', 'causal']);
      const places = shape
        .slice(0, rank)
        .map((to) => positions(b, to, padding, random.pick([1, 1, 2, 3]), random.pick([1, 1, 2])));
      const taps = places.reduce((product, { extent }) => product * extent, 1);
      const own = places.map(({ dim }) => dim);
      const channels = grouped || b.random.chance(0.5) ? b.dim([], 5) : b.lastAxis(own, 5);
      const groups = grouped ? [shape[rank] ?? ''] : [];
      const given = [...own, ...groups, channels];
      if (taps > 9 || !b.fits(given) || !b.contract()) return undefined;
      const extents = places.map(({ extent }) => extent);
      const kernel = b.parameter(
        'kernel',
        `${writtenAll([last(shape), channels])}, ${extents.join(', ')}`,
        [...extents.map(String), ...groups, last(shape), channels],
        grouped ? [`groups: ${written(groups[0] ?? '')}`] : [],
      );
      return apply(
        `conv${rank}d(${kernel}, $0${settings(b, padding, places, shape.slice(0, rank))})`,
        shape,
        b.value(given, fuel),
      );
    },
  };
}

/** What differs from the defaults, and now and then what does not. */
function settings(b: Builder, padding: string, places: readonly Place[], to: Shape): string {
  const say = () => b.random.chance(0.2);
  const pair = (values: readonly (number | string)[]) =>
    values.length === 1 || (values[0] === values[1] && typeof values[0] === 'number' && say())
      ? `${values[0]}`
      : `[${values.join(', ')}]`;
  const [strides, dilations] = [places.map(({ stride }) => stride), places.map(({ dilation }) => dilation)];
  const named = padding === 'valid' || strides.some((stride) => stride > 1) || places.some(({ dim }, axis) => dim !== to[axis]);
  const entries = [
    ...(padding !== 'same' || say() ? [`padding: '${padding}'`] : []),
    ...(strides.some((stride) => stride > 1) || say() ? [`stride: ${pair(strides)}`] : []),
    ...(dilations.some((dilation) => dilation > 1) || say() ? [`dilation: ${pair(dilations)}`] : []),
    ...(named || say() ? [`to: ${pair(to.map(written))}`] : []),
  ];
  return entries.length === 0 ? '' : `, { ${entries.join(', ')} }`;
}

/**
 * Several products of matrices that are mostly of one shape, with old, new and delayed values of states of one shape: what
 * merged kernels serve together. Gates between them keep the cotangents apart.
 */
export const kin: Production = {
  name: 'kin',
  weight: 1,
  make: (b, shape, fuel) => {
    if (shape.length === 0 || b.isHelper || b.contractions < 2) return undefined;
    const terms = Array.from({ length: b.random.whole(2, 4) }, () => b.within({ versions: 0.85 }, () => kinTerm(b, shape, fuel)));
    const joined = terms.map((_, at) => b.random.pick([`$${at}`, `$${at}`, `tanh($${at})`, `sigmoid($${at})`]));
    const text = joined.reduce((all, one) => `${all}${b.random.pick([' + ', ' + ', ' * ', ' - '])}${one}`);
    return apply(`(0.5 * (${text}))`, shape, ...terms);
  },
};

const PRODUCT_NAMES = new Set(['matvec', 'blocks', 'conv1d', 'conv2d']);

function kinTerm(b: Builder, shape: Shape, fuel: number): Expr {
  const { random } = b;
  if (random.chance(shape.length === 1 ? 0.15 : 0.4)) return b.one(shape, random.chance(0.15) ? fuel : 1, PRODUCT_NAMES);
  const heads = shape.at(-2);
  if (!b.contract()) return b.leaf(shape);
  const unit = last(shape);
  if (heads !== undefined && random.chance(0.4))
    return apply(`matvec(${b.param('blocks', [heads, unit, unit])}, $0)`, shape, b.leaf(shape));
  const matrix = random.chance(0.75) ? b.param('mat', [unit, unit]) : plainMatrix(b, unit, unit);
  return apply(`matvec(${random.chance(0.15) ? `transpose(${matrix})` : matrix}, $0)`, shape, b.leaf(shape));
}

export const PRODUCTS: readonly Production[] = [
  kin,
  matvec,
  blocks,
  lowRank,
  antisymmetric,
  computed,
  outer,
  dot,
  convolution(1),
  convolution(2),
];
