import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Folders whose tests open no adapter and change nothing of the process: their files share one set of loaded modules. */
const pure = ['frontend', 'reference', 'codegen', 'interop'].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 120_000,
    // A software adapter keeps less than two cores busy: most of a run is compiling, and that is one thread.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      { extends: true, test: { name: 'whole', include: ['test/**/*.test.ts'], exclude: pure } },
    ],
  },
  resolve: { alias: { recurve: fileURLToPath(new URL('./kernels/language.ts', import.meta.url)) } },
});
