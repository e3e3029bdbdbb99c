/**
 * What was found fastest, in the user's cache: one readable file for a cell or model at one size on one adapter. It says how each loop
 * runs and what was measured. A file that is damaged, or of another plan, adapter, driver or version, counts for nothing.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OptionValues } from '../../codegen/frontend/tree.js';
import { LOOP_STRATEGIES, type LoopStrategy, type Plan, type Sizes } from '../../codegen/plan.js';
import type { AdapterReport } from '../device/index.js';
import { cacheFolders, keepJson } from '../files/cache.js';
import { ownPackage } from '../node/package.js';

/** How loops run, each by its name. */
export type Loops = Readonly<Record<string, LoopStrategy>>;

/** A way of running all loops, and how it did. Milliseconds. */
export interface Candidate {
  readonly loops: Loops;
  /** Of one run: forward, and backward where the plan has gradients. */
  readonly median?: number;
  readonly min?: number;
  readonly samples: number;
  /**
   * `best`; `slower`, dropped or measured to the end; `not run`, since its dispatches alone take longer; `other results` than
   * step by step, which would be a defect.
   */
  readonly verdict: 'best' | 'slower' | 'not run' | 'other results';
}

export interface TuneRecord extends TuneKey {
  readonly loops: Loops;
  /** What the compiler would have taken. */
  readonly chosen: Loops;
  readonly candidates: readonly Candidate[];
}

/** What a record is of. */
export interface TuneKey {
  readonly version: 1;
  readonly recurve: string;
  readonly cell: string;
  readonly options: OptionValues;
  readonly sizes: Sizes;
  readonly gradients: boolean;
  readonly adapter: { readonly name: string; readonly driver: string; readonly features: readonly string[] };
  /** Hash of the plan that runs step by step: of every operation, size and limit in it. */
  readonly plan: string;
}

/** @param safe step by step */
export function keyOf(safe: Plan, { name, description, features }: AdapterReport): TuneKey {
  const { cell, options, sizes, gradients } = safe;
  return {
    version: 1,
    recurve: ownPackage().version,
    cell,
    options,
    sizes,
    gradients,
    adapter: { name, driver: description, features: [...features].sort() },
    plan: createHash('sha256').update(JSON.stringify(safe)).digest('hex'),
  };
}

/** How loops run by a record that was kept, if there is one of exactly this. */
export async function readRecord(key: TuneKey): Promise<TuneRecord | undefined> {
  for (const folder of recordFolders()) {
    let text: string;
    try {
      text = await readFile(join(folder, fileName(key)), 'utf8');
    } catch {
      // There is none here, or none that can be read: it is measured anew.
      continue;
    }
    const record = parsed(text);
    if (record !== undefined && sameKey(record, key)) return record;
  }
  return undefined;
}

/** Keeps a record for the next time. @returns its path; `undefined` where no folder of the cache can be written to */
export const writeRecord = (record: TuneRecord): Promise<string | undefined> => keepJson('tuned', fileName(record), record);

const recordFolders = (): string[] => cacheFolders().map((folder) => join(folder, 'tuned'));

function fileName(key: TuneKey): string {
  const { adapter, plan, recurve, cell } = key;
  const hash = createHash('sha256')
    .update(JSON.stringify([adapter, plan, recurve]))
    .digest('hex')
    .slice(0, 16);
  return `${cell.replace(/[^\w-]/g, '_').slice(0, 60)}-${hash}.json`;
}

function parsed(text: string): TuneRecord | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null || !('loops' in found)) return undefined;
  const { loops } = found;
  if (typeof loops !== 'object' || loops === null) return undefined;
  const known = Object.values(loops).every((strategy) => LOOP_STRATEGIES.some((each) => each === strategy));
  return known ? (found as TuneRecord) : undefined;
}

function sameKey(record: TuneRecord, { version, recurve, cell, options, sizes, gradients, adapter, plan }: TuneKey): boolean {
  const of = (key: TuneKey) =>
    JSON.stringify([key.version, key.recurve, key.cell, key.options, key.sizes, key.gradients, key.adapter, key.plan]);
  return of(record) === of({ version, recurve, cell, options, sizes, gradients, adapter, plan });
}
