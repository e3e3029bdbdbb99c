/** Devices that somebody else made: a browser's, or a Dawn device of the caller's own. */
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

/** A device as `load` takes it; it stays its owner's, who destroys it and hears its uncaptured errors. */
export function adopt(device: GPUDevice, { time = 'uniform' }: AdoptOptions = {}): Supervised {
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
