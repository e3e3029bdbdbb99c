/** Rooflines for tests: of round numbers. */
import type { Rates, RooflineRecord } from '../../runtime/roofline/index.js';
import { TARGET } from '../codegen/target.js';

export const exactly = (value: number) => ({ value, spread: 0 });

/** A machine of ten workgroups at once. */
export const RATES: Rates = {
  fma: exactly(100),
  fmaAlone: exactly(10),
  product: exactly(50),
  reads: [
    { bytes: 1000, ...exactly(80) },
    { bytes: 100_000, ...exactly(40) },
  ],
  readAlone: exactly(8),
  stream: exactly(20),
  dispatch: exactly(5),
  workgroup: exactly(0.1),
  barrier: exactly(0.5),
  submit: exactly(100),
};

export const recordWith = (given: Partial<RooflineRecord> = {}): RooflineRecord => ({
  version: 1,
  recurve: '1.2.3',
  webgpu: '0.6.2',
  adapter: { name: 'an adapter', kind: 'hardware', vendor: 'a vendor', architecture: 'an', device: 'a', driver: 'driver 1' },
  target: TARGET,
  date: '2026-11-27T09:30:00.000Z',
  rates: RATES,
  ...given,
});
