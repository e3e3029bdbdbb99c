/**
 * A cell over the steps of a batch of sequences, every step forward on one tape.
 *
 * A step computes only the sequences that are still running, so nothing past a sequence's length is ever read:
 * the batch shrinks as sequences end, and a final state is taken where its sequence ends: for one without steps, that is
 * where it begins.
 */
import type { CellTree, Signature, Sizes, TensorDeclaration } from '../../codegen/frontend/tree.js';
import { axesOf } from './context.js';
import type { Draws } from './draws.js';
import { runStep } from './interpret.js';
import { namespace, toValue } from './operand.js';
import { type Axis, constant, Tape, Value } from './tape.js';
import { alias, stretchTo, takeRows } from './tensor.js';

/** One step of the running sequences. */
export interface Step {
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

/** What runs over which sequences. */
export interface Course {
  readonly tree: CellTree;
  readonly signature: Signature;
  /** Sizes of the cell's dims. */
  readonly sizes: Sizes;
  readonly tape: Tape;
  /** Steps of each sequence. */
  readonly lengths: readonly number[];
  /** Whether each sequence is processed from its own end. */
  readonly reverse: boolean;
  /** Every input at the places `[t, b]`, flattened; each a value of its own. */
  readonly inputsAt: (places: readonly number[]) => ReadonlyMap<string, Value>;
  /** The states that each step is given, at the same places; others it has from the step before. */
  readonly statesAt?: (places: readonly number[]) => ReadonlyMap<string, Value>;
  /** The other states: `[B, …]` each, each a value of its own. */
  readonly initial: ReadonlyMap<string, Value>;
  readonly params: ReadonlyMap<string, Value>;
  readonly random: Draws;
  /** Names of values to keep. */
  readonly trace?: readonly string[];
  /** Limit of the state's cotangent at each step back in time. */
  readonly clip?: number | undefined;
}

export class Recurrence {
  private readonly taken: Step[] = [];
  private readonly axes = new Map<TensorDeclaration, readonly Axis[]>();
  /** The number of the first random draw of every step. */
  private readonly site: number;

  constructor(private readonly course: Course) {
    this.site = course.random.site;
  }

  /** Those that at least one sequence has, in the order of processing. */
  get steps(): readonly Step[] {
    return this.taken;
  }

  /** Runs every step: call once. */
  forward(): void {
    const { tape, lengths, initial } = this.course;
    let running = lengths.map((_, sequence) => sequence);
    let state = initial;
    for (let s = 0; ; s++) {
      const kept = [...running.keys()].filter((row) => s < (lengths[running[row] as number] as number));
      if (kept.length === 0) break;
      if (kept.length < running.length) {
        state = new Map([...state].map(([name, value]) => [name, takeRows(tape, value, kept)]));
        running = kept.map((row) => running[row] as number);
      }
      const step = this.step(s, running, state, this.clipped(state));
      this.taken.push(step);
      state = step.next;
    }
  }

  /** Any step, for the names and axes of what it gives: where there was none, one of no sequences, on a tape of its own. */
  anyStep(): Step {
    const [first] = this.taken;
    if (first !== undefined) return first;
    const tape = new Tape();
    const none = new Map([...this.course.initial].map(([name, value]) => [name, takeRows(tape, value, [])]));
    const apart = new Recurrence({ ...this.course, tape });
    return apart.step(0, [], none, none);
  }

  /** The state as a step gets it, where a limit is set for what goes back through it. */
  private clipped(state: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    const { clip, tape } = this.course;
    if (clip === undefined) return state;
    const limit = (value: Value): Value => {
      const output = new Value(value.rows, value.axes, value.data, value.tracked);
      const back = (cotangent: Float64Array) => value.add(cotangent.map((element) => Math.max(-clip, Math.min(clip, element))));
      return tape.record(output, [value], back);
    };
    return new Map([...state].map(([name, value]) => [name, limit(value)]));
  }

  private step(
    s: number,
    sequences: readonly number[],
    handed: ReadonlyMap<string, Value>,
    limited: ReadonlyMap<string, Value>,
  ): Step {
    const { tree, signature, sizes, tape, lengths, reverse, inputsAt, statesAt, params, random, trace = [] } = this.course;
    tape.step = s;
    const rows = sequences.length;
    const places = sequences.map((sequence) => {
      const t = reverse ? (lengths[sequence] as number) - 1 - s : s;
      return t * lengths.length + sequence;
    });
    const inputs = inputsAt(places);
    const given = statesAt?.(places) ?? new Map<string, Value>();
    const [passed, state] = [new Map([...handed, ...given]), new Map([...limited, ...given])];
    random.restart(this.site);
    const context = {
      tape,
      sizes,
      steps: sequences.map(() => s),
      sequences,
      random,
      delayed: (value: Value, steps: number) => this.delayed(s, sequences, { inputs, state }, value, steps),
    };
    // `t` is a value, not a static number: a spec may not branch on it.
    const last = namespace([
      ['options', namespace(Object.entries(signature.options))],
      ['t', constant(s)],
    ]);
    const { returned, named } = runStep(tree, context, [namespace(inputs), namespace(state), namespace(params), last]);
    const next = new Map(
      signature.state.map((declaration) => {
        const value = toValue(returned.get(declaration.name));
        // Two states may be given one value, and still have different pasts.
        return [declaration.name, alias(tape, stretchTo(tape, value, rows, this.axesOf(declaration)))];
      }),
    );
    const names = signature.outputs ?? [...returned.keys()];
    const outputs = new Map(
      names.map((name) => {
        const value = next.get(name) ?? toValue(returned.get(name));
        return [name, stretchTo(tape, value, rows, value.axes)];
      }),
    );
    const traces = new Map(
      trace.map((name) => {
        const value = toValue(next.has(name) ? returned.get(name) : named.get(name));
        tape.watch(value);
        return [name, value];
      }),
    );
    return { sequences, places, inputs, state, passed, next, outputs, traces };
  }

  private axesOf(declaration: TensorDeclaration): readonly Axis[] {
    const known = this.axes.get(declaration);
    if (known) return known;
    const axes = axesOf(this.course.sizes, declaration.shape);
    this.axes.set(declaration, axes);
    return axes;
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
      const earlier = this.taken[s - steps];
      if (steps < 1) throw new Error(`a delay of ${steps} steps`);
      // One for each sequence, that what is made of it has a cotangent in each.
      const { length } = sequences;
      if (earlier === undefined) return new Value(length, value.axes, new Float64Array(length * value.columns), false);
      const rows = sequences.map((sequence) => earlier.sequences.indexOf(sequence));
      return takeRows(this.course.tape, entry(group === 'state' ? earlier.passed : earlier.inputs, name), rows);
    }
    throw new Error('only an input or a state can be delayed');
  }

  /**
   * A state that is gated at one step is gated at all: the last steps are no exception for having nothing behind them.
   *
   * @returns how many states are
   */
  gateStates(): number {
    const gated = new Set<string>();
    const { initial } = this.course;
    for (const { state, next } of this.taken) {
      for (const [name, value] of [...state, ...next]) if (value.gated && initial.has(name)) gated.add(name);
    }
    for (const { next } of this.taken) for (const name of gated) entry(next, name).gated = true;
    return gated.size;
  }
}

/** Marks what branches hold back from, in recurrences too, before the tape is walked back. */
export function spreadGates(tape: Tape, recurrences: readonly Recurrence[]): void {
  for (let before = -1, gated = 0; gated > before; ) {
    before = gated;
    tape.spreadGates();
    gated = recurrences.reduce((sum, recurrence) => sum + recurrence.gateStates(), 0);
  }
}

/** What a map must have. */
export function entry<V>(map: ReadonlyMap<string, V>, name: string): V {
  const value = map.get(name);
  if (value === undefined) throw new Error(`nothing is called ${name}`);
  return value;
}
