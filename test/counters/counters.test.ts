/**
 * What every built-in cell, and a stack of four layers, costs under every strategy that it allows, at two shapes, for an adapter that is not measured but written
 * down: performance that no noise can hide. A change of the compiler shows as a diff of the files beside this one;
 * `npx vitest run test/counters -u` writes them.
 */
import { describe, expect, it } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { compile, type OptionValues, resolveOptions, resolveSpec, type SpecTree, valuesOf } from '../../codegen/index.js';
import { completeSizes, derivedDims } from '../../codegen/ir/sizes.js';
import { LOOP_STRATEGIES, type LoopStrategy, type Plan, type Sizes } from '../../codegen/plan.js';
import { builtInCells, loadSpec } from '../../runtime/node/cells.js';
import { TARGET } from '../codegen/target.js';

/** One sequence of some length, and a batch of wider ones. */
const SHAPES: readonly (readonly [T: number, B: number, units: number])[] = [
  [128, 1, 16],
  [64, 32, 64],
];

interface Subject {
  readonly name: string;
  readonly tree: SpecTree;
  readonly options: OptionValues;
}

function subject(name: string, given: OptionValues = {}): Subject {
  const tree = loadSpec(name, process.cwd());
  const what = Object.entries(given).map(([option, value]) => ` ${option}=${value}`);
  return { name: `${name}${what.join('')}`, tree, options: resolveOptions(tree, given) };
}

const subjects = [...builtInCells().map(({ name }) => subject(name)), subject('stack', { layers: 4 })];

function sizesOf({ tree, options }: Subject, [T, B, units]: (typeof SHAPES)[number]): Sizes {
  const signature = resolveSpec(tree, options);
  const { rules } = valuesOf(tree, signature);
  const derived = derivedDims(rules);
  // Positions and heads are few, however wide they are.
  const own = signature.dims.filter((dim) => !derived.has(dim)).map((dim) => [dim, /^[XYN]$/.test(dim) ? 4 : units]);
  return completeSizes(rules, { T, B, ...Object.fromEntries(own) });
}

/** `undefined` where the cell does not allow the strategy. */
function planOf({ tree, options }: Subject, sizes: Sizes, strategy: LoopStrategy): Plan | undefined {
  try {
    return compile(tree, { options, sizes, gradients: true, target: TARGET, strategy });
  } catch (error) {
    if (error instanceof RecurveError && error.code === 'STRATEGY-REFUSED') return undefined;
    throw error;
  }
}

function counted(plan: Plan): string {
  const sum = (of: (pass: Plan['passes'][number]) => number, direction: string) =>
    plan.passes.reduce((total, pass) => total + (pass.direction === direction ? of(pass) : 0), 0);
  const both = (of: (pass: Plan['passes'][number]) => number) => `${sum(of, 'forward')} + ${sum(of, 'backward')}`;
  return [
    `dispatches ${both(({ dispatches }) => dispatches)}`,
    `kernels ${plan.kernels.length}`,
    `flops ${both(({ flops }) => flops)}`,
    `bytes read ${both(({ bytesRead }) => bytesRead)}`,
    `written ${both(({ bytesWritten }) => bytesWritten)}`,
    `memory ${plan.buffers.reduce((total, { bytes }) => total + bytes, 0)} in ${plan.buffers.length} buffers`,
    `WGSL ${plan.kernels.reduce((total, { wgsl }) => total + wgsl.length, 0)}`,
  ].join(', ');
}

describe('what plans cost', () => {
  it.each(SHAPES)('is as it was, for T = %i, B = %i and %i units', async (...shape) => {
    const lines = subjects.flatMap((each) => {
      const sizes = sizesOf(each, shape);
      return LOOP_STRATEGIES.flatMap((strategy) => {
        const plan = planOf(each, sizes, strategy);
        return plan === undefined ? [] : [`${each.name}, ${strategy}: ${counted(plan)}`];
      });
    });
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./T${shape[0]}-B${shape[1]}-H${shape[2]}.txt`);
  });
});
