/** Which sizes `check` tries, and which of them with which options: few enough to run everywhere, and all reproducible. */
import { RecurveError } from '../../codegen/errors.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import { isReduce, type StepGraph } from '../../codegen/ir/graph.js';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';
import { timesOf } from '../lengths.js';

/** Positions along an axis of a map, and rows of a matrix memory: their number multiplies everything else. */
const MOST_POSITIONS = 7;

/** `S`: of time axes besides the first. `others`: dims besides I and H, in declared order, repeated from the front when there are more. */
interface ShapeCase {
  readonly T: number;
  readonly S: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly others: readonly number[];
}

/**
 * All ones; odd; H above a warp of 32, then above a workgroup of 64 with the inner axis no multiple of 4; many steps of one
 * sequence; one step of many, in multiples of 4; many sequences with H beyond 128, and H beyond 256.
 */
const SHAPES: readonly ShapeCase[] = [
  { T: 5, S: 4, B: 3, I: 3, H: 5, others: [3, 7, 2] },
  { T: 1, S: 1, B: 1, I: 1, H: 1, others: [1] },
  { T: 7, S: 9, B: 3, I: 5, H: 33, others: [17, 9, 6] },
  { T: 3, S: 6, B: 2, I: 34, H: 70, others: [19, 35, 66] },
  { T: 37, S: 2, B: 1, I: 7, H: 9, others: [4, 11, 5] },
  { T: 1, S: 3, B: 19, I: 64, H: 64, others: [32, 64, 16] },
  { T: 2, S: 1, B: 33, I: 3, H: 131, others: [65, 5, 130] },
  { T: 2, S: 5, B: 2, I: 129, H: 260, others: [67, 257, 3] },
];

/**
 * Sizes to try, for the dims that the signature uses; those that follow from others are computed. Shapes that the
 * cell cannot have are left out.
 * @param least of every dim; see `leastSize`. Smaller sizes count on from it, so that different ones stay different
 * @throws RecurveError `DIMS-RULE` where it can have none of them
 */
export function sizeCases(signature: Signature, least = 1): Sizes[] {
  const others = signature.dims.filter((dim) => dim !== 'I' && dim !== 'H');
  const leading = new Set([...signature.inputs, ...signature.state].flatMap(({ shape }) => shape.slice(0, -1)));
  let refusal: RecurveError | undefined;
  const cases = SHAPES.flatMap((shape) => {
    const size = (dim: string) => {
      const own = (dim === 'I' || dim === 'H' ? shape[dim] : shape.others[others.indexOf(dim) % shape.others.length]) ?? 1;
      const capped = leading.has(dim) ? Math.min(own, MOST_POSITIONS) : own;
      return capped < least ? least - 1 + capped : capped;
    };
    const steps = timesOf(signature).map((time, axis) => [time, axis === 0 ? shape.T : shape.S]);
    const units = signature.dims.map((dim) => [dim, size(dim)]);
    const suggested = { ...Object.fromEntries(steps), B: shape.B, ...Object.fromEntries(units) };
    try {
      return [chooseSizes(signature.rules, suggested)];
    } catch (error) {
      if (!(error instanceof RecurveError) || error.code !== 'DIMS-RULE') throw error;
      refusal = error;
      return [];
    }
  });
  if (cases.length === 0 && refusal !== undefined) throw refusal;
  return cases;
}

/**
 * The smallest size of a dim at which float32 can be held to 1e-5. A step that reduces over units may normalize them.
 * One normalized number is always 0 and of two only the sign is left, so that their exact gradients, 1e-6 and less, are
 * what remains of terms near 1 that cancel. Of a handful, with a relu, a clip and dropped units before, some draw of
 * some hundred is nearly constant: at 5 units float32 explained 1.2e-5 of the LSTM's worst (all regularizers, leakyRelu).
 */
export function leastSize(graph: StepGraph): number {
  return graph.nodes.some(isReduce) ? FEWEST_UNITS : 1;
}

export const FEWEST_UNITS = 7;

/** A signature and the sizes that it can be tried at. */
interface Sized {
  readonly signature: Signature;
  readonly sizes: readonly Sizes[];
}

/**
 * One size for every assignment, in turns, such that each value of an option meets as many sizes as there are
 * assignments with it; then the first assignment, the defaults, at all that are left.
 */
export function planCases(all: readonly Sized[]): { signature: Signature; sizes: Sizes }[] {
  const met = new Map<string, number>();
  const times = ({ options }: Signature, shape: number) =>
    Object.entries(options).reduce((sum, [name, value]) => sum + (met.get(`${name}=${value} ${shape}`) ?? 0), 0);
  const used = new Set<number>();
  const cases = all.flatMap(({ signature, sizes }) => {
    const [shape] = [...sizes.keys()].sort((a, b) => times(signature, a) - times(signature, b) || a - b);
    const chosen = sizes[shape ?? 0];
    if (shape === undefined || chosen === undefined) return [];
    for (const [name, value] of Object.entries(signature.options)) {
      const key = `${name}=${value} ${shape}`;
      met.set(key, (met.get(key) ?? 0) + 1);
    }
    used.add(shape);
    return [{ signature, sizes: chosen }];
  });
  const [first] = all;
  const rest = first?.sizes.flatMap((sizes, shape) => (used.has(shape) ? [] : [{ signature: first.signature, sizes }])) ?? [];
  return [...cases, ...rest];
}
