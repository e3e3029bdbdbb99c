// Takes the two libraries of the embedded software adapter out of the development dependency @sparticuz/chromium, a whole
// browser, and lays them, compressed, where the package ships them: beside the sources and in dist. See NOTICE.
import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';

const LIBRARIES = ['libvulkan.so.1', 'libvk_swiftshader.so'];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sources = here('./embedded');
const built = here('../../dist/runtime/device/embedded');
const archive = join(createRequire(import.meta.url).resolve('@sparticuz/chromium'), '../../../bin/swiftshader.tar.br');

if (!isCurrent()) await compress();
mkdirSync(built, { recursive: true });
for (const name of readdirSync(sources)) copyFileSync(join(sources, name), join(built, name));

function isCurrent() {
  return LIBRARIES.every(
    (name) => (statSync(join(sources, `${name}.br`), { throwIfNoEntry: false })?.mtimeMs ?? 0) > statSync(archive).ctimeMs,
  );
}

async function compress() {
  const fresh = `${sources}.new`;
  rmSync(fresh, { recursive: true, force: true });
  await pipeline(createReadStream(archive), createBrotliDecompress(), extract(fresh));
  // Quality 11 saves a tenth more and takes ten times as long.
  const params = { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_LGWIN]: 24 };
  mkdirSync(sources, { recursive: true });
  for (const name of LIBRARIES) {
    writeFileSync(join(sources, `${name}.br.new`), brotliCompressSync(readFileSync(join(fresh, name)), { params }));
    renameSync(join(sources, `${name}.br.new`), join(sources, `${name}.br`));
  }
  rmSync(fresh, { recursive: true });
}
