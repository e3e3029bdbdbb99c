/** A plan on a device, ready to run any number of times. */
import type { Plan } from '../../codegen/plan.js';
import type { CellData, CellResult } from '../data.js';
import type { RecurveDevice } from '../device/index.js';
import { createBuffers } from '../memory/buffers.js';
import type { Extent } from '../memory/copy.js';
import { poisonBuffers } from '../memory/poison.js';
import { createReadback, type Scope } from '../memory/readback.js';
import { placeTensors } from '../memory/slots.js';
import { createUploader } from '../memory/upload.js';
import { createSteps, encode, resolveSchedule } from './schedule.js';

/** Runs one plan. Its buffers, pipelines and bind groups are made; a run allocates nothing on the device. */
export interface Executable {
  readonly plan: Plan;
  /**
   * One run: forward, and backward where `data` has cotangents and the plan has gradients. One at a time.
   * @throws RecurveError `DATA-MISSING`, `DATA-SHAPE`, `DATA-LENGTHS`, `DATA-RATE`, `DEVICE-LOST`, `DEVICE-ERROR`
   */
  run(data: CellData): Promise<CellResult>;
  /** Writes a run's data to the device, all of it. */
  upload(data: CellData): void;
  /** Submits the dispatches, in one command buffer, and returns before they are done. */
  submit(scope: Scope): void;
  /** Waits until everything submitted is done. */
  finished(): Promise<void>;
  /** Waits for what the last `submit` computes and returns it. */
  read(): Promise<CellResult>;
  /** Fills all of the plan's memory with a NaN of its own, before an upload: what no kernel writes is seen in the results. */
  poison(): void;
  /** Frees the buffers. */
  destroy(): void;
}

/**
 * Makes everything a plan needs on a device.
 * @throws RecurveError `LIMIT-BUFFER`, `LIMIT-BINDINGS`, `LIMIT-WORKGROUPS`, `DEVICE-MEMORY`, `ADAPTER-IMMEDIATES`, `DEVICE-LOST`;
 *   a plain Error, with the kernel's source, if a kernel does not compile: a defect of the compiler
 */
export async function load(owner: RecurveDevice, plan: Plan): Promise<Executable> {
  const { device } = owner;
  const { given, results } = placeTensors(plan);
  const buffers = await createBuffers(owner, plan);
  const release: (() => void)[] = [...buffers.values()].map((buffer) => () => buffer.destroy());
  const destroy = () => {
    for (const free of release.splice(0)) free();
  };
  try {
    const upload = createUploader(device, plan, buffers, given);
    const readback = createReadback(owner, plan, buffers, results);
    release.push(() => readback.destroy());
    const steps = await createSteps(owner, plan, buffers);
    const forward = resolveSchedule(plan.forward, steps);
    const commands = { forward, forwardBackward: [...forward, ...resolveSchedule(plan.backward, steps)] };

    let extent: Extent | undefined;
    let submitted: Scope | undefined;
    const executable: Executable = {
      plan,
      async run(data) {
        executable.upload(data);
        executable.submit(data.cotangents && plan.gradients ? 'forwardBackward' : 'forward');
        return executable.read();
      },
      upload(data) {
        owner.check();
        extent = upload(data);
      },
      submit(scope) {
        if (scope === 'forwardBackward' && !plan.gradients) throw new Error('the plan was compiled without gradients');
        const encoder = device.createCommandEncoder({ label: plan.cell });
        const pass = encoder.beginComputePass({ label: scope });
        encode(pass, commands[scope]);
        pass.end();
        device.queue.submit([encoder.finish()]);
        submitted = scope;
      },
      async finished() {
        await owner.settle(device.queue.onSubmittedWorkDone());
      },
      async read() {
        if (!submitted || !extent) throw new Error('nothing was uploaded and submitted yet');
        return readback.read(submitted, extent);
      },
      poison: () => poisonBuffers(device, buffers.values()),
      destroy,
    };
    return executable;
  } catch (error) {
    destroy();
    throw error;
  }
}
