/** Devices that somebody else made: a browser's, or a Dawn device of the caller's own. */
import { RecurveError } from '../../codegen/errors.js';
import { type Supervised, supervise, type TimeSource } from './supervise.js';

/** How a device is used that somebody else made. */
export interface AdoptOptions {
  /**
   * How kernels learn the time step. Default `uniform`, which works everywhere; `immediate` is faster where the device's
   * WGSL has `immediate_address_space` and it was made with `maxImmediateSize` of 4 or more.
   */
  readonly time?: TimeSource;
}

const adopted = new WeakMap<GPUDevice, Map<TimeSource, Supervised>>();

/** A device as `load` takes it; it stays its owner's, who destroys it and hears its uncaptured errors. @throws RecurveError `DATA-TYPE` for what is none */
export function adopt(device: GPUDevice, { time = 'uniform' }: AdoptOptions = {}): Supervised {
  // By what it can do: a browser's device is no instance of a class of Node's.
  if (typeof device !== 'object' || device === null || !('createBuffer' in device)) {
    throw new RecurveError({
      code: 'DATA-TYPE',
      message: `the device is ${device === null ? 'null' : `of the type ${typeof device}`}, and no GPUDevice`,
      fix: 'Give what `requestDevice` of an adapter gave, or use `open` of recurve/node.',
      where: 'device',
    });
  }
  const known = adopted.get(device) ?? new Map<TimeSource, Supervised>();
  adopted.set(device, known);
  const found = known.get(time);
  if (found !== undefined) return found;
  const { description = '', vendor = '', architecture = '' } = device.adapterInfo ?? {};
  const name = description || `${vendor} ${architecture}`.trim() || 'the device';
  const made = supervise(device, { name, time, maker: 'caller' });
  known.set(time, made);
  return made;
}
