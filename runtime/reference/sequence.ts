/**
 * The reference for a whole batch of sequences: every step forward on one tape, then one walk back.
 *
 * A step computes only the sequences that are still running, so nothing past a sequence's length is ever read:
 * the batch shrinks as sequences end, and a final state is taken where its sequence ends: for one without steps, that is
 * where it begins.
 */
import type { CellTree, Signature, Sizes, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { type CellData, type CellResult, elements, expectedShapes, requireRates, shapeOf, sizeOf, type Tensor } from '../data.js';
import { checkLengths, checkSeed, initialFill, initialState, nothing, widened, zero } from './arguments.js';
import { axesOf } from './context.js';
import { Draws } from './draws.js';
import { runStep } from './interpret.js';
import { type Namespace, namespace, toValue } from './operand.js';
import { type Axis, constant, count, Tape, Value } from './tape.js';
import { alias, stretchTo, takeRows } from './tensor.js';

/** One step of the running sequences. */
interface Step {
  /** Batch index of every row. */
  readonly sequences: readonly number[];
  /** Index `[t, b]` of every row in a sequence tensor, flattened. */
  readonly places: readonly number[];
  readonly inputs: ReadonlyMap<string, Value>;
  /** As the step got it. */
  readonly state: ReadonlyMap<string, Value>;
  /** The same where what goes back through it is not clipped: what delays read. */
  readonly passed: ReadonlyMap<string, Value>;
  readonly next: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  /** Traced values, before anything is made of them. */
  readonly traces: ReadonlyMap<string, Value>;
}

/**
 * Runs a cell over `T` steps in float64; with cotangents in `data`, also the gradients of the inputs, the initial
 * state and the trained parameters. All results are Float64Arrays; shapes as in `CellResult`. `outputs` are those of the
 * signature, or every name that `step` returns.
 *
 * @param tape a new one; of another arithmetic to see what that makes of the results
 * @param extras names of values to `trace`, returned for every step with their cotangents (see `lower`), and the `clip` of
 *   the state's cotangent at each step back in time
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`, `DATA-LENGTHS`, `DATA-SEED`, `DATA-RATE`, `DIMS-MISSING`
 */
export function runReference(
  tree: CellTree,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
  tape: Tape = new Tape(),
  extras: ReferenceExtras = {},
): CellResult {
  const { trace = [] } = extras;
  const run = new SequenceRun(tree, signature, sizes, data, tape, extras);
  run.forward();
  const traces = trace.length === 0 ? {} : { traces: run.collect('traces', ({ data: values }) => values) };
  const results = { outputs: run.collect('outputs', ({ data: values }) => values), state: run.collectFinalState(), ...traces };
  if (!data.cotangents) return results;
  run.backward(data.cotangents);
  return { ...results, gradients: run.collectGradients() };
}

export interface ReferenceExtras {
  readonly trace?: readonly string[];
  readonly clip?: number;
}

class SequenceRun {
  private readonly trace: readonly string[];
  private readonly T: number;
  private readonly B: number;
  private readonly lengths: readonly number[];
  private readonly inputs: ReadonlyMap<string, Float64Array>;
  private readonly initial: ReadonlyMap<string, Value>;
  private readonly params: ReadonlyMap<string, Value>;
  private readonly options: Namespace;
  private readonly random: Draws | undefined;
  private readonly steps: Step[] = [];
  private readonly axes = new Map<TensorDeclaration, readonly Axis[]>();

  constructor(
    private readonly tree: CellTree,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    private readonly data: CellData,
    private readonly tape: Tape,
    private readonly extras: ReferenceExtras = {},
  ) {
    this.trace = extras.trace ?? [];
    this.T = sizeOf(sizes, 'T');
    this.B = sizeOf(sizes, 'B');
    this.lengths = checkLengths(data.lengths, this.T, this.B);
    const shapes = expectedShapes(signature, sizes);
    const tracked = data.cotangents !== undefined;
    this.inputs = widened('inputs', data.inputs, shapes.inputs, nothing);
    const starts = new Map(signature.state.map((declaration) => [declaration.name, initialState(declaration)]));
    const state = widened('state', data.state, shapes.state, (name) => starts.get(name));
    this.initial = new Map(
      signature.state.map((declaration) => {
        const { name } = declaration;
        return [name, new Value(this.B, this.axesOf(declaration), entry(state, name), tracked)];
      }),
    );
    const fills = new Map(signature.params.map((declaration) => [declaration.name, initialFill(declaration)]));
    requireRates(signature.rates, data.params);
    const params = widened('params', data.params, shapes.params, (name) => fills.get(name));
    this.params = new Map(
      signature.params.map((declaration) => {
        const { name, trainable } = declaration;
        return [name, new Value(1, this.axesOf(declaration), entry(params, name), tracked && trainable)];
      }),
    );
    this.options = namespace(Object.entries(signature.options));
    const seed = checkSeed(data.seed);
    this.random = signature.options.training === true ? new Draws(seed) : undefined;
  }

  private axesOf(declaration: TensorDeclaration): readonly Axis[] {
    const known = this.axes.get(declaration);
    if (known) return known;
    const axes = axesOf(this.sizes, declaration.shape);
    this.axes.set(declaration, axes);
    return axes;
  }

  forward(): void {
    let running = this.lengths.map((_, sequence) => sequence);
    let state = this.initial;
    for (let s = 0; s < this.T; s++) {
      const kept = [...running.keys()].filter((row) => s < (this.lengths[running[row] as number] as number));
      if (kept.length === 0) break;
      if (kept.length < running.length) {
        state = new Map([...state].map(([name, value]) => [name, takeRows(this.tape, value, kept)]));
        running = kept.map((row) => running[row] as number);
      }
      const step = this.step(s, running, state, this.clipped(state));
      this.steps.push(step);
      state = step.next;
    }
  }

  /** The state as a step gets it, where a limit is set for what goes back through it. */
  private clipped(state: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    const { clip } = this.extras;
    if (clip === undefined) return state;
    const limit = (value: Value): Value => {
      const output = new Value(value.rows, value.axes, value.data, value.tracked);
      const back = (cotangent: Float64Array) =>
        addRows(
          value,
          cotangent.map((element) => Math.max(-clip, Math.min(clip, element))),
        );
      return this.tape.record(output, [value], back);
    };
    return new Map([...state].map(([name, value]) => [name, limit(value)]));
  }

  private step(
    s: number,
    sequences: readonly number[],
    passed: ReadonlyMap<string, Value>,
    state: ReadonlyMap<string, Value>,
  ): Step {
    this.tape.step = s;
    const rows = sequences.length;
    const places = sequences.map((sequence) => {
      const t = this.data.reverse ? (this.lengths[sequence] as number) - 1 - s : s;
      return t * this.B + sequence;
    });
    const inputs = new Map(
      this.signature.inputs.map((declaration) => {
        const axes = this.axesOf(declaration);
        const values = gather(entry(this.inputs, declaration.name), places, count(axes));
        return [declaration.name, new Value(rows, axes, values, this.data.cotangents !== undefined)];
      }),
    );
    this.random?.startStep();
    const context = {
      tape: this.tape,
      sizes: this.sizes,
      t: s,
      sequences,
      random: this.random,
      delayed: (value: Value, steps: number) => this.delayed(s, sequences, { inputs, state }, value, steps),
    };
    // `t` is a value, not a static number: a spec may not branch on it.
    const last = namespace([
      ['options', this.options],
      ['t', constant(s)],
    ]);
    const { returned, named } = runStep(this.tree, context, [namespace(inputs), namespace(state), namespace(this.params), last]);
    const next = new Map(
      this.signature.state.map((declaration) => {
        const value = toValue(returned.get(declaration.name));
        // Two states may be given one value, and still have different pasts.
        return [declaration.name, alias(this.tape, stretchTo(this.tape, value, rows, this.axesOf(declaration)))];
      }),
    );
    const names = this.signature.outputs ?? [...returned.keys()];
    const outputs = new Map(
      names.map((name) => {
        const value = next.get(name) ?? toValue(returned.get(name));
        return [name, stretchTo(this.tape, value, rows, value.axes)];
      }),
    );
    const traces = new Map(
      this.trace.map((name) => {
        const value = toValue(next.has(name) ? returned.get(name) : named.get(name));
        this.tape.watch(value);
        return [name, value];
      }),
    );
    return { sequences, places, inputs, state, passed, next, outputs, traces };
  }

  /** An input or a state as step `s − steps` got it; zero before the first step. */
  private delayed(
    s: number,
    sequences: readonly number[],
    now: Pick<Step, 'inputs' | 'state'>,
    value: Value,
    steps: number,
  ): Value {
    for (const group of ['inputs', 'state'] as const) {
      const [name] = [...now[group]].find(([, candidate]) => candidate === value) ?? [];
      if (name === undefined) continue;
      const earlier = this.steps[s - steps];
      if (steps < 1) throw new Error(`a delay of ${steps} steps`);
      if (earlier === undefined) return new Value(1, value.axes, new Float64Array(value.columns), false);
      const rows = sequences.map((sequence) => earlier.sequences.indexOf(sequence));
      return takeRows(this.tape, entry(group === 'state' ? earlier.passed : earlier.inputs, name), rows);
    }
    throw new Error('only an input or a state can be delayed');
  }

  /** Adds the cotangents to the values they belong to, and walks the tape back. */
  backward(cotangents: NonNullable<CellData['cotangents']>): void {
    const outputShapes = Object.fromEntries(
      Object.entries(this.collect('outputs', ({ data }) => data)).map(([name, { shape }]) => [name, shape]),
    );
    const outputs = widened('cotangents.outputs', cotangents.outputs, outputShapes, zero);
    const stateShapes = expectedShapes(this.signature, this.sizes).state;
    const finals = widened('cotangents.state', cotangents.state, stateShapes, zero);
    for (const [s, { sequences, places, next, outputs: values }] of this.steps.entries()) {
      for (const [name, value] of values) addRows(value, gather(entry(outputs, name), places, value.columns));
      for (const [name, value] of next) {
        const seed = gather(entry(finals, name), sequences, value.columns);
        sequences.forEach((sequence, row) => {
          const ends = this.lengths[sequence] === s + 1;
          if (!ends) seed.fill(0, row * value.columns, (row + 1) * value.columns);
        });
        addRows(value, seed);
      }
    }
    const empty = [...this.lengths.keys()].filter((sequence) => this.lengths[sequence] === 0);
    for (const [name, value] of this.initial) {
      const seed = new Float64Array(value.data.length);
      scatter(seed, gather(entry(finals, name), empty, value.columns), empty, value.columns);
      addRows(value, seed);
    }
    this.gate();
    this.tape.backward();
  }

  /** A state that is gated at one step is gated at all: the last steps are no exception for having nothing behind them. */
  private gate(): void {
    for (let before = -1, gated = new Set<string>(); gated.size > before; ) {
      before = gated.size;
      this.tape.spreadGates();
      for (const { state } of this.steps) for (const [name, value] of state) if (value.gated) gated.add(name);
      for (const { next } of this.steps) for (const name of gated) entry(next, name).gated = true;
    }
  }

  /** `[T, B, …]`, by name: numbers of what every step has. */
  collect(group: 'outputs' | 'traces', numbers: (value: Value) => Float64Array): Record<string, Tensor> {
    const collect = ([name, { axes, columns }]: [string, Value]): [string, Tensor] => {
      const shape = [this.T, this.B, ...axes.map(({ size }) => size)];
      const data = new Float64Array(elements(shape));
      for (const { places, sequences, ...step } of this.steps) {
        const value = entry(step[group], name);
        const rows = value.rows === 1 ? repeated(numbers(value), sequences.length) : numbers(value);
        scatter(data, rows, places, columns);
      }
      return [name, { shape, data }];
    };
    return Object.fromEntries([...(this.steps[0] ?? this.oneStep())[group]].map(collect));
  }

  /** A step of one sequence, on zeros: what outputs are called and how long they are, where no sequence has a step. */
  private oneStep(): Step {
    const sizes = { ...this.sizes, T: 1, B: 1 };
    const inputs = Object.entries(expectedShapes(this.signature, sizes).inputs).map(([name, shape]) => {
      return [name, { shape, data: new Float64Array(elements(shape)) }];
    });
    const data = { inputs: Object.fromEntries(inputs), state: {}, params: this.data.params, reverse: false };
    const run = new SequenceRun(this.tree, this.signature, sizes, data, new Tape(), this.extras);
    run.forward();
    const [step] = run.steps;
    if (step === undefined) throw new Error('no step ran');
    return step;
  }

  collectFinalState(): Record<string, Tensor> {
    const collect = (declaration: TensorDeclaration): [string, Tensor] => {
      const shape = shapeOf(declaration, this.sizes, ['B']);
      const data = Float64Array.from(entry(this.initial, declaration.name).data);
      // Later steps overwrite earlier ones, so what stays is each sequence's last.
      for (const { sequences, next } of this.steps) {
        const value = entry(next, declaration.name);
        scatter(data, value.data, sequences, value.columns);
      }
      return [declaration.name, { shape, data }];
    };
    return Object.fromEntries(this.signature.state.map(collect));
  }

  collectGradients(): NonNullable<CellResult['gradients']> {
    const shapes = expectedShapes(this.signature, this.sizes);
    const inputs = this.signature.inputs.map(({ name }): [string, Tensor] => {
      const shape = shapes.inputs[name] ?? [];
      const data = new Float64Array(elements(shape));
      for (const step of this.steps) {
        const value = entry(step.inputs, name);
        scatter(data, value.cotangent(), step.places, value.columns);
      }
      return [name, { shape, data }];
    });
    const leaf = (leaves: ReadonlyMap<string, Value>, group: Record<string, number[]>) =>
      Object.fromEntries(
        [...leaves]
          .filter(([, value]) => value.tracked)
          .map(([name, value]) => [name, { shape: group[name] ?? [], data: value.cotangent() }]),
      );
    return {
      inputs: Object.fromEntries(inputs),
      state: leaf(this.initial, shapes.state),
      params: leaf(this.params, shapes.params),
      ...(this.trace.length === 0 ? {} : { traces: this.collect('traces', (value) => value.cotangent()) }),
    };
  }
}

function entry<V>(map: ReadonlyMap<string, V>, name: string): V {
  const value = map.get(name);
  if (value === undefined) throw new Error(`nothing is called ${name}`);
  return value;
}

/** Rows of `columns` numbers at the given places. */
function gather(from: Float64Array, places: readonly number[], columns: number): Float64Array {
  const rows = new Float64Array(places.length * columns);
  places.forEach((place, row) => {
    rows.set(from.subarray(place * columns, (place + 1) * columns), row * columns);
  });
  return rows;
}

function repeated(row: Float64Array, times: number): Float64Array {
  const rows = new Float64Array(row.length * times);
  for (let at = 0; at < times; at++) rows.set(row, at * row.length);
  return rows;
}

function scatter(to: Float64Array, rows: Float64Array, places: readonly number[], columns: number): void {
  places.forEach((place, row) => {
    to.set(rows.subarray(row * columns, (row + 1) * columns), place * columns);
  });
}

function addRows(value: Value, cotangent: Float64Array): void {
  if (!value.tracked) return;
  const gradient = value.cotangent();
  for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + (cotangent[i] as number);
}
