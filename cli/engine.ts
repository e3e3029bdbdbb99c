/** What runs a bound request: the device with its compiled plans, or the reference. */
import type { CellTree, Signature } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import type { CellData, CellResult } from '../runtime/data.js';
import type { RecurveDevice } from '../runtime/device/index.js';
import type { Executable } from '../runtime/execute/index.js';
import type { Context } from './context.js';
import { Devices } from './devices.js';
import { LeastRecentlyUsed } from './lru.js';

export interface EngineRun {
  readonly tree: CellTree;
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

/** Float64 on the processor; needs no adapter. */
export function referenceEngine(): Engine {
  return {
    async run({ tree, signature, sizes, data }) {
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
export function deviceEngine(context: Context): Engine {
  const plans = new LeastRecentlyUsed<Executable>(PLANS_KEPT, (executable) => executable.destroy());
  const devices = new Devices(context, () => plans.clear());
  return {
    async run({ tree, signature, sizes, data }) {
      const gradients = data.cotangents !== undefined;
      const key = JSON.stringify([numberOf(tree), signature.options, sizes, gradients]);
      return devices.use(async (device) => {
        const executable = plans.find(key) ?? plans.keep(key, await prepare(device));
        return executable.run(data);
      });

      async function prepare(device: RecurveDevice): Promise<Executable> {
        const { compile } = await import('../codegen/index.js');
        const { load } = await import('../runtime/execute/index.js');
        return load(device, compile(tree, { options: signature.options, sizes, gradients, target: device.target }));
      }
    },
    close() {
      plans.clear();
      devices.close();
    },
  };
}

const numbers = new WeakMap<CellTree, number>();
let trees = 0;

/** One for every parsed tree: a file that was changed and parsed again is another cell, whatever it is called. */
function numberOf(tree: CellTree): number {
  const number = numbers.get(tree) ?? trees++;
  numbers.set(tree, number);
  return number;
}
