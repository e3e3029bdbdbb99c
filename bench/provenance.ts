/** What a measurement was made with: a number without it cannot be compared with a later one. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dawnVersion, processorName } from '../runtime/node/machine.js';
import { ownPackage } from '../runtime/node/package.js';

export interface Provenance {
  /** Of Node, and of the packages that count: recurve and Dawn's `webgpu`. */
  readonly versions: { readonly recurve: string; readonly webgpu: string; readonly node: string };
  /** Of a checkout of recurve, with `-dirty` where files were changed; an installed package has none. */
  readonly commit?: string;
  /** When it began, `2026-11-27T09:30:00.000Z`. */
  readonly date: string;
  /** What a software adapter computes on, and every peer on the processor: `AMD EPYC 7763, 2 cores`. */
  readonly processor: string;
}

export function provenance(): Provenance {
  const { root, version: recurve } = ownPackage();
  const commit = commitOf(root);
  return {
    versions: { recurve, webgpu: dawnVersion(), node: process.versions.node },
    ...(commit === undefined ? {} : { commit }),
    date: new Date().toISOString(),
    processor: processorName(),
  };
}

/** `undefined` where the folder is no checkout itself: one around it is the user's own. */
function commitOf(root: string): string | undefined {
  if (!existsSync(join(root, '.git'))) return undefined;
  try {
    const describe = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
    return execFileSync('git', describe, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // No git, or one that refuses the folder: the versions stand alone.
    return undefined;
  }
}
