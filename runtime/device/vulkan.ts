/** Vulkan on Linux: which driver manifests are installed, which one Dawn is to see, and a loader for it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { home } from '../files/home.js';
import { loadLibrary } from './library.js';
import { embeddedDriverFits, loadEmbeddedDriver } from './swiftshader.js';

/** The loader reads these each time a Vulkan instance is made; the first is the older name. */
const VARIABLES = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'] as const;

/** What the user had set before we touched anything. */
const inherited = VARIABLES.map((name) => process.env[name]);

/** The user's own choice of drivers, if any: `auto` and `hardware` honour it. */
export function driversFromEnvironment(): string | undefined {
  return inherited.findLast((value) => value !== undefined && value !== '');
}

/** The process's environment as it was before any driver was selected: for processes that we start. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, ...Object.fromEntries(VARIABLES.map((name, index) => [name, inherited[index]])) };
}

/**
 * Makes instances created from now on see only the driver of `manifest`, or with `undefined` whatever
 * the user's environment says. The setting stays, so that other users of Dawn in this process meet the same adapter.
 */
export function selectDriver(manifest: string | undefined): void {
  VARIABLES.forEach((name, index) => {
    const value = manifest ?? inherited[index];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  });
}

/** Paths of the installed driver manifests (`*.json` in the folders that the Vulkan loader searches). */
export function installedManifests(): string[] {
  const environment = process.env;
  const data = environment.XDG_DATA_HOME || join(home(), '.local/share');
  const folders = [
    ...list(environment.XDG_CONFIG_DIRS || '/etc/xdg'),
    '/etc',
    data,
    '/usr/local/etc',
    ...list(environment.XDG_DATA_DIRS),
    '/usr/local/share',
    '/usr/share',
  ];
  const paths = folders.flatMap((folder) => manifestsIn(join(folder, 'vulkan/icd.d')));
  return [...new Set(paths)];
}

/** Manifests of lavapipe for this processor. Distributions name them `lvp_icd.json` or `lvp_icd.x86_64.json`. */
export function lavapipeManifests(): string[] {
  const suffixes: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686' };
  const ours = suffixes[process.arch] ?? process.arch;
  return installedManifests().filter((path) => {
    const match = /\/lvp_icd(?:\.([^/]+))?\.json$/.exec(path);
    return match !== null && (match[1] === undefined || match[1] === ours);
  });
}

/**
 * Sees to it that Dawn's own `dlopen("libvulkan.so.1")` succeeds: where the machine has no Vulkan loader, the
 * embedded one is loaded first (containers often hold a driver and no loader). Does nothing where neither exists.
 */
export async function ensureLoader(): Promise<void> {
  if (process.platform !== 'linux' || loadLibrary('libvulkan.so.1') === undefined || !embeddedDriverFits()) return;
  await loadEmbeddedDriver();
}

function manifestsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function list(value: string | undefined): string[] {
  return (value ?? '').split(':').filter((part) => part !== '');
}
