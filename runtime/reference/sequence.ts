/**
 * The reference for a whole batch of sequences: every step forward on one tape, then one walk back.
 *
 * A step computes only the sequences that are still running, so nothing past a sequence's length is ever read:
 * the batch shrinks as sequences end, and a final state is taken where its sequence ends.
 */
import type { CellTree, Signature, TensorDeclaration } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { type CellData, type CellResult, elements, expectedShapes, shapeOf, sizeOf, type Tensor } from '../data.js';
import { checkLengths, zeroExtended } from './arguments.js';
import { type Namespace, namespace, runStep, toValue } from './interpret.js';
import { Matrix, Tape, Value } from './tape.js';
import { stretchTo, takeRows } from './tensor.js';

/** One step of the running sequences. */
interface Step {
  /** Batch index of every row. */
  readonly sequences: readonly number[];
  /** Index `[t, b]` of every row in a sequence tensor, flattened. */
  readonly places: readonly number[];
  readonly inputs: ReadonlyMap<string, Value>;
  readonly next: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
}

/**
 * Runs a cell over `T` steps in float64; with cotangents in `data`, also the gradients of the inputs, the initial
 * state and the parameters. All results are Float64Arrays; shapes as in `CellResult`. `outputs` are those of the
 * signature, or every name that `step` returns.
 *
 * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-NAME`, `DATA-LENGTHS`, `DIMS-MISSING`
 */
export function runReference(tree: CellTree, signature: Signature, sizes: Sizes, data: CellData): CellResult {
  const run = new SequenceRun(tree, signature, sizes, data);
  const steps = run.forward();
  const results = { outputs: run.collectOutputs(steps), state: run.collectFinalState(steps) };
  if (!data.cotangents) return results;
  run.backward(steps, data.cotangents);
  return { ...results, gradients: run.collectGradients(steps) };
}

class SequenceRun {
  private readonly tape = new Tape();
  private readonly T: number;
  private readonly B: number;
  private readonly lengths: readonly number[];
  private readonly inputs: ReadonlyMap<string, Float64Array>;
  private readonly initial: ReadonlyMap<string, Value>;
  private readonly params: ReadonlyMap<string, Value | Matrix>;
  private readonly options: Namespace;

  constructor(
    private readonly tree: CellTree,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    private readonly data: CellData,
  ) {
    this.T = sizeOf(sizes, 'T');
    this.B = sizeOf(sizes, 'B');
    this.lengths = checkLengths(data.lengths, this.T, this.B);
    const shapes = expectedShapes(signature, sizes);
    const tracked = data.cotangents !== undefined;
    this.inputs = zeroExtended('inputs', data.inputs, shapes.inputs, 'complete');
    const state = zeroExtended('state', data.state, shapes.state, 'partial');
    this.initial = new Map(
      signature.state.map((declaration) => {
        const values = entry(state, declaration.name);
        return [declaration.name, new Value(this.B, this.unitsOf(declaration), values, tracked)];
      }),
    );
    const params = zeroExtended('params', data.params, shapes.params, 'complete');
    this.params = new Map(
      signature.params.map((declaration) => {
        const values = entry(params, declaration.name);
        const [rows, columns] = shapeOf(declaration, sizes);
        if (rows !== undefined && columns !== undefined) {
          return [declaration.name, new Matrix(rows, columns, values, tracked)];
        }
        return [declaration.name, new Value(1, rows, values, tracked)];
      }),
    );
    this.options = namespace(Object.entries(signature.options));
  }

  private unitsOf(declaration: TensorDeclaration): number | undefined {
    return shapeOf(declaration, this.sizes)[0];
  }

  forward(): Step[] {
    const steps: Step[] = [];
    let running = this.lengths.map((_, sequence) => sequence);
    let state = this.initial;
    for (let s = 0; s < this.T; s++) {
      const kept = [...running.keys()].filter((row) => s < (this.lengths[running[row] as number] as number));
      if (kept.length === 0) break;
      if (kept.length < running.length) {
        state = new Map([...state].map(([name, value]) => [name, takeRows(this.tape, value, kept)]));
        running = kept.map((row) => running[row] as number);
      }
      const step = this.step(s, running, state);
      steps.push(step);
      state = step.next;
    }
    return steps;
  }

  private step(s: number, sequences: readonly number[], state: ReadonlyMap<string, Value>): Step {
    const rows = sequences.length;
    const places = sequences.map((sequence) => {
      const t = this.data.reverse ? (this.lengths[sequence] as number) - 1 - s : s;
      return t * this.B + sequence;
    });
    const inputs = new Map(
      this.signature.inputs.map((declaration) => {
        const units = this.unitsOf(declaration);
        const values = gather(entry(this.inputs, declaration.name), places, units ?? 1);
        return [declaration.name, new Value(rows, units, values, this.data.cotangents !== undefined)];
      }),
    );
    const context = namespace([['options', this.options]]);
    const returned = runStep(this.tree, this.tape, [namespace(inputs), namespace(state), namespace(this.params), context]);
    const next = new Map(
      this.signature.state.map((declaration) => {
        const value = toValue(returned.get(declaration.name));
        return [declaration.name, stretchTo(this.tape, value, rows, this.unitsOf(declaration))];
      }),
    );
    const names = this.signature.outputs ?? [...returned.keys()];
    const outputs = new Map(
      names.map((name) => {
        const value = next.get(name) ?? toValue(returned.get(name));
        return [name, stretchTo(this.tape, value, rows, value.units)];
      }),
    );
    return { sequences, places, inputs, next, outputs };
  }

  /** Adds the cotangents to the values they belong to, and walks the tape back. */
  backward(steps: readonly Step[], cotangents: NonNullable<CellData['cotangents']>): void {
    const outputShapes = Object.fromEntries(Object.entries(this.collectOutputs(steps)).map(([name, { shape }]) => [name, shape]));
    const outputs = zeroExtended('cotangents.outputs', cotangents.outputs, outputShapes, 'partial');
    const stateShapes = expectedShapes(this.signature, this.sizes).state;
    const finals = zeroExtended('cotangents.state', cotangents.state, stateShapes, 'partial');
    for (const [s, { sequences, places, next, outputs: values }] of steps.entries()) {
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
    this.tape.backward();
  }

  collectOutputs(steps: readonly Step[]): Record<string, Tensor> {
    const first = steps[0];
    if (first === undefined) throw new Error('no step ran');
    const collect = ([name, { units }]: [string, Value]): [string, Tensor] => {
      const shape = [this.T, this.B, ...(units === undefined ? [] : [units])];
      const data = new Float64Array(elements(shape));
      for (const { places, outputs } of steps) scatter(data, entry(outputs, name).data, places, units ?? 1);
      return [name, { shape, data }];
    };
    return Object.fromEntries([...first.outputs].map(collect));
  }

  collectFinalState(steps: readonly Step[]): Record<string, Tensor> {
    const collect = (declaration: TensorDeclaration): [string, Tensor] => {
      const shape = shapeOf(declaration, this.sizes, ['B']);
      const data = new Float64Array(elements(shape));
      // Later steps overwrite earlier ones, so what stays is each sequence's last.
      for (const { sequences, next } of steps) {
        const value = entry(next, declaration.name);
        scatter(data, value.data, sequences, value.columns);
      }
      return [declaration.name, { shape, data }];
    };
    return Object.fromEntries(this.signature.state.map(collect));
  }

  collectGradients(steps: readonly Step[]): NonNullable<CellResult['gradients']> {
    const shapes = expectedShapes(this.signature, this.sizes);
    const inputs = this.signature.inputs.map(({ name }): [string, Tensor] => {
      const shape = shapes.inputs[name] ?? [];
      const data = new Float64Array(elements(shape));
      for (const step of steps) {
        const value = entry(step.inputs, name);
        scatter(data, value.cotangent(), step.places, value.columns);
      }
      return [name, { shape, data }];
    });
    const leaf = (leaves: ReadonlyMap<string, Value | Matrix>, group: Record<string, number[]>) =>
      Object.fromEntries([...leaves].map(([name, value]) => [name, { shape: group[name] ?? [], data: value.cotangent() }]));
    return {
      inputs: Object.fromEntries(inputs),
      state: leaf(this.initial, shapes.state),
      params: leaf(this.params, shapes.params),
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
