/** What runs a bound request: the device with its compiled plans, or the reference. */
import { RecurveError } from '../codegen/errors.js';
import { valuesOf } from '../codegen/frontend/index.js';
import type { Signature, SpecTree } from '../codegen/frontend/tree.js';
import { segmentsText } from '../codegen/index.js';
import type { Sizes } from '../codegen/plan.js';
import { type CellData, type CellResult, elements, shapeOf } from '../runtime/data.js';
import type { RecurveDevice } from '../runtime/device/index.js';
import type { Layer } from '../runtime/layer/index.js';
import type { Context } from './context.js';
import { Devices } from './devices.js';
import type { Flags } from './flags.js';
import { LeastRecentlyUsed } from './lru.js';

export interface EngineRun {
  readonly tree: SpecTree;
  readonly signature: Signature;
  readonly sizes: Sizes;
  readonly data: CellData;
}

export interface Engine {
  /** @throws RecurveError */
  run(run: EngineRun): Promise<CellResult>;
  /** Frees everything; the next run starts afresh. */
  close(): void;
}

/** Plans kept ready; each holds device memory in the size of its data. */
const PLANS_KEPT = 8;

/**
 * Float64 on the processor; needs no adapter. What it keeps of every step is counted before it starts.
 */
export function referenceEngine(): Engine {
  return {
    async run({ tree, signature, sizes, data }) {
      requireTape(tree, signature, sizes, data);
      const { runReference } = await import('../runtime/reference/index.js');
      return runReference(tree, signature, sizes, data);
    },
    close() {},
  };
}

/**
 * Opens its device at the first run and reuses plans by parsed cell, options, sizes and whether gradients are wanted. A run
 * whose device is lost is repeated once, on another.
 */
export function deviceEngine(context: Context, { strategy, memory }: Pick<Flags, 'strategy' | 'memory'>): Engine {
  const plans = new LeastRecentlyUsed<Layer>(PLANS_KEPT, (executable) => executable.destroy());
  const devices = new Devices(context, () => plans.clear());
  return {
    async run({ tree, signature, sizes, data }) {
      const gradients = data.cotangents !== undefined;
      const key = JSON.stringify([numberOf(tree), signature.options, sizes, gradients]);
      return devices.use(async (device) => {
        const executable = plans.find(key) ?? plans.keep(key, await prepare(device));
        return executable.run(data);
      });

      async function prepare(device: RecurveDevice): Promise<Layer> {
        const { Gpu } = await import('../runtime/node/gpu.js');
        const onSegment = (done: number, of: number) => context.progress(`${signature.name}: ${done} of ${of} segments`);
        const request = { dims: sizes, options: signature.options, gradients, strategy, memory, onSegment };
        const layer = await new Gpu(device, 'as chosen').compile(tree, request);
        const cut = segmentsText(layer.plan);
        if (cut !== undefined) await context.note(`${signature.name}: ${cut}`);
        return layer;
      }
    },
    close() {
      plans.clear();
      devices.close();
    },
  };
}

const numbers = new WeakMap<SpecTree, number>();
let trees = 0;

/** One for every parsed tree: a file that was changed and parsed again is another cell, whatever it is called. */
function numberOf(tree: SpecTree): number {
  const number = numbers.get(tree) ?? trees++;
  numbers.set(tree, number);
  return number;
}

/** Numbers that the reference may keep of all steps: 4 GiB of float64. */
export const MOST_TAPE = 2 ** 29;

/**
 * Forward, the reference keeps the inputs, states and outputs of every step; for gradients, every value of a step and
 * its cotangent.
 * @throws RecurveError `DATA-TOO-LARGE`
 */
function requireTape(tree: SpecTree, signature: Signature, sizes: Sizes, data: CellData): void {
  const { nodes, outputs } = valuesOf(tree, signature);
  const count = (shape: readonly string[]) => elements(shapeOf({ name: signature.name, shape }, sizes, ['T', 'B']));
  const sum = (shapes: readonly (readonly string[])[]) => shapes.reduce((total, shape) => total + count(shape), 0);
  const declared = [...signature.inputs, ...signature.state].map(({ shape }) => shape);
  const kept =
    data.cotangents === undefined
      ? sum([...declared, ...Object.values(outputs).map((node) => nodes[node]?.shape ?? [])])
      : 2 * sum(nodes.filter(({ op }) => op !== 'param').map(({ shape }) => shape));
  if (kept <= MOST_TAPE) return;
  throw new RecurveError({
    code: 'DATA-TOO-LARGE',
    message: `the reference would keep ${kept} numbers of all steps, more than ${MOST_TAPE}`,
    fix: 'Send fewer sequences or steps at once, or leave --reference out.',
    where: '--reference',
  });
}
