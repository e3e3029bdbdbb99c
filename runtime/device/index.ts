/** Adapters and devices on Dawn in Node. */
export { ADAPTER_CHOICES, type AdapterChoice, type AdapterKind, type AdapterReport } from './adapter.js';
export { type AdapterFinding, type Diagnosis, diagnose, listAdapters } from './diagnose.js';
export type { DevicePurpose } from './instance.js';
export { openDevice, type RecurveDevice } from './open.js';
