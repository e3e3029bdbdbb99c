/** The reference of a cell for a whole batch of sequences: every step forward on one tape, then one walk back. */

import type { CellTree, Signature, Sizes, TensorDeclaration } from '../../codegen/frontend/tree.js';
import {
  type CellData,
  type CellResult,
  elements,
  expectedShapes,
  requireAllSymbols,
  shapeOf,
  sizeOf,
  type Tensor,
} from '../data.js';
import { lengthsAlong } from '../lengths.js';
import { checkLengths, checkSeed, initialState, nothing, widened, widenedParams, zero } from './arguments.js';
import { axesOf } from './context.js';
import { Draws } from './draws.js';
import { entry, Recurrence, spreadGates } from './recurrence.js';
import { gather, repeated, scatter } from './rows.js';
import { count, type Tape, Value } from './tape.js';

/** Runs a cell: see `runReference`. */
export function runCell(
  tree: CellTree,
  signature: Signature,
  sizes: Sizes,
  data: CellData,
  tape: Tape,
  extras: ReferenceExtras,
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
  private readonly T: number;
  private readonly B: number;
  private readonly lengths: readonly number[];
  private readonly initial: ReadonlyMap<string, Value>;
  private readonly params: ReadonlyMap<string, Value>;
  private readonly recurrence: Recurrence;

  constructor(
    tree: CellTree,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    data: CellData,
    private readonly tape: Tape,
    private readonly extras: ReferenceExtras,
  ) {
    this.T = sizeOf(sizes, 'T');
    this.B = sizeOf(sizes, 'B');
    this.lengths = checkLengths(lengthsAlong(data.lengths, 'T'), this.T, this.B);
    const shapes = expectedShapes(signature, sizes);
    const tracked = data.cotangents !== undefined;
    requireAllSymbols(signature, sizes, data);
    const inputs = widened('inputs', data.inputs, shapes.inputs, nothing);
    const starts = new Map(signature.state.map((declaration) => [declaration.name, initialState(declaration)]));
    const state = widened('state', data.state, shapes.state, (name) => starts.get(name));
    this.initial = new Map(
      signature.state.map(({ name, shape }) => {
        return [name, new Value(this.B, axesOf(sizes, shape), entry(state, name), tracked)];
      }),
    );
    const params = widenedParams(signature, data.params, sizes);
    this.params = new Map(
      signature.params.map(({ name, shape, trainable }) => {
        return [name, new Value(1, axesOf(sizes, shape), entry(params, name), tracked && trainable)];
      }),
    );
    const seed = checkSeed(data.seed);
    const axes = new Map(signature.inputs.map(({ name, shape }) => [name, axesOf(sizes, shape)]));
    this.recurrence = new Recurrence({
      tree,
      signature,
      sizes,
      tape,
      lengths: this.lengths,
      reverse: data.reverse,
      inputsAt: (places) =>
        new Map(
          [...axes].map(([name, of]) => {
            return [name, new Value(places.length, of, gather(entry(inputs, name), places, count(of)), tracked)];
          }),
        ),
      initial: this.initial,
      params: this.params,
      random: new Draws(seed, signature.options.training === true),
      ...extras,
    });
  }

  forward(): void {
    this.recurrence.forward();
  }

  /** Adds the cotangents to the values they belong to, and walks the tape back. */
  backward(cotangents: NonNullable<CellData['cotangents']>): void {
    const outputShapes = Object.fromEntries(
      Object.entries(this.collect('outputs', ({ data }) => data)).map(([name, { shape }]) => [name, shape]),
    );
    const outputs = widened('cotangents.outputs', cotangents.outputs, outputShapes, zero);
    const stateShapes = expectedShapes(this.signature, this.sizes).state;
    const finals = widened('cotangents.state', cotangents.state, stateShapes, zero);
    for (const [s, { sequences, places, next, outputs: values }] of this.recurrence.steps.entries()) {
      for (const [name, value] of values) value.add(gather(entry(outputs, name), places, value.columns));
      for (const [name, value] of next) {
        const seed = gather(entry(finals, name), sequences, value.columns);
        sequences.forEach((sequence, row) => {
          const ends = this.lengths[sequence] === s + 1;
          if (!ends) seed.fill(0, row * value.columns, (row + 1) * value.columns);
        });
        value.add(seed);
      }
    }
    const empty = [...this.lengths.keys()].filter((sequence) => this.lengths[sequence] === 0);
    for (const [name, value] of this.initial) {
      const seed = new Float64Array(value.data.length);
      scatter(seed, gather(entry(finals, name), empty, value.columns), empty, value.columns);
      value.add(seed);
    }
    spreadGates(this.tape, [this.recurrence]);
    this.tape.backward();
  }

  /** `[T, B, …]`, by name: numbers of what every step has. */
  collect(group: 'outputs' | 'traces', numbers: (value: Value) => Float64Array): Record<string, Tensor> {
    const collect = ([name, { axes, columns }]: [string, Value]): [string, Tensor] => {
      const shape = [this.T, this.B, ...axes.map(({ size }) => size)];
      const data = new Float64Array(elements(shape));
      for (const { places, sequences, ...step } of this.recurrence.steps) {
        const value = entry(step[group], name);
        const rows = value.rows === 1 ? repeated(numbers(value), sequences.length) : numbers(value);
        scatter(data, rows, places, columns);
      }
      return [name, { shape, data }];
    };
    return Object.fromEntries([...this.recurrence.anyStep()[group]].map(collect));
  }

  collectFinalState(): Record<string, Tensor> {
    const collect = (declaration: TensorDeclaration): [string, Tensor] => {
      const shape = shapeOf(declaration, this.sizes, ['B']);
      const data = Float64Array.from(entry(this.initial, declaration.name).data);
      // Later steps overwrite earlier ones, so what stays is each sequence's last.
      for (const { sequences, next } of this.recurrence.steps) {
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
      for (const step of this.recurrence.steps) {
        const value = entry(step.inputs, name);
        scatter(data, value.cotangent(), step.places, value.columns);
      }
      return [name, { shape, data }];
    });
    return {
      inputs: Object.fromEntries(inputs),
      state: cotangentsOf(this.initial, shapes.state),
      params: cotangentsOf(this.params, shapes.params),
      ...(this.extras.trace?.length ? { traces: this.collect('traces', (value) => value.cotangent()) } : {}),
    };
  }
}

/** Gradients of those leaves that have one, by name. */
export function cotangentsOf(
  leaves: ReadonlyMap<string, Value>,
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, Tensor> {
  const tracked = [...leaves].filter(([, value]) => value.tracked);
  return Object.fromEntries(tracked.map(([name, value]) => [name, { shape: shapes[name] ?? [], data: value.cotangent() }]));
}
