/** Parameters on a device, of one layer or of several. */
import { RecurveError } from '../../codegen/errors.js';
import type { BufferSpec, Plan } from '../../codegen/plan.js';
import type { Supervised } from '../device/supervise.js';
import { createBuffers } from '../memory/buffers.js';

/** Buffers of a plan that hold parameters and nothing else. */
const isParams = ({ name }: BufferSpec) => /^params\d*$/.test(name);

export class SharedParams {
  /** Counts changes: what was made of older parameters is out of date. */
  version = 0;
  /** Names of parameters that nothing was written to yet. */
  readonly missing: Set<string>;
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly #owner: Supervised;
  readonly #layout: string;
  #users = 1;

  private constructor(owner: Supervised, plan: Plan, buffers: ReadonlyMap<string, GPUBuffer>) {
    this.buffers = buffers;
    this.#owner = owner;
    this.#layout = layoutOf(plan);
    this.missing = new Set(slotsOf(plan).map(([path]) => path.slice('params.'.length)));
  }

  /** @throws RecurveError `LIMIT-BUFFER`, `DEVICE-MEMORY`, `DEVICE-LOST` */
  static async create(owner: Supervised, plan: Plan): Promise<SharedParams> {
    return new SharedParams(owner, plan, await createBuffers(owner, plan, plan.buffers.filter(isParams)));
  }

  /**
   * For one more layer.
   * @throws RecurveError `PARAMS-SHARED` where its plan has other parameters, or another layout of them, or another device, or they are gone
   */
  use(owner: Supervised, plan: Plan): this {
    const differs =
      this.#users === 0
        ? 'the layer that had them was destroyed'
        : owner.device === this.#owner.device
          ? layoutOf(plan) === this.#layout
            ? undefined
            : 'its parameters differ in names, sizes or layout'
          : 'it is on another device';
    if (differs !== undefined) {
      throw new RecurveError({
        code: 'PARAMS-SHARED',
        message: `the plan for ${plan.cell} cannot share the parameters: ${differs}`,
        fix: 'Share them between plans of one cell with the same options and units, compiled for one device; T, B and gradients may differ.',
        where: 'params',
      });
    }
    this.#users++;
    return this;
  }

  /** Frees them when the last layer goes. */
  release(): void {
    this.#users--;
    if (this.#users === 0) for (const buffer of this.buffers.values()) buffer.destroy();
  }
}

function slotsOf({ tensors }: Plan) {
  return Object.entries(tensors).filter(([path]) => path.startsWith('params.'));
}

function layoutOf(plan: Plan): string {
  const slots = slotsOf(plan).map(([path, { buffer, offset, shape, padded }]) => [path, buffer, offset, shape, padded]);
  return JSON.stringify([slots, plan.buffers.filter(isParams)]);
}
