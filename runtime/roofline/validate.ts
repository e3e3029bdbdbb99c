/** Whether what a file holds is a record of a roofline: files of a cache are everyone's, and may be cut short. */
import { isObject } from '../interop/fields.js';
import type { RooflineRecord } from './types.js';

const TEXTS = ['recurve', 'webgpu', 'date'];
const OF_ADAPTER = ['name', 'kind', 'vendor', 'architecture', 'device', 'driver'];
const OF_TARGET = [
  'subgroup',
  'maxBufferBytes',
  'maxBindingBytes',
  'maxWorkgroupsPerDimension',
  'maxStorageBuffers',
  'maxKernelInstructions',
  'maxDispatchWork',
];
/** Something is divided by these. */
const SPEEDS = ['fma', 'fmaAlone', 'product', 'readAlone', 'stream'];
const COSTS = ['dispatch', 'workgroup', 'barrier', 'submit'];

export function isRecord(found: unknown): found is RooflineRecord {
  if (!isObject(found) || found.version !== 1) return false;
  const { adapter, target, rates, processor } = found;
  if (!isObject(adapter) || !isObject(target) || !isObject(rates)) return false;
  const { reads } = rates;
  return (
    TEXTS.every((name) => typeof found[name] === 'string') &&
    OF_ADAPTER.every((name) => typeof adapter[name] === 'string') &&
    (processor === undefined || typeof processor === 'string') &&
    typeof target.software === 'boolean' &&
    typeof target.broadcasts === 'boolean' &&
    OF_TARGET.every((name) => isPositive(target[name])) &&
    SPEEDS.every((name) => isMeasured(rates[name], isPositive)) &&
    COSTS.every((name) => isMeasured(rates[name], isNumber)) &&
    Array.isArray(reads) &&
    reads.length > 0 &&
    reads.every((read) => isMeasured(read, isPositive) && isObject(read) && isPositive(read.bytes))
  );
}

function isMeasured(found: unknown, isValue: (value: unknown) => boolean): boolean {
  return isObject(found) && isValue(found.value) && isNumber(found.spread);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isPositive = (value: unknown): boolean => isNumber(value) && value > 0;
