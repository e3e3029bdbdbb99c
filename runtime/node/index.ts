/**
 * `recurve/node`: adapters, files and the compiler.
 *
 *     const gpu = await open();
 *     const gru = await gpu.compile('gru', { dims: { T: 64, B: 32, I: 16, H: 128 }, gradients: true });
 *     gru.init({ seed: 1 });
 *     const { outputs } = await gru.run({ inputs: { x } });
 */
export type { AdapterChoice, AdapterKind, AdapterReport } from '../device/index.js';
export * from '../index.js';
export { type BuiltIn, builtInCells } from './cells.js';
export { type CellGiven, type CompileOptions, Gpu, type OpenOptions, open } from './gpu.js';
