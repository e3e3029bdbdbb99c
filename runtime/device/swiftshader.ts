/**
 * The embedded software adapter: SwiftShader and a Vulkan loader out of the npm package
 * `@sparticuz/chromium`, unpacked once into the user's cache.
 */
import { createReadStream } from 'node:fs';
import { access, lstat, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';
import { RecurveError } from '../../codegen/errors.js';

const PACKAGE = '@sparticuz/chromium';
const MANIFEST = 'vk_swiftshader_icd.json';
const LOADER = 'libvulkan.so.1';
/** The archive also holds GL libraries, which nothing here needs. */
const WANTED = [MANIFEST, LOADER, 'libvk_swiftshader.so'];

export interface EmbeddedDriver {
  /** Path of the Vulkan driver manifest. */
  readonly manifest: string;
  /** Path of the Vulkan loader that came with it. */
  readonly loader: string;
}

/** The libraries in the package are built for this platform only. */
export function embeddedDriverFits(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/**
 * Unpacks the embedded driver where it is not unpacked yet. Safe with several processes at once.
 * @throws RecurveError `ADAPTER-NONE` on another platform, without the package, or with no folder to write to
 */
export async function embeddedDriver(): Promise<EmbeddedDriver> {
  if (!embeddedDriverFits()) {
    throw unavailable(
      `the embedded software adapter runs on Linux x64 only, and this is ${process.platform} ${process.arch}`,
      'Use --adapter hardware, or on Linux install Mesa (package mesa-vulkan-drivers) and use --adapter lavapipe.',
    );
  }
  const { archive, version } = await locatePackage();
  let failure: unknown;
  for (const parent of cacheFolders()) {
    const folder = join(parent, `swiftshader-${version}`);
    try {
      await ownedFolder(parent);
      if (!(await isComplete(folder))) await unpack(archive, folder);
      return { manifest: join(folder, MANIFEST), loader: join(folder, LOADER) };
    } catch (error) {
      failure = error;
    }
  }
  throw unavailable(
    `the embedded software adapter could not be unpacked: ${reason(failure)}`,
    'Set XDG_CACHE_HOME to a folder with 10 MB free that this user may write to.',
    failure,
  );
}

async function locatePackage(): Promise<{ archive: string; version: string }> {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(PACKAGE));
    // The package exports no package.json: walk up from its entry point to the one that names it.
    let description = await describe(folder);
    while (description?.name !== PACKAGE) {
      if (dirname(folder) === folder) throw new Error(`no package.json of ${PACKAGE} above its entry point`);
      folder = dirname(folder);
      description = await describe(folder);
    }
    const archive = join(folder, 'bin', 'swiftshader.tar.br');
    await access(archive);
    return { archive, version: String(description.version) };
  } catch (error) {
    throw unavailable(
      `the npm package ${PACKAGE}, which holds the embedded software adapter, is not usable: ${reason(error)}`,
      'Run npm ci.',
      error,
    );
  }
}

async function describe(folder: string): Promise<{ name?: unknown; version?: unknown } | undefined> {
  const file = join(folder, 'package.json');
  return (await exists(file)) ? JSON.parse(await readFile(file, 'utf8')) : undefined;
}

/** Where unpacked drivers are kept, best first. */
function cacheFolders(): string[] {
  const home = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  // The temporary folder is everyone's: a folder of our own in it, or another user could plant a library there.
  return [join(home, 'recurve'), join(tmpdir(), `recurve-${process.getuid?.() ?? 0}`)];
}

async function ownedFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || (found.mode & 0o002) !== 0 || found.uid !== process.getuid?.()) {
    throw new Error(`${folder} is not a folder of this user's alone`);
  }
}

async function unpack(archive: string, folder: string): Promise<void> {
  const fresh = await mkdtemp(`${folder}-unpacking-`);
  try {
    const outside = (name: string) => !WANTED.includes(basename(name));
    await pipeline(createReadStream(archive), createBrotliDecompress(), extract(fresh, { ignore: outside }));
    if (!(await isComplete(fresh))) throw new Error(`${archive} does not hold ${WANTED.join(', ')}`);
    try {
      await rename(fresh, folder);
    } catch (error) {
      // Another process was first, or a cleaner left half a folder behind.
      if (await isComplete(folder)) return;
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder).catch(async () => {
        if (!(await isComplete(folder))) throw error;
      });
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function isComplete(folder: string): Promise<boolean> {
  const found = await Promise.all(WANTED.map((name) => exists(join(folder, name))));
  return found.every(Boolean);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unavailable(message: string, fix: string, cause?: unknown): RecurveError {
  return new RecurveError({ code: 'ADAPTER-NONE', message, fix, where: '--adapter', exitCode: 3 }, { cause });
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
