/**
 * What productions build with: dims, declarations, options and statements of the cell under construction, and values
 * of a wanted shape, generated from the outside in.
 */
import {
  apply,
  type Declared,
  declaredAs,
  type Expr,
  leaf,
  type Model,
  type Option,
  type Shape,
  type Statement,
  sameShape,
  test,
  written,
  writtenAll,
} from './model.js';
import type { Random } from './random.js';

/** One way to make a value of a shape; `undefined` where it cannot. */
export interface Production {
  readonly name: string;
  readonly weight: number;
  readonly make: (b: Builder, shape: Shape, fuel: number) => Expr | undefined;
}

/** Where an expression stands. */
interface Scope {
  /** Values beside those of the whole step: a loop's variable, a helper's parameters. */
  readonly locals: readonly Expr[];
  /** `step` sees all of the cell; a loop or a static branch cannot leave statements behind; a helper sees only its parameters. */
  readonly kind: 'step' | 'inner' | 'helper';
  /** `when: o.flag` for parameters that are made here. */
  readonly when: string | undefined;
  /** Times the values here are computed. */
  readonly times: number;
  /** Whether parameters that are made here are used nowhere else. */
  readonly alone: boolean;
  /** Chance that a leaf is an old, new or delayed value of some state. */
  readonly versions: number;
}

const DIM_NAMES = [
  'H',
  'I',
  'J',
  'K',
  'X',
  'Y',
  'N',
  'G',
  'C',
  'D',
  'E',
  'F',
  'L',
  'M',
  'O',
  'P',
  'Q',
  'R',
  'S',
  'U',
  'V',
  'W',
  'Z',
];
/** Marks a matrix that is used per unit: none is multiplied as well. */
const PER_UNIT = 'init: 1';
/** Most elements of one value of one sequence. */
const MOST_ELEMENTS = 420;

export class Builder {
  readonly sizes: Record<string, number> = {};
  readonly declared: Record<string, Declared> = {};
  readonly options: Record<string, Option> = {};
  readonly helpers: Statement[] = [];
  readonly statements: Statement[] = [];
  /** Contractions that may still be made. */
  contractions: number;
  /** Values that may still be made. */
  values: number;
  private scope: Scope = { locals: [], kind: 'step', when: undefined, times: 1, alone: false, versions: 0 };
  private count = 0;
  private readonly nexts: Expr[] = [];
  /** Inputs that are symbols: they are no numbers among others. */
  private readonly symbols: Record<string, Declared> = {};
  /** Parameters that are masked where they are used, and so used once. */
  private readonly sole = new Set<string>();

  constructor(
    readonly random: Random,
    private readonly productions: readonly Production[],
    private readonly focus: ReadonlySet<string>,
    budget: { readonly contractions: number; readonly values: number },
    /** Chance that a parameter which fits is used again. */
    readonly sharing: number,
    /** Chance that an input or state is read as it was some steps ago. */
    private readonly delays: number,
  ) {
    this.contractions = budget.contractions;
    this.values = budget.values;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.count++}`;
  }

  get isHelper(): boolean {
    return this.scope.kind === 'helper';
  }

  get isLoop(): boolean {
    return this.scope.times > 1;
  }

  get isStep(): boolean {
    return this.scope.kind === 'step';
  }

  size(dim: string): number {
    const size = /^\d/.test(dim) ? Number(dim) : this.sizes[dim];
    if (size === undefined) throw new Error(`no size for ${dim}`);
    return size;
  }

  elements(shape: Shape): number {
    return shape.reduce((product, dim) => product * this.size(dim), 1);
  }

  fits(shape: Shape): boolean {
    return this.elements(shape) <= MOST_ELEMENTS && shape.length <= 4;
  }

  /** A dim of this size that nothing else has yet. */
  newDim(size: number): string {
    if (this.random.chance(0.12)) return String(size);
    const name = DIM_NAMES.find((candidate) => this.sizes[candidate] === undefined) ?? this.fresh('D');
    this.sizes[name] = size;
    return name;
  }

  /** Some dim, known or new, that is not among `others`. */
  dim(others: Shape = [], most = 7): string {
    const known = Object.keys(this.sizes).filter((name) => !others.includes(name) && this.size(name) <= most);
    return known.length > 0 && this.random.chance(0.75)
      ? this.random.pick(known)
      : this.newDim(this.random.whole(1, Math.min(most, 7)));
  }

  /** A last axis for a value with these leading ones, if possible that of a state or of a value computed before. */
  lastAxis(lead: Shape, most: number): string {
    const shapes = [
      ...Object.values(this.declared).flatMap(({ group, shape }) =>
        group === 'state' ? [shape, shape] : group === 'inputs' ? [shape] : [],
      ),
      ...this.statements.flatMap(({ defines }) => Object.values(defines)),
    ].filter((shape) => shape.length === lead.length + 1 && sameShape(shape.slice(0, -1), lead));
    const known = shapes.map((shape) => shape.at(-1) ?? '').filter((dim) => this.size(dim) <= most);
    return known.length > 0 && this.random.chance(0.75) ? this.random.pick(known) : this.dim([], most);
  }

  /** The columns of a known matrix with these rows (of one with these columns, its rows), where cells share them. */
  partner(side: 'rows' | 'columns', dim: string): string | undefined {
    const at = side === 'rows' ? 0 : 1;
    const known = Object.values(this.declared).filter(
      ({ group, text, shape }) => group === 'params' && text.startsWith('mat(') && shape[at] === dim,
    );
    return known.length > 0 && this.random.chance(this.sharing) ? this.random.pick(known).shape[1 - at] : undefined;
  }

  /** A parameter as text, new or one of before. */
  param(constructor_: string, shape: Shape, count?: string): string {
    const axes =
      constructor_ === 'scalar' ? '' : count === undefined ? writtenAll(shape) : `${count}, ${writtenAll(shape.slice(1))}`;
    return this.parameter(constructor_, axes, shape);
  }

  /** The same with its arguments as they are written. */
  parameter(constructor_: string, axes: string, shape: Shape, own: readonly string[] = []): string {
    const { when, alone } = this.scope;
    const start = `${constructor_}(${axes}`;
    const known = Object.entries(this.declared).filter(
      ([, { group, text }]) =>
        group === 'params' &&
        text.startsWith(start) &&
        text.includes('when:') === (when !== undefined) &&
        own.every((setting) => text.includes(setting)) &&
        text.includes(PER_UNIT) === own.includes(PER_UNIT) &&
        /^(\)|, \{)/.test(text.slice(start.length)),
    );
    const match = known.filter(([name, { text }]) => !this.sole.has(name) && (when === undefined || text.includes(when)));
    if (match.length > 0 && !alone && this.random.chance(this.sharing)) return `p.${this.random.pick(match)[0]}`;
    const settings = [
      ...own,
      ...(own.length === 0 && this.random.chance(0.08) ? ['trainable: false'] : []),
      ...(own.length === 0 && this.random.chance(0.08) ? [`init: ${this.random.pick(["'zeros'", "'uniform'", '0.4'])}`] : []),
      ...(when === undefined ? [] : [`when: ${when}`]),
    ];
    const name = this.fresh(
      constructor_ === 'mat' ? 'W' : constructor_ === 'vec' ? 'b' : (constructor_[0]?.toUpperCase() ?? 'P'),
    );
    if (alone) this.sole.add(name);
    const table = settings.length === 0 ? '' : `${axes === '' ? '' : ', '}{ ${settings.join(', ')} }`;
    this.declared[name] = { group: 'params', text: `${start}${table})`, shape };
    return `p.${name}`;
  }

  declare(group: 'inputs' | 'state', name: string, shape: Shape): void {
    this.declared[name] = declaredAs(group, shape, shape.length === 2 && this.random.chance(0.5) ? 'mat' : 'map');
  }

  option(prefix: string, option: Option): string {
    const known = Object.keys(this.options).find((name) => name.startsWith(prefix));
    if (known !== undefined && this.random.chance(0.5)) return `o.${known}`;
    const name = this.fresh(prefix);
    this.options[name] = option;
    return `o.${name}`;
  }

  /** Whether a contraction may be made here, and counts it. */
  contract(count = 1): boolean {
    const cost = count * this.scope.times;
    if (this.isHelper || this.contractions < cost) return false;
    this.contractions -= cost;
    return true;
  }

  /** Builds inside another scope. */
  within<T>(scope: Partial<Scope>, build: () => T): T {
    const outer = this.scope;
    this.scope = {
      ...outer,
      ...scope,
      times: outer.times * (scope.times ?? 1),
      locals: [...(scope.kind === 'helper' ? [] : outer.locals), ...(scope.locals ?? [])],
    };
    try {
      return build();
    } finally {
      this.scope = outer;
    }
  }

  /** A value of this shape, up to `fuel` operations deep. */
  value(shape: Shape, fuel: number): Expr {
    if (fuel <= 0 || this.values <= 0) return this.leaf(shape);
    this.values--;
    for (let attempt = 0; attempt < 5; attempt++) {
      const production = this.random.weighted(this.productions, ({ name, weight }) => (this.focus.has(name) ? 6 : 1) * weight);
      const made = production.make(this, shape, fuel - 1);
      if (made !== undefined) return made;
    }
    return this.leaf(shape);
  }

  /** A value of this shape, or a scalar beside one. */
  beside(shape: Shape, fuel: number): Expr {
    return this.random.chance(0.15) ? this.value([], fuel) : this.value(shape, fuel);
  }

  /** A value of this shape by one of these ways, or a leaf. */
  one(shape: Shape, fuel: number, names: ReadonlySet<string>): Expr {
    const own = this.productions.filter(({ name }) => names.has(name));
    for (let attempt = 0; attempt < 5 && own.length > 0; attempt++) {
      const made = this.random.pick(own).make(this, shape, fuel - 1);
      if (made !== undefined) return made;
    }
    return this.value(shape, fuel);
  }

  /** An input, a state, a parameter, a value computed before: whatever has this shape. */
  leaf(shape: Shape): Expr {
    const { random } = this;
    const locals = this.scope.locals.filter((local) => sameShape(local.shape, shape));
    if (locals.length > 0 && random.chance(this.isHelper ? 1 : 0.5)) return random.pick(locals);
    if (this.isHelper) return this.reshaped(random.pick(this.scope.locals), shape);
    const versions = random.chance(this.scope.versions) ? this.versions(shape) : [];
    if (versions.length > 0) return random.pick(versions);
    const roll = random.next();
    const known = this.stepLeaves(shape);
    if (known.length > 0 && roll < 0.6) return random.pick(known);
    if (roll < 0.66 && shape.length === 1) {
      const dim = written(shape[0] ?? '');
      return leaf(
        random.pick([
          `(index(${dim}) / 8)`,
          `(blockIndex(${dim}, ${random.whole(1, 3)}) / 3)`,
          `(index(${dim}) < 2 ? 0.5 : -0.3)`,
        ]),
        shape,
      );
    }
    if (roll < 0.72 && shape.length === 0)
      return leaf(random.pick(['(0.2 * t)', 'sin(t)', '(t === 0 ? 0.5 : 1.5)', '(1 / (1 + t))']), shape);
    if (roll < 0.8 && known.length < 4) return this.input(shape);
    return this.perUnit(shape);
  }

  /** A leaf of continuous data: what a jump may depend on. */
  generic(shape: Shape): Expr {
    if (this.isHelper) return this.leaf(shape);
    const inputs = Object.entries(this.declared).filter(
      ([, { group, shape: own }]) => group !== 'params' && sameShape(own, shape),
    );
    const found = inputs.length > 0 ? this.random.pick(inputs) : undefined;
    if (found === undefined) return this.input(shape);
    return leaf(`${found[1].group === 'inputs' ? 'x' : 's'}.${found[0]}`, shape);
  }

  test(shape: Shape, fuel: number): Expr {
    const { random } = this;
    if (fuel > 0 && random.chance(0.45)) {
      const text = random.pick(['($0 && $1)', '($0 || $1)', '(!$0)']);
      return test(text, shape, this.test(shape, fuel - 1), ...(text.includes('$1') ? [this.test(shape, fuel - 1)] : []));
    }
    if (shape.length === 0 && !this.isHelper && random.chance(0.3))
      return test(random.pick(['(t > 1)', '(t % 2 === 0)', '(t !== 1)']), []);
    const text = random.pick([
      '($0 < $1)',
      '($0 <= $1)',
      '($0 > $1)',
      '($0 >= $1)',
      '($0 !== $1)',
      '($0 > 0.3)',
      '($0 <= -0.1)',
      '(max($0, 0) === 0)',
      '(relu($0) !== 0)',
    ]);
    const first = apply('($0 + $1)', shape, this.value(shape, Math.min(fuel, 1)), this.generic(shape));
    return test(text, shape, first, ...(text.includes('$1') ? [this.beside(shape, Math.min(fuel, 1))] : []));
  }

  statement(text: string, args: readonly Expr[], defines: Readonly<Record<string, Shape>>): void {
    this.statements.push({ text, args, defines });
  }

  model(parts: Pick<Model, 'next' | 'outputs' | 'listed' | 'run'>, steps: { readonly T: number; readonly B: number }): Model {
    const { declared, symbols, options, helpers, statements } = this;
    return { sizes: { ...steps, ...this.sizes }, declared: { ...declared, ...symbols }, options, helpers, statements, ...parts };
  }

  /** An input that is one of as many symbols as the dim has. */
  symbol(dim: string): Expr {
    const text = `symbol(${written(dim)})`;
    const known = Object.keys(this.symbols).filter((name) => this.symbols[name]?.text === text);
    if (known.length > 0 && this.random.chance(0.5)) return leaf(`x.${this.random.pick(known)}`, []);
    const name = this.fresh('k');
    this.symbols[name] = { group: 'inputs', text, shape: [] };
    return leaf(`x.${name}`, []);
  }

  /** A parameter used per unit. */
  perUnit(shape: Shape): Expr {
    if (shape.length === 2 && this.random.chance(0.3))
      return leaf(`(0.9 * ${this.parameter('mat', writtenAll(shape), shape, [PER_UNIT])})`, shape);
    return leaf(this.param(['scalar', 'vec'][shape.length] ?? 'map', shape), shape);
  }

  private input(shape: Shape): Expr {
    const name = this.fresh('i');
    this.declare('inputs', name, shape);
    return leaf(`x.${name}`, shape);
  }

  /** A state's next value under a name: what is computed after it reads the new value beside the old one. */
  next(value: Expr): Expr {
    const name = this.fresh('n');
    this.statement(`const ${name} = $0;`, [value], { [name]: value.shape });
    this.nexts.push(leaf(name, value.shape));
    return leaf(name, value.shape);
  }

  private versions(shape: Shape): Expr[] {
    const states = Object.entries(this.declared).filter(
      ([, { group, shape: own }]) => group === 'state' && sameShape(own, shape),
    );
    const old = states.flatMap(([name]) => [`s.${name}`, `delay(s.${name}, ${this.random.whole(1, 2)})`]);
    const fresh = this.nexts.filter((next) => sameShape(next.shape, shape));
    return [...old.map((text) => leaf(text, shape)), ...fresh, ...fresh];
  }

  private stepLeaves(shape: Shape): Expr[] {
    const values = Object.entries(this.declared)
      .filter(([, { group, shape: own }]) => group !== 'params' && sameShape(own, shape))
      .map(([name, { group }]) => (group === 'inputs' ? `x.${name}` : `s.${name}`))
      .map((name) => (this.random.chance(this.delays) ? `delay(${name}, ${this.random.whole(1, 3)})` : name));
    const named = this.statements.flatMap(({ defines }) => Object.entries(defines)).filter(([, own]) => sameShape(own, shape));
    return [...values, ...named.map(([name]) => name)].map((text) => leaf(text, shape));
  }

  /** Some value as one of another shape. */
  reshaped(value: Expr, shape: Shape): Expr {
    if (sameShape(value.shape, shape)) return value;
    const scalar = value.shape.length === 0 ? value : apply('mean($0)', [], value);
    return shape.length === 0 ? scalar : apply(`broadcast($0, ${writtenAll(shape)})`, shape, scalar);
  }
}
