/** Values, parameters and layers of a random model while it is made. */
import type { Shape } from '../model.js';
import { writtenAll } from '../model.js';
import type { Random } from '../random.js';
import type { Declared, Network, NetworkLayer, Time, Value } from './network.js';

/** A value that can be an argument. */
export interface Wanted {
  readonly shape?: Shape;
  /** What it may be over; left out, everything. */
  readonly over?: readonly Time[];
  readonly type?: Value['type'];
}

/** Terms of the largest sum, and numbers of the largest value. */
const MOST_UNITS = 64;

export class NetworkBuilder {
  readonly sizes: Record<string, number> = {};
  readonly inputs: Record<string, Declared> = {};
  readonly state: Record<string, Declared> = {};
  readonly params: Record<string, string> = {};
  readonly layers: Record<string, NetworkLayer> = {};
  readonly values: Value[] = [];
  private readonly paramShapes: Record<string, Shape> = {};

  /** @param axes the time axes, in the order in which the model has them */
  constructor(
    readonly random: Random,
    readonly axes: readonly Time[],
  ) {
    for (const dim of ['D0', 'D1', 'D2']) this.sizes[dim] = random.whole(2, 5);
  }

  someVec(): Shape {
    return [this.random.pick(['D0', 'D1', 'D2'])];
  }

  newDim(size: number): string {
    const name = `N${Object.keys(this.sizes).length}`;
    this.sizes[name] = size;
    return name;
  }

  units(shape: Shape): number {
    return shape.reduce((product, dim) => product * (this.sizes[dim] ?? Number(dim)), 1);
  }

  fits(shape: Shape): boolean {
    return this.units(shape) <= MOST_UNITS;
  }

  /** @returns its number */
  add(text: string, args: readonly number[], shape: Shape, more: Partial<Value> = {}): number {
    const over = args.map((arg) => this.value(arg));
    // What an operation itself makes of time is said by it: the axes of its arguments may be two.
    const time = 'time' in more ? more.time : this.timeOf(args);
    const varies = over.some((value) => value.varies);
    return this.values.push({ text, args, shape, varies, type: 'number', ...more, time }) - 1;
  }

  value(at: number): Value {
    const value = this.values[at];
    if (value === undefined) throw new Error(`no value ${at}`);
    return value;
  }

  /** The time axis that values have in common. */
  timeOf(args: readonly number[]): Time {
    const [time, ...others] = new Set(args.map((arg) => this.value(arg).time).filter((own) => own !== undefined));
    if (others.length > 0) throw new Error('values over two time axes meet');
    return time;
  }

  /** What may meet these values: what is over their axis, or has no time. */
  beside(...args: readonly number[]): readonly Time[] {
    const time = this.timeOf(args);
    return time === undefined ? [...this.axes, undefined] : [time, undefined];
  }

  input(shape: Shape, time: Time): number {
    const name = `${time === undefined ? 'c' : time === 'S' ? 's' : 'x'}${Object.keys(this.inputs).length}`;
    this.inputs[name] = { shape, time };
    return this.add(name, [], shape, { time, varies: true });
  }

  /** One of as many symbols as a dim counts: one that was there before, or an input. */
  symbol(dim: string, time: Time): number {
    const known = this.values.findIndex((value) => value.symbols === dim && value.time === time);
    if (known >= 0 && this.random.chance(0.4)) return known;
    const name = `w${Object.keys(this.inputs).length}`;
    this.inputs[name] = { shape: [], time, symbols: dim };
    return this.add(name, [], [], { time, varies: true, type: 'symbol', symbols: dim });
  }

  /** What a step is given by the one before. */
  fed(shape: Shape, time: Time): number {
    const name = `fed${Object.keys(this.state).length}`;
    this.state[name] = { shape, time };
    return this.add(`state.${name}`, [], shape, { time });
  }

  /** Text of a parameter of this shape, a new one or one that has been used. */
  param(shape: Shape): string {
    const alike = Object.entries(this.paramShapes).filter(([, own]) => own.join() === shape.join());
    if (alike.length > 0 && this.random.chance(0.3)) return `p.${this.random.pick(alike)[0]}`;
    const name = `P${Object.keys(this.params).length}`;
    const constructor_ = ['scalar', 'vec', 'mat'][shape.length] ?? 'map';
    this.params[name] = `${constructor_}(${writtenAll(shape)})`;
    this.paramShapes[name] = shape;
    return `p.${name}`;
  }

  /** A value that was made before, a late one rather than an early one; `undefined` where there is none. */
  known({ shape, over, type = 'number' }: Wanted): number | undefined {
    const fitting = [...this.values.keys()].filter((at) => {
      const value = this.value(at);
      const shaped = shape === undefined || value.shape.join() === shape.join();
      return value.type === type && (over === undefined || over.includes(value.time)) && shaped;
    });
    return fitting.length === 0 ? undefined : this.random.weighted(fitting, (at) => 1 + at);
  }

  /** The same, or an input. */
  one(wanted: Wanted): number {
    const known = this.random.chance(0.85) ? this.known(wanted) : undefined;
    if (known !== undefined) return known;
    const { over = [...this.axes, undefined] } = wanted;
    const axes = over.filter((time) => time !== undefined);
    const still = axes.length === 0 || (axes.length < over.length && this.random.chance(0.3));
    return this.input(wanted.shape ?? this.someVec(), still ? undefined : this.random.pick(axes));
  }

  network(outputs: Network['outputs'], run: Network['run'], sizes: Readonly<Record<string, number>>): Network {
    const { inputs, state, params, layers, values } = this;
    return { sizes: { ...sizes, ...this.sizes }, inputs, state, params, layers, values, outputs, run };
  }
}
