/**
 * The embedded software adapter: SwiftShader and a Vulkan loader, shipped compressed (see `embed.mjs`) and unpacked once
 * into the user's cache. Code is loaded from there into the process, so every use checks that the files are, byte for
 * byte, those that this version was made with, and that nobody else can change them.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { threadId } from 'node:worker_threads';
import { brotliDecompress } from 'node:zlib';
import { RecurveError } from '../../codegen/errors.js';
import { isAlive } from '../files/alive.js';
import { cacheFolders } from '../files/cache.js';
import { loadLibrary } from './library.js';
import { ownedFolder, requireOwned } from './ownership.js';

interface Library {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The npm package of whose browser they are part; the folder in the cache is named after it. */
const VERSION = '147.0.0';
const LOADER: Library = {
  name: 'libvulkan.so.1',
  bytes: 787_592,
  sha256: 'fe17a77c1f2df38d3b6a935140f746fd80aac564bb44eb3e4f6b75a504295a41',
};
const DRIVER: Library = {
  name: 'libvk_swiftshader.so',
  bytes: 6_026_040,
  sha256: '5b9e8591c7c2d1c9618c3ad485d0cdffb81f5f1ffd6a982fdb6578c2d8d3213e',
};
/** What tells the loader of the driver. */
const MANIFEST = { file_format_version: '1.0.0', ICD: { library_path: `./${DRIVER.name}`, api_version: '1.0.5' } };

/** The libraries are built for this platform only. */
export function embeddedDriverFits(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/**
 * Unpacks the embedded driver where it does not lie unhurt, and loads the Vulkan loader that comes with it for good.
 * Safe with several processes at once.
 *
 * @returns the path of the driver's manifest
 * @throws RecurveError `ADAPTER-NONE` on another platform, with a damaged installation, or with no folder to unpack to
 */
export async function loadEmbeddedDriver(): Promise<string> {
  if (!embeddedDriverFits()) {
    throw unavailable(
      `the embedded software adapter runs on Linux x64 only, and this is ${process.platform} ${process.arch}`,
      'Use --adapter hardware, or on Linux install Mesa (package mesa-vulkan-drivers) and use --adapter lavapipe.',
    );
  }
  const failures: string[] = [];
  for (const parent of cacheFolders()) {
    try {
      return await unpackInto(parent);
    } catch (error) {
      if (error instanceof RecurveError) throw error;
      failures.push(reason(error));
    }
  }
  throw unavailable(
    `the embedded software adapter could not be unpacked: ${failures.join('; ')}`,
    'Set XDG_CACHE_HOME to a folder with 10 MB free that this user, and nobody else, may write to.',
  );
}

async function unpackInto(parent: string): Promise<string> {
  if (parent.includes(':')) throw new Error(`${parent} has a colon in it, which the Vulkan loader takes for the end of a path`);
  const folder = join(parent, `swiftshader-${VERSION}`);
  await ownedFolder(parent);
  await ownedFolder(folder);
  for (const library of [LOADER, DRIVER]) {
    const path = join(folder, library.name);
    if (!(await isUnhurt(path, library))) await replace(path, await unpacked(library));
  }
  const manifest = join(folder, 'vk_swiftshader_icd.json');
  const text = Buffer.from(JSON.stringify(MANIFEST));
  if (!(await isUnhurt(manifest, { bytes: text.length, sha256: sha256(text) }))) await replace(manifest, text);
  const refused = loadLibrary(join(folder, LOADER.name));
  if (refused !== undefined) throw new Error(refused);
  return manifest;
}

async function isUnhurt(path: string, { bytes, sha256: hash }: Omit<Library, 'name'>): Promise<boolean> {
  try {
    await requireOwned(path, 'file');
    return (await stat(path)).size === bytes && sha256(await readFile(path)) === hash;
  } catch {
    // Missing, another user's, not to be read: it is replaced in any case, and where that fails the user is told.
    return false;
  }
}

/** In one step: another process may be loading the file, or be replacing it, too. */
async function replace(path: string, content: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}-${threadId}`;
  try {
    await writeFile(beside, content, { mode: 0o600 });
    if ((await lstat(path).catch(() => undefined))?.isDirectory()) await rm(path, { recursive: true });
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
  await removeAbandoned(path);
}

/** Removes what processes left beside the file that were killed before they could put it in place. */
async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    const owner = name.startsWith(`${basename(path)}.`)
      ? /^(\d+)-\d+$/.exec(name.slice(basename(path).length + 1))?.[1]
      : undefined;
    if (owner !== undefined && !isAlive(Number(owner))) await rm(join(folder, name), { force: true });
  }
}

/** @throws RecurveError `ADAPTER-NONE` where what is shipped is not what it should be */
async function unpacked({ name, sha256: hash }: Library): Promise<Uint8Array> {
  const archive = fileURLToPath(new URL(`./embedded/${name}.br`, import.meta.url));
  try {
    const bytes = await promisify(brotliDecompress)(await readFile(archive));
    if (sha256(bytes) !== hash) throw new Error('it holds something else than this version was made with');
    return bytes;
  } catch (error) {
    throw unavailable(
      `the embedded software adapter of this installation is damaged: ${archive}: ${reason(error)}`,
      'Install recurve again; in a checkout, npm ci.',
      error,
    );
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function unavailable(message: string, fix: string, cause?: unknown): RecurveError {
  return new RecurveError({ code: 'ADAPTER-NONE', message, fix, where: '--adapter', exitCode: 3 }, { cause });
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
