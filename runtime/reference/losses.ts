/** Where and why numbers are lost when a run is computed in float32: outside a function's domain, too large, too small. */
import type { Span } from '../../codegen/frontend/tree.js';
import { functions, negate, not, type Operation, operators, select, stretch } from './operations.js';
import { RoundingTape } from './rounding.js';
import { rowStride, type Value } from './tape.js';
import { unitStride } from './tensor.js';

/** What makes a number that is not finite out of numbers that are. */
export interface Loss {
  /** For a person: `log of a number below 0`. */
  readonly what: string;
  /** Line of the spec, where one is known. */
  readonly place?: Span;
  /** The first time step at which it happens. */
  readonly step: number;
  /** How many numbers. */
  readonly count: number;
  /** Whether every number that made it is the same whatever is drawn: constants, the time, fixed parameters. */
  readonly fixed: boolean;
  /** Whether it grew beyond float32, which smaller numbers would not. */
  readonly overflow: boolean;
}

const NAMES = new Map<Operation, string>([
  ...Object.entries({ ...operators, ...functions }).map(([name, operation]): [Operation, string] => [operation, name]),
  [operators['%'] as Operation, '%'],
  [operators['**'] as Operation, '**'],
  [negate, '-'],
  [not, '!'],
  [select, '?:'],
  [stretch, 'broadcast'],
]);

/** Rounds as float32 does, and notes what is lost. */
export class LossTape extends RoundingTape {
  private readonly found = new Map<string, Loss>();
  private readonly operands = new Map<Value, { operation: Operation; args: readonly Value[]; place: Span | undefined }>();
  private readonly lost = new Set<Value>();

  constructor() {
    super(Math.fround);
  }

  /** What made numbers that are not finite, most often first. */
  get losses(): readonly Loss[] {
    return [...this.found.values()].sort((a, b) => b.count - a.count);
  }

  /** The same in the order of their first steps; what only the slopes lost comes last. */
  get inOrder(): readonly Loss[] {
    return [...this.found.values()].sort((a, b) => a.step - b.step);
  }

  override record(...[output, sources, backward, held]: Parameters<RoundingTape['record']>): Value {
    const noted: typeof backward = (cotangent, gated) => {
      backward(cotangent, gated);
      const made = this.operands.get(output);
      if (made !== undefined && cotangent.every(Number.isFinite)) this.noteSlopes(made);
    };
    return super.record(output, sources, noted, held);
  }

  override applied(operation: Operation, args: readonly Value[], output: Value): void {
    this.operands.set(output, { operation, args, place: this.place });
    for (let at = 0; at < output.data.length; at++) {
      if (Number.isFinite(output.data[at])) continue;
      const row = Math.floor(at / output.columns);
      const numbers = args.map((arg) => arg.data[row * rowStride(arg) + (at % output.columns) * unitStride(arg)] as number);
      if (numbers.every(Number.isFinite)) {
        const fixed = !args.some(({ tracked }) => tracked);
        const what = reasonOf(operation, numbers);
        this.note({ what, fixed, overflow: what.endsWith(OVERFLOW) }, this.place);
      }
    }
  }

  /** An argument that is finite and whose cotangent is not, of a result whose cotangent is. */
  private noteSlopes({
    operation,
    args,
    place,
  }: {
    operation: Operation;
    args: readonly Value[];
    place: Span | undefined;
  }): void {
    // The slope for one argument is made of the others: where one of them was lost before, nothing is lost here.
    if (!args.every(({ data }) => data.every(Number.isFinite))) return;
    const name = NAMES.get(operation);
    const slopeOf = name === undefined ? 'a slope' : `the slope of ${quoted(name)}`;
    for (const arg of args) {
      if (this.lost.has(arg) || arg.gradient === undefined) continue;
      arg.gradient.forEach((slope, at) => {
        if (Number.isFinite(slope) || !Number.isFinite(arg.data[at])) return;
        this.lost.add(arg);
        const how = Number.isNaN(slope) ? 'is not a number' : 'is beyond 3.4e38';
        const what = `${slopeOf} ${arg.data[at] === 0 ? 'at 0' : how}`;
        this.note({ what, fixed: false, overflow: false }, place);
      });
    }
  }

  private note({ what, fixed, overflow }: Pick<Loss, 'what' | 'fixed' | 'overflow'>, place: Span | undefined): void {
    const key = `${what} ${place?.file}:${place?.line}`;
    const before = this.found.get(key);
    this.found.set(key, {
      what,
      ...(place ? { place } : {}),
      step: before?.step ?? this.step,
      count: (before?.count ?? 0) + 1,
      fixed: fixed && before?.fixed !== false,
      overflow,
    });
  }
}

function reasonOf(operation: Operation, numbers: readonly number[]): string {
  const name = NAMES.get(operation) ?? 'an operation';
  const [a = 0, b = 0] = numbers;
  if (name === '/') return b === 0 ? 'division by 0' : 'division by a number near 0 (overflow)';
  const reason = operation.lost?.(a, b);
  return reason === undefined ? `${quoted(name)}: ${OVERFLOW}` : `${quoted(name)} ${reason}`;
}

const OVERFLOW = 'overflow beyond 3.4e38';

const quoted = (name: string) => `\`${name}\``;
