import type { RecurveDevice } from '../../runtime/device/index.js';

/** The device, for which kernels are made as a GPU with many cores gets them: what they share out there is held to the reference here. */
export const asHardware = (device: RecurveDevice): RecurveDevice => ({
  ...device,
  target: { ...device.target, subgroup: 32, software: false, broadcasts: false },
});
