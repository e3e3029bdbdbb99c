/**
 * A model's states. `run` is about whole sequences, and what it returns for a state it is given one step later: so it is run
 * again and again, each time with one step more that is known, on one tape. What the last run is given comes of those before,
 * and its cotangents go back through them.
 */
import type { ModelTree, Signature, Sizes } from '../../../codegen/frontend/tree.js';
import type { CellData, Tensor } from '../../data.js';
import { expectedShapes } from '../../data.js';
import { initialState, widened } from '../arguments.js';
import { axesOf } from '../context.js';
import { entry } from '../recurrence.js';
import { type Tape, Value } from '../tape.js';
import { assemble, type Piece } from '../tensor.js';
import type { TimeAxis } from './axis.js';
import type { Timing } from './timing.js';

interface Fed {
  readonly name: string;
  readonly axis: TimeAxis;
  /** `[B, …]`, a value of its own. */
  readonly initial: Value;
  /** What the run returned that had step t right, by t. */
  readonly next: Value[];
}

export class Feedback {
  private readonly fed: readonly Fed[];

  constructor(
    tree: ModelTree,
    signature: Signature,
    sizes: Sizes,
    data: CellData,
    times: ReadonlyMap<string, TimeAxis>,
    private readonly tape: Tape,
    private readonly timing: Timing,
  ) {
    const starts = new Map(signature.state.map((declaration) => [declaration.name, initialState(declaration)]));
    const given = widened('state', data.state, expectedShapes(signature, sizes).state, (name) => starts.get(name));
    this.fed = signature.state.map(({ name, shape }): Fed => {
      const numbers = entry(given, name);
      const axes = axesOf(sizes, shape);
      const rows = numbers.length / axes.reduce((product, { size }) => product * size, 1);
      const time = tree.state.entries.find((declared) => declared.name === name)?.time?.name ?? 'T';
      const initial = new Value(rows, axes, numbers, data.cotangents !== undefined);
      return { name, axis: entry(times, time), initial, next: [] };
    });
  }

  /** How many runs it takes until every step is known. */
  get passes(): number {
    return Math.max(1, ...this.fed.map(({ axis }) => Math.max(0, ...axis.lengths)));
  }

  /** What every step is given, as far as it is known; behind that what is known last, of which nobody asks anything. */
  given(): [string, Value][] {
    return this.fed.map(({ name, axis, initial, next }) => {
      const apart = (value: Value) => new Value(value.rows, value.axes, value.data, false);
      const pieces = axis.places.map((_, row): Piece => {
        const [step, sequence] = [axis.steps[row] as number, axis.sequences[row] as number];
        const known = Math.min(step, next.length);
        const value = known === 0 ? initial : (next[known - 1] as Value);
        const from = known === 0 ? sequence : axis.rowOf(known - 1, sequence);
        if (from === 'zeros') throw new Error(`step ${known - 1} of sequence ${sequence} is behind its length`);
        return { value: known === step ? value : apart(value), rows: [from], to: [row] };
      });
      return [name, this.timing.mark(assemble(this.tape, axis.places.length, initial.axes, pieces), axis)];
    });
  }

  /** What a run returned: one step more of it is right. */
  take(returned: (name: string) => Value): void {
    for (const { name, axis, next, initial } of this.fed) {
      const value = this.timing.full(returned(name), axis);
      if (value.axes.length !== initial.axes.length) throw new Error(`the state ${name} is ${initial} and becomes ${value}`);
      next.push(value);
    }
  }

  /** Each sequence's state after its last step, `[B, …]`: values of their own. */
  finals(): Map<string, Value> {
    return new Map(
      this.fed.map(({ name, axis, initial, next }) => {
        const last = next.at(-1);
        const pieces = axis.lengths.map((length, sequence): Piece => {
          const row = axis.rowOf(length - 1, sequence);
          if (row === 'zeros' || last === undefined) return { value: initial, rows: [sequence], to: [sequence] };
          return { value: last, rows: [row], to: [sequence] };
        });
        return [name, assemble(this.tape, axis.lengths.length, initial.axes, pieces)];
      }),
    );
  }

  /** Cotangents of the initial states, after the walk back. */
  gradients(): Record<string, Tensor> {
    return Object.fromEntries(
      this.fed.map(({ name, initial }) => {
        const shape = [initial.rows, ...initial.axes.map(({ size }) => size)];
        return [name, { shape, data: initial.cotangent() }];
      }),
    );
  }
}
