import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { recurve: fileURLToPath(new URL('./kernels/language.ts', import.meta.url)) } },
  // One file at a time: the adapters are software and use both cores already.
  test: { include: ['test/**/*.test.ts'], pool: 'forks', fileParallelism: false, testTimeout: 120_000 },
});
