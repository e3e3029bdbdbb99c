/**
 * How much of an error float32 itself explains: what becomes of the reference when its inputs are off by half a unit
 * in the last place of float32 and every value and cotangent on its tape is rounded to float32: to the nearest, and
 * then up or down by chance (Parker 1997, "Monte Carlo Arithmetic"), since kernels round constants and sums elsewhere
 * and add the terms of a cotangent in another order.
 * Where this alone exceeds the tolerance, a kernel that misses it may be right.
 */
import type { Signature, SpecTree } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import { tensorsOf } from '../compare.js';
import type { CellData, CellResult, Tensors } from '../data.js';
import { relativeError, unitNorms } from '../norm.js';
import { type Stream, streamOf } from '../random.js';
import { RoundingTape, runReference, TINY } from '../reference/index.js';

/** What float32 explains of one tensor: the most over some runs of the rounded reference. */
export interface Limit {
  /** Relative error; Infinity where a run left float32 and the exact reference did not. */
  readonly error: number;
  /** Norm of the difference of every unit, an index of the last axis. */
  readonly units: Float64Array;
}

/**
 * What is smaller may be nothing to an adapter. It can hold the number itself, but sums it of terms, or makes it of a function's
 * parts (the φ(x) of x·φ(x)), that are below the smallest of float32 one by one.
 */
export const FAINT = 2 ** 16 * TINY;

const NOTHING: Limit = { error: 0, units: new Float64Array(0) };

/** Run by run, for one is enough where an error is small, and a few hundred would be where chance decides. */
export class Conditioning {
  readonly #limits = new Map<string, Limit>();
  #runs = 0;

  constructor(
    private readonly tree: SpecTree,
    private readonly signature: Signature,
    private readonly sizes: Sizes,
    private readonly data: CellData,
    private readonly exact: CellResult,
  ) {}

  get runs(): number {
    return this.#runs;
  }

  limit(tensor: string): Limit {
    return this.#limits.get(tensor) ?? NOTHING;
  }

  /** Whether a value of some result was not finite in float32, where it may be in float64. */
  get overflows(): boolean {
    return [...this.#limits.values()].some(({ error }) => error === Number.POSITIVE_INFINITY);
  }

  /** One more run of the rounded reference. */
  run(): void {
    const chance = streamOf(this.#runs, 'rounding');
    // Relatively by 2⁻²⁴, half a unit in the last place at the most.
    const nudge = (value: number) => value * (1 + (chance() < 0.5 ? 1 : -1) * 2 ** -24);
    const tape = new RoundingTape(this.#runs === 0 ? Math.fround : (value) => upOrDown(value, chance), nudge, FAINT);
    this.#runs++;
    const rounded = tensorsOf(
      runReference(this.tree, this.signature, this.sizes, perturbed(this.signature, this.data, nudge), tape),
    );
    for (const [name, { shape, data }] of tensorsOf(this.exact)) {
      // The sum over a parameter's or a state's uses is nobody's value on the tape, and has to fit into float32 too.
      const other = Float64Array.from(rounded.get(name)?.data ?? [], (value) => tape.rounded(value));
      const before = this.limit(name);
      const units = unitNorms(other, data, shape).differences.map((norm, unit) => Math.max(norm, before.units[unit] ?? 0));
      this.#limits.set(name, { error: Math.max(before.error, relativeError(other, data)), units });
    }
  }
}

/** The same data with every number nudged that stands for no symbol. */
function perturbed(signature: Signature, data: CellData, nudge: (value: number) => number): CellData {
  const group = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data: values }]) => [name, { shape, data: Float64Array.from(values, nudge) }]),
    );
  const { cotangents } = data;
  return {
    ...data,
    inputs: { ...group(data.inputs), ...symbolsOf(signature.inputs, data.inputs) },
    state: { ...group(data.state), ...symbolsOf(signature.state, data.state) },
    params: group(data.params),
    ...(cotangents ? { cotangents: { outputs: group(cotangents.outputs), state: group(cotangents.state) } } : {}),
  };
}

function symbolsOf(declarations: Signature['inputs'], tensors: Tensors): Tensors {
  const names = declarations.flatMap(({ name, symbols }) => (symbols === undefined ? [] : [name]));
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => names.includes(name)));
}

/** One of the two neighbours in float32 of what it cannot hold; what it can hold stays. */
function upOrDown(value: number, chance: Stream): number {
  const nearest = Math.fround(value);
  if (nearest === value || !Number.isFinite(nearest) || chance() < 0.5) return nearest;
  // Three quarters of the largest step at this exponent are between 0.75 and 1.5 of the step at this number.
  return Math.fround(nearest + Math.sign(value - nearest) * Math.abs(nearest) * 0.75 * 2 ** -23);
}
