import { describe, expect, it } from 'vitest';
import { lower, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/index.js';
import { type Recurrence, recurrenceOf, recurrencesOf } from '../../codegen/passes/recurrence.js';
import { builtInCells, loadSpec } from '../../runtime/node/cells.js';
import { Random } from '../fuzz/random.js';

/** Expressions of one class, made at random: what they are is known by how they were made. */
class Algebra {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed, 0);
  }

  private of(...makers: readonly (() => string)[]): string {
    return this.random.pick(makers)();
  }

  private deeper(depth: number): number {
    return depth - this.random.whole(1, 2);
  }

  /** Nothing of the state in it. */
  free(): string {
    return this.of(
      () => 'x',
      () => 'p.w',
      () => 'sigmoid(x)',
      () => 'tanh(matvec(p.U, x) + p.w)',
      () => '0.5',
      () => '(1 - sigmoid(p.w))',
      () => 'delay(x, 1)',
      () => 'sum(x)',
    );
  }

  private test(): string {
    return this.of(
      () => 'x > 0',
      () => 'x <= p.w',
    );
  }

  affine(h: string, depth: number): string {
    if (depth <= 0) return h;
    const next = this.deeper(depth);
    const own = () => this.affine(h, next);
    return this.of(
      () => `(${own()} + ${this.free()})`,
      () => `(${this.free()} - ${own()})`,
      () => `(${own()} + ${own()})`,
      () => `(${this.free()} * ${own()})`,
      () => `(${own()} * ${this.free()})`,
      () => `(${own()} / exp(${this.free()}))`,
      () => `(-${own()})`,
      () => `(${this.test()} ? ${own()} : ${this.of(own, () => this.free())})`,
      () => `lerp(${own()}, ${this.free()}, sigmoid(${this.free()}))`,
    );
  }

  /** With a maximum somewhere, without which it would be affine. */
  tropical(h: string, depth: number): string {
    if (depth <= 0) return `max(${h} + ${this.free()}, ${this.free()})`;
    const next = this.deeper(depth);
    const own = () => this.tropical(h, next);
    return this.of(
      () => `(${own()} + ${this.free()})`,
      () => `(${this.free()} + ${own()})`,
      () => `(${own()} - ${this.free()})`,
      () => `max(${own()}, ${this.free()})`,
      () => `max(${own()}, ${h})`,
      () => `relu(${own()})`,
      () => `(${this.test()} ? ${own()} : ${this.free()})`,
    );
  }

  private bent(h: string): string {
    return this.of(
      () => `tanh(${this.affine(h, 1)})`,
      () => `square(${h})`,
      () => `(${this.affine(h, 1)} * ${this.affine(h, 1)})`,
      () => `(x - max(${h}, p.w))`,
      () => `(${h} + max(${h}, x))`,
      () => `(x / (2 + ${h}))`,
      () => `(${h} * sigmoid(${h}))`,
      () => `(${h} > 0 ? ${h} : 0.1 * ${h})`,
      () => `min(${h} + x, 1)`,
      () => `(${this.free()} / (1 + exp(${h})))`,
      () => `max(0.5 * ${h}, x)`,
      () => `softplus(${h} - p.w)`,
    );
  }

  perUnit(h: string, depth: number): string {
    return this.affine(`(${this.bent(h)})`, depth);
  }

  /** Units that meet. */
  dense(h: string, depth: number): string {
    const meets = this.of(
      () => `matvec(p.U, ${h})`,
      () => `matvec(p.U, tanh(${h}))`,
      () => `(${h} * sum(${h}))`,
      () => `softmax(${h})`,
      () => `(${h} - mean(${h}))`,
      () => `matvec(p.V, matvec(p.U, ${this.affine(h, 1)}))`,
    );
    return this.of(
      () => this.affine(`(${meets} + x)`, depth),
      () => `tanh(${this.affine(meets, depth)})`,
      () => `(${h} * 0.3 + tanh(${meets}))`,
    );
  }

  /** A state of two axes with a decay, and writes and erasures that are products of vectors. */
  memory(C: string): string {
    const key = this.of(
      () => 'k',
      () => 'softmax(k)',
      () => 'k * k',
    );
    const decay = this.of(
      () => C,
      () => `0.9 * ${C}`,
      () => `sigmoid(sum(x)) * ${C}`,
    );
    return this.of(
      () => `${decay} + outer(x, ${key})`,
      () => `outer(sigmoid(x), ${key}) + ${decay}`,
      () => `${decay} + 0.5 * outer(x, ${key})`,
      () => `${decay} + outer(x - matvec(${C}, ${key}), ${key})`,
      () => `${decay} - sigmoid(sum(x)) * outer(matvec(${C}, ${key}), ${key})`,
    );
  }
}

const HELPERS = 'const lerp = (a, b, t) => a + t * (b - a);';

const cellWith = (state: string, step: string, old: string) =>
  parseCellSource(
    'made.cell.ts',
    `import { cell, delay, exp, mat, matvec, max, mean, min, mod, outer, relu, round, sigmoid, softmax, softplus, square, sum, tanh, vec } from 'recurve';
${HELPERS}
export default cell({ name: 'made', dims: ['H', 'K'], inputs: { x: vec('H'), k: vec('K') }, state: { ${state} }, params: { U: mat('H', 'H'), V: mat('H', 'H'), w: vec('H') },
  step({ x, k }, { ${old} }, p, { t }) { return { ${step}, y: matvec(p.U, x * p.w) + matvec(p.V, x), z: k }; } });`,
  );

const graphOf = (tree: ReturnType<typeof parseCellSource>) => lower(tree, resolveSignature(tree, resolveOptions(tree, {})));

const SEEDS = [...Array(40).keys()];

describe('what a recurrence is, in the algebra it was written in', () => {
  it.each([
    ['affine', (made, depth) => made.affine('h', 1 + depth)],
    ['max-plus', (made, depth) => made.tropical('h', depth)],
    ['per unit', (made, depth) => made.perUnit('h', depth)],
    ['dense', (made, depth) => made.dense('h', depth)],
    ['conditional', (made, depth) => `mod(t, 3) === 0 ? ${made.dense('h', depth)} : h`],
    ['conditional', (made, depth) => `round(sigmoid(sum(x))) * (${made.dense('h', depth)}) + (1 - round(sigmoid(sum(x)))) * h`],
  ] as readonly (readonly [Recurrence, (made: Algebra, depth: number) => string])[])('is %s', (kind, make) => {
    for (const seed of SEEDS) {
      const next = make(new Algebra(seed), seed % 4);
      expect({ next, is: recurrenceOf(graphOf(cellWith("h: vec('H')", `h: ${next}`, 'h'))) }).toEqual({ next, is: kind });
    }
  });

  it('is a matrix memory', () => {
    for (const seed of SEEDS) {
      const next = new Algebra(seed).memory('C');
      expect({ next, is: recurrenceOf(graphOf(cellWith("C: mat('H', 'K')", `C: ${next}`, 'C'))) }).toEqual({
        next,
        is: 'matrix memory',
      });
    }
    // Of two axes, but what it gains is no product of vectors.
    expect(recurrenceOf(graphOf(cellWith("C: mat('H', 'K')", 'C: 0.5 * C + sigmoid(outer(x, k))', 'C')))).toBe('affine');
    expect(recurrenceOf(graphOf(cellWith("C: mat('H', 'K')", 'C: C + outer(tanh(matvec(C, k)), k)', 'C')))).toBe('dense');
  });

  it('sees states that need others, but that those do not need, as known to them', () => {
    for (const seed of SEEDS) {
      const made = new Algebra(seed);
      const first = made.affine('a', 2);
      const tree = cellWith(
        "a: vec('H'), b: vec('H'), c: vec('H')",
        `a: ${first}, b: max(b + a, x), c: tanh(a) * c + b`,
        'a, b, c',
      );
      expect(recurrencesOf(graphOf(tree))).toEqual({ a: 'affine', b: 'max-plus', c: 'affine' });
      const coupled = cellWith("a: vec('H'), b: vec('H')", `a: ${first} + b, b: a - x * b`, 'a, b');
      expect(recurrencesOf(graphOf(coupled))).toEqual({ a: 'affine', b: 'affine' });
      const bent = cellWith("a: vec('H'), b: vec('H')", `a: ${first} + b, b: a * sigmoid(b)`, 'a, b');
      expect(recurrencesOf(graphOf(bent))).toEqual({ a: 'per unit', b: 'per unit' });
    }
  });

  it('is none where no state needs itself, and of one needed a step later', () => {
    expect(recurrenceOf(graphOf(cellWith("a: vec('H'), b: vec('H')", 'a: tanh(x), b: sigmoid(a) * x', 'a, b')))).toBe('none');
    expect(recurrenceOf(graphOf(cellWith("a: vec('H')", 'a: delay(a, 2) + x', 'a')))).toBe('per unit');
  });

  it('is no condition that is drawn for every unit, as zoneout is', () => {
    const tree = loadSpec('lstm', process.cwd());
    if (tree.kind !== 'cell') throw new Error('lstm is a cell');
    const options = resolveOptions(tree, { zoneout: 'true', training: 'true' });
    const graph = lower(tree, resolveSignature(tree, options));
    expect(graph.nodes.some(({ op }) => op === 'random')).toBe(true);
    expect(recurrenceOf(graph)).toBe('dense');
  });

  it('is no condition that is never 0 or 1', () => {
    const tree = cellWith("h: vec('H')", 'h: sigmoid(x) * tanh(matvec(p.U, h)) + (1 - sigmoid(x)) * h', 'h');
    expect(recurrenceOf(graphOf(tree))).toBe('dense');
  });
});

describe('the built-in cells', () => {
  it('are what their papers say', () => {
    const found = Object.fromEntries(
      builtInCells().map(({ name }) => {
        const tree = loadSpec(name, process.cwd());
        return [name, tree.kind === 'cell' ? recurrenceOf(graphOf(tree)) : 'a model'];
      }),
    );
    const others = Object.entries(found).filter(([, kind]) => kind !== 'dense');
    expect(Object.fromEntries(others)).toEqual({
      clockwork: 'conditional',
      'delta-rule': 'matrix memory',
      feedforward: 'none',
      'hm-lstm': 'conditional',
      indrnn: 'per unit',
      'min-gru': 'affine',
      'min-lstm': 'affine',
      mlstm: 'matrix memory',
      qrnn: 'affine',
      'skip-rnn': 'conditional',
      // Its gates see the state, each unit its own.
      sru: 'per unit',
      tcn: 'none',
    });
  });
});
