/**
 * The roofline of an adapter, in the user's cache: one readable file for each adapter of this machine. A file that is damaged, or of
 * another driver or version, counts for nothing, and that is said.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterReport, RecurveDevice } from '../device/index.js';
import { cacheFolders, keepJson } from '../files/cache.js';
import { dawnVersion, processorName } from '../node/machine.js';
import { ownPackage } from '../node/package.js';
import type { Rates, RooflineKey, RooflineRecord } from './types.js';
import { isRecord } from './validate.js';

/** What was kept, if anything that counts, and in a sentence each what was found that does not. */
export interface Kept {
  readonly record?: RooflineRecord;
  readonly told: readonly string[];
}

export function keyOf({ name, kind, vendor, architecture, device, description }: AdapterReport): RooflineKey {
  return {
    version: 1,
    recurve: ownPackage().version,
    webgpu: dawnVersion(),
    adapter: { name, kind, vendor, architecture, device, driver: description },
    ...(kind === 'hardware' ? {} : { processor: processorName() }),
  };
}

export function recordOf({ adapter, target }: Pick<RecurveDevice, 'adapter' | 'target'>, rates: Rates): RooflineRecord {
  return { ...keyOf(adapter), target, date: new Date().toISOString(), rates };
}

/** What was measured of this adapter. */
export async function readRoofline(adapter: AdapterReport): Promise<Kept> {
  const key = keyOf(adapter);
  return collect(await filesNamed((name) => name === fileName(key)), key);
}

/** What was measured last on this machine, of whichever adapter. */
export async function newestRoofline(): Promise<Kept> {
  return collect(await filesNamed((name) => name.endsWith('.json')));
}

/** Keeps a record for those to come. @returns its path; `undefined` where no folder of the cache can be written to */
export const keepRoofline = (record: RooflineRecord): Promise<string | undefined> =>
  keepJson('roofline', fileName(record), record);

const recordFolders = (): string[] => cacheFolders().map((folder) => join(folder, 'roofline'));

/** By what stays when a driver is replaced: a record of the one before is then found, and said to be stale. */
function fileName({ adapter: { kind, vendor, architecture, device }, processor }: RooflineKey): string {
  const parts = [kind, vendor, architecture, ...(kind === 'hardware' ? [device] : []), processor ?? ''];
  return `${kind}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}.json`;
}

interface FoundFile {
  readonly path: string;
  readonly text: string;
}

/** Those that can be read, of the best folder first. */
async function filesNamed(wanted: (name: string) => boolean): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const folder of recordFolders()) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter(wanted).toSorted()) {
      const path = join(folder, name);
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined) found.push({ path, text });
    }
  }
  return found;
}

/** The newest that counts. @param key of the adapter at hand, where there is one */
function collect(files: readonly FoundFile[], key?: RooflineKey): Kept {
  const told: string[] = [];
  let record: RooflineRecord | undefined;
  for (const { path, text } of files) {
    const found = parsed(text);
    const fault = found === undefined ? 'is damaged' : staleness(found, key);
    if (fault !== undefined) told.push(`${path} ${fault}: it counts for nothing.`);
    else if (found !== undefined && (record === undefined || found.date > record.date)) record = found;
  }
  return record === undefined ? { told } : { record, told };
}

function parsed(text: string): RooflineRecord | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return isRecord(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Why a record is not of what is at hand, as the end of a sentence. */
function staleness({ recurve, webgpu, adapter, processor }: RooflineRecord, key?: RooflineKey): string | undefined {
  const own = key ?? { recurve: ownPackage().version, webgpu: dawnVersion(), adapter, processor: processor && processorName() };
  const pairs: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['recurve', recurve, own.recurve],
    ['webgpu', webgpu, own.webgpu],
    ['the driver', adapter.driver, own.adapter.driver],
    ['the adapter', adapter.name, own.adapter.name],
    ['the processor', processor, own.processor],
  ];
  const other = pairs.find(([, then, now]) => then !== now);
  return other && `was measured with ${other[0]} ${other[1]}, and now it is ${other[2]}`;
}
