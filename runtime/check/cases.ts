/** Which options and sizes `check` tries: few enough to run everywhere, and all of them reproducible. */
import { RecurveError } from '../../codegen/errors.js';
import { completeOptions } from '../../codegen/frontend/options.js';
import type { CellTree, OptionDeclaration, OptionValue, OptionValues, Signature } from '../../codegen/frontend/tree.js';
import { isReduce, type StepGraph } from '../../codegen/ir/graph.js';
import { chooseSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';

/** How many sizes an assignment is tried at. */
export type Breadth = 'defaults' | 'every value' | 'every pair';

/** Positions along an axis of a map, and rows of a matrix memory: their number multiplies everything else. */
const MOST_POSITIONS = 7;

export interface OptionCase {
  /** A complete assignment. */
  readonly options: OptionValues;
  readonly breadth: Breadth;
}

/**
 * The defaults, then every other option value on its own, then as many assignments as it takes for every two values
 * of any two options to meet. None twice.
 */
export function optionCases(tree: Pick<CellTree, 'options'>): OptionCase[] {
  const defaults = completeOptions(tree.options, {});
  const single = tree.options.flatMap((option) =>
    valuesOf(option)
      .filter((value) => value !== option.default)
      .map((value): OptionCase => ({ options: completeOptions(tree.options, { [option.name]: value }), breadth: 'every value' })),
  );
  const alone: OptionCase[] = [{ options: defaults, breadth: 'defaults' }, ...single];
  const met = new Set(alone.flatMap(({ options }) => pairs(options)));
  return [...alone, ...covering(tree.options, met).map((options): OptionCase => ({ options, breadth: 'every pair' }))];
}

/** Every value of a choice or flag; of a number the default, and where the range leaves room one more. */
function valuesOf(option: OptionDeclaration): readonly OptionValue[] {
  if (option.kind === 'choice') return option.values;
  if (option.kind === 'flag') return [option.default, !option.default];
  return [...new Set([option.default, otherNumber(option)])];
}

function otherNumber(option: Extract<OptionDeclaration, { kind: 'real' | 'integer' }>): number {
  const { default: standard, min, max } = option;
  if (option.kind === 'integer')
    return min !== undefined && min !== standard ? min : max === undefined || standard < max ? standard + 1 : standard;
  if (min !== undefined && max !== undefined) return standard === (min + max) / 2 ? min + 0.75 * (max - min) : (min + max) / 2;
  // 0.5 as a limit on pre-activations is met by about half of them, which is what finds mistakes.
  if (min !== undefined) return standard === min + 0.5 ? min + 1 : min + 0.5;
  return max === undefined || standard + 0.5 <= max ? standard + 0.5 : max - 0.5;
}

/**
 * Assignments in which every pair of values that is not in `met` meets: each starts from the first such pair, and
 * option by option takes the value that brings most new pairs with what it has. (The greedy construction of Cohen et
 * al. 1997, "The AETG system", without its random restarts.)
 */
function covering(options: readonly OptionDeclaration[], met: Set<string>): OptionValues[] {
  const missing = options.flatMap((first, index) =>
    options.slice(index + 1).flatMap((second) =>
      valuesOf(first).flatMap((a) =>
        valuesOf(second).flatMap((b) => {
          const pair: OptionValues = { [first.name]: a, [second.name]: b };
          return pairs(pair).some((key) => met.has(key)) ? [] : [pair];
        }),
      ),
    ),
  );
  const chosen: OptionValues[] = [];
  for (const pair of missing) {
    if (pairs(pair).every((key) => met.has(key))) continue;
    let assignment: OptionValues = pair;
    for (const option of options) {
      if (option.name in pair) continue;
      const fresh = (value: OptionValue) =>
        Object.entries(assignment).filter(([name, other]) => !met.has(keyOf(options, [option.name, value], [name, other])))
          .length;
      const [best = option.default] = [...valuesOf(option)].sort((a, b) => fresh(b) - fresh(a));
      assignment = { ...assignment, [option.name]: best };
    }
    const ordered = Object.fromEntries(options.map(({ name, default: standard }) => [name, assignment[name] ?? standard]));
    for (const key of pairs(ordered)) met.add(key);
    chosen.push(ordered);
  }
  return chosen;
}

/** Every two values of an assignment, the options in the order of its keys. */
function pairs(options: OptionValues): string[] {
  const entries = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return entries.flatMap((first, index) => entries.slice(index + 1).map((second) => `${first} ${second}`));
}

/** The same for two values, in declared order. */
function keyOf(
  options: readonly OptionDeclaration[],
  a: readonly [string, OptionValue],
  b: readonly [string, OptionValue],
): string {
  const place = (name: string) => options.findIndex((option) => option.name === name);
  const [first, second] = place(a[0]) < place(b[0]) ? [a, b] : [b, a];
  return `${first.join('=')} ${second.join('=')}`;
}

/** `others`: dims besides I and H, in declared order, repeated from the front when there are more. */
interface ShapeCase {
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly others: readonly number[];
}

/** For assignments that are there to let two values meet. */
const ODD: ShapeCase = { T: 5, B: 3, I: 3, H: 5, others: [3, 7, 2] };

/** For every value of an option: all ones; odd; H above a workgroup of 64 with the inner axis no multiple of 4. */
const SHAPES: readonly ShapeCase[] = [
  { T: 1, B: 1, I: 1, H: 1, others: [1] },
  ODD,
  { T: 7, B: 3, I: 5, H: 33, others: [17, 9, 6] },
  { T: 3, B: 2, I: 34, H: 70, others: [19, 35, 66] },
];

/** For the defaults besides: many steps of one sequence, one step of many, H beyond 128 and 256. */
const MORE_SHAPES: readonly ShapeCase[] = [
  { T: 37, B: 1, I: 7, H: 9, others: [4, 11, 5] },
  { T: 1, B: 19, I: 2, H: 12, others: [8, 3, 13] },
  { T: 2, B: 5, I: 64, H: 64, others: [32, 64, 16] },
  { T: 2, B: 33, I: 3, H: 131, others: [65, 5, 130] },
  { T: 2, B: 2, I: 129, H: 260, others: [67, 257, 3] },
];

/**
 * Sizes to try, for the dims that the signature uses; those that follow from others are computed. Shapes that the
 * cell cannot have are left out.
 * @param least of every dim; see `leastSize`. Smaller sizes count on from it, so that different ones stay different
 * @throws RecurveError `DIMS-RULE` where it can have none of them
 */
export function sizeCases(signature: Signature, breadth: Breadth, least = 1): Sizes[] {
  const shapes = breadth === 'defaults' ? [...SHAPES, ...MORE_SHAPES] : breadth === 'every value' ? SHAPES : [ODD];
  const others = signature.dims.filter((dim) => dim !== 'I' && dim !== 'H');
  const leading = new Set([...signature.inputs, ...signature.state].flatMap(({ shape }) => shape.slice(0, -1)));
  let refusal: RecurveError | undefined;
  const cases = shapes.flatMap((shape) => {
    const size = (dim: string) => {
      const own = (dim === 'I' || dim === 'H' ? shape[dim] : shape.others[others.indexOf(dim) % shape.others.length]) ?? 1;
      const capped = leading.has(dim) ? Math.min(own, MOST_POSITIONS) : own;
      return capped < least ? least - 1 + capped : capped;
    };
    const suggested = { T: shape.T, B: shape.B, ...Object.fromEntries(signature.dims.map((dim) => [dim, size(dim)])) };
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
