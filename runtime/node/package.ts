/** recurve's own folder and version. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Package {
  readonly root: string;
  readonly version: string;
}

/** Built code runs from `dist/cli`, tests from `cli`, so this walks up to our package.json. */
export function ownPackage(): Package {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string };
      if (name === 'recurve') return { root: folder, version: version ?? '0' };
    }
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the package.json of recurve is missing above its code');
    folder = parent;
  }
}
