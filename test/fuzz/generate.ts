/** Random well-formed cells: the same seed and index give the same model. */
import { Builder } from './builder.js';
import { apply, declaredAs, type Expr, leaf, type Model, type Shape, written } from './model.js';
import { CHOICES, PER_UNIT } from './per-unit.js';
import { printModel } from './print.js';
import { PRODUCTS } from './products.js';
import { Random } from './random.js';
import { STRUCTURAL } from './structural.js';
import { SYMBOLS } from './symbols.js';

/** Together as likely as all the others: there are many of them. */
const PRODUCTIONS = [
  ...PER_UNIT.map((production) => ({ ...production, weight: 0.8 })),
  ...CHOICES,
  ...PRODUCTS,
  ...STRUCTURAL,
  ...SYMBOLS,
];

const KIN = new Set(['kin']);

export function generateModel(seed: number, index: number): Model {
  const random = new Random(seed, index);
  // A few productions are favoured in each cell, in turn, so that a few hundred cells meet all of them.
  const favoured = [PRODUCTIONS[index % PRODUCTIONS.length], random.pick(PRODUCTIONS), random.pick(PRODUCTIONS)];
  // In some, nearly every matrix meets values of several shapes; in others, many matrices of one shape meet old and new
  // values of states of one shape.
  const sharing = random.chance(0.3) ? 0.9 : 0.3;
  const kin = random.chance(0.4);
  const contractions = random.weighted([1, 2, 3, 4, 5, 6], (count) => (sharing > 0.5 ? count : 1 / count ** 1.3));
  const values = 6 + 4 * contractions + random.whole(0, 6);
  const themes = [...(sharing > 0.5 ? ['matvec'] : []), ...(kin ? ['kin'] : [])];
  const focus = new Set([...favoured.map((production) => production?.name ?? ''), ...themes]);
  const b = new Builder(random, PRODUCTIONS, focus, { contractions, values }, sharing, kin ? 0.25 : 0.1);
  const shapes = stateShapes(b, kin ? 0.8 : 0.4);
  const states = shapes.map((shape, at): [string, Shape] => [`h${at}`, shape]);
  // In some, states read only those before them, and often nothing of themselves but what a gate leaves: each is known before the next.
  const chained = states.length > 1 && random.chance(0.35);
  if (!chained) for (const [name, shape] of states) b.declare('state', name, shape);
  for (let count = random.whole(1, 2); count > 0; count--)
    b.declare('inputs', `u${count}`, random.chance(0.5) ? random.pick(shapes) : someShape(b));
  const next = Object.fromEntries(
    states.map(([name, shape], at) => {
      if (kin) b.contractions = random.whole(2, 4);
      if (chained) return [name, b.next(link(b, name, shape, states.slice(0, at + 1), focus))];
      // The first of several is often left without products: those of the others then read its old and its new value.
      const plain = kin && at === 0 && states.length > 1 && random.chance(0.5);
      const value = plain
        ? apply('tanh(0.5 * $0 + $1)', shape, leaf(`s.${name}`, shape), b.leaf(shape))
        : nextState(b, name, shape, states, kin ? KIN : focus);
      return [name, random.chance(kin ? 0.8 : 0.4) ? b.next(value) : value];
    }),
  );
  if (kin) b.contractions = random.whole(0, 3);
  const outputs = Object.fromEntries(
    Array.from({ length: random.weighted([0, 1, 2], (count) => [3, 3, 1][count] ?? 0) }, (_, at) => [
      `y${at}`,
      output(b, random.chance(0.3) ? random.pick(shapes) : someShape(b), states, kin && random.chance(0.5) ? KIN : focus),
    ]),
  );
  const run = {
    seed: random.whole(1, 1_000_000),
    ragged: random.chance(0.5),
    reverse: random.chance(0.4),
    training: random.chance(0.6),
  };
  return withInput(
    b.model(
      { next, outputs, listed: random.chance(0.15), run },
      {
        T: random.chance(0.15) ? random.whole(6, 18) : random.whole(1, 5),
        B: random.chance(0.15) ? random.whole(4, 20) : random.whole(1, 3),
      },
    ),
  );
}

/** @param alike chance that a state has the shape of the first */
function stateShapes(b: Builder, alike: number): Shape[] {
  const count = b.random.weighted([1, 2, 3, 4], (states) =>
    alike > 0.5 ? ([0, 0.3, 1, 0.7, 0.2][states] ?? 0) : 1 / states ** 1.5,
  );
  const first = someShape(b);
  return [first, ...Array.from({ length: count - 1 }, () => (b.random.chance(alike) ? first : someShape(b)))];
}

function someShape(b: Builder): Shape {
  const { random } = b;
  const rank = random.weighted([0, 1, 2, 3, 4], (axes) => [1, 9, 4, 1.5, 0.3][axes] ?? 0);
  if (rank === 1 && random.chance(0.12)) return [b.newDim(random.pick([37, 70, 33, 64]))];
  // As many quads of units as lanes, for each of few positions: what lanes share, they load for each other.
  if (rank === 2 && random.chance(0.2)) return [b.dim(), b.newDim(random.pick([16, 32]))];
  const shape: string[] = [];
  const [unit] = Object.keys(b.sizes);
  const common = rank > 0 && unit !== undefined && random.chance(b.sharing - 0.2) ? [unit] : [];
  for (let axis = 0; axis < rank - common.length; axis++)
    shape.push(random.chance(0.06) && axis > 0 ? (shape[0] ?? '1') : b.dim([...shape, ...common], rank < 3 ? 7 : 4));
  shape.push(...common);
  return b.fits(shape) ? shape : shape.slice(0, 2);
}

/** The next value of a state that is declared with it. */
function link(b: Builder, name: string, shape: Shape, states: readonly [string, Shape][], focus: ReadonlySet<string>): Expr {
  const text = b.random.pick([
    '(sigmoid($0) * $1 + 0.5 * tanh($2))',
    '($1 + sigmoid($0) * (tanh($2) - $1))',
    'max(0.5 * tanh($0) + min($1, 2), tanh($2))',
    'as it comes',
  ]);
  const [gate, value] = text === 'as it comes' ? [] : [b.one(shape, 2, focus), b.one(shape, 3, focus)];
  b.declare('state', name, shape);
  if (gate === undefined || value === undefined) return nextState(b, name, shape, states, focus);
  return apply(text, shape, gate, leaf(`s.${name}`, shape), value);
}

/** Bounded, so that no state grows over the steps. */
function nextState(b: Builder, name: string, shape: Shape, states: readonly [string, Shape][], focus: ReadonlySet<string>): Expr {
  const { random } = b;
  const value = driven(b, shape, b.one(shape, random.whole(2, 5), focus));
  const own = leaf(`s.${name}`, shape);
  const others = states.filter(([other, theirs]) => other !== name && theirs.join() === shape.join());
  if (others.length > 0 && random.chance(0.1)) return leaf(`s.${random.pick(others)[0]}`, shape);
  if (random.chance(0.12)) return apply(ticking(random, shape), shape, value, own);
  const text = random.pick([
    'tanh($0)',
    'tanh($0)',
    '(0.6 * $1 + 0.4 * tanh($0))',
    'sigmoid($0)',
    'clamp($0, -1.1, 1.2)',
    'softsign($0)',
    '(0.5 * $1 + sin($0))',
    'zoneout(tanh($0), $1, 0.3)',
  ]);
  return apply(text, shape, value, ...(text.includes('$1') ? [own] : []));
}

/** A state that keeps its value at some steps, all of its units at the same or each block at its own. */
function ticking(random: Random, shape: Shape): string {
  const period =
    shape.length === 1 && random.chance(0.6) ? `2 ** blockIndex(${written(shape[0] ?? '')}, ${random.whole(2, 4)})` : '2';
  const ticks = random.pick([`mod(t, ${period}) === 0`, `mod(t + 1, ${period}) < 0.5`]);
  const next = random.pick(['tanh($0)', 'sigmoid($0)', 'softsign($0)', '(0.3 * $1 + sin($0))']);
  return random.chance(0.6) ? `(${ticks} ? ${next} : $1)` : `(${ticks} ? $1 : ${next})`;
}

/** Often with a product of some state, as in most cells. */
function driven(b: Builder, shape: Shape, value: Expr): Expr {
  const recurrent = new Set(['matvec', 'blocks', 'const']);
  return b.random.chance(0.5) ? apply('($0 + 0.6 * $1)', shape, value, b.one(shape, 2, recurrent)) : value;
}

/** A scalar output must differ between sequences, as a state does; an input of a layer may be a number. */
function output(b: Builder, shape: Shape, states: readonly [string, Shape][], focus: ReadonlySet<string>): Expr {
  const value = b.one(shape, b.random.whole(1, 4), focus);
  const [name = '', own = []] = b.random.pick(states);
  return shape.length === 0 ? apply('($0 + $1)', shape, value, b.reshaped(leaf(`s.${name}`, own), shape)) : value;
}

/** A cell needs an input: one more term in the first state where nothing else reads any. */
function withInput(model: Model): Model {
  const [first] = Object.entries(model.next);
  if (!printModel(model).includes('inputs: {  }') || first === undefined) return model;
  const [name, value] = first;
  const driven = apply('(0.8 * $0 + 0.2 * $1)', value.shape, value, leaf('x.drive', value.shape));
  return {
    ...model,
    declared: { ...model.declared, drive: declaredAs('inputs', value.shape) },
    next: { ...model.next, [name]: driven },
  };
}
