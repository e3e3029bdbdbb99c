import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Folders whose tests change nothing of the process: their files share one set of loaded modules, which take seconds to load. */
const sharing = ['frontend', 'reference', 'codegen', 'interop', 'conformance', 'layer', 'execute', 'fuzz'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 120_000,
    // A software adapter keeps less than two cores busy: most of a run is compiling, and that is one thread.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'sharing', include: sharing, isolate: false } },
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: sharing } },
    ],
  },
  resolve: { alias: { recurve: fileURLToPath(new URL('./kernels/language.ts', import.meta.url)) } },
});
