/**
 * `recurve/runtime`: plans on any `GPUDevice`. Nothing here or behind it needs Node.
 *
 *     const layer = await load(device, plan);
 *     layer.setParams(params);
 *     const { outputs } = await layer.run({ inputs: { x } });
 */

// Which types of WebGPU a program gets: TypeScript's own, which its DOM has since version 6, or those of the package before.
export type * from '#webgpu';
export { ERROR_CODES, type ErrorCode } from '../codegen/error-codes.js';
export { type Diagnostic, type ErrorDetail, type ExitCode, RecurveError, SpecError } from '../codegen/errors.js';
export type { OptionValue, OptionValues } from '../codegen/frontend/tree.js';
export type { Recurrence } from '../codegen/passes/recurrence.js';
export type {
  BufferSpec,
  Init,
  KernelSpec,
  LoopChoice,
  LoopStrategy,
  Move,
  PassSpec,
  Plan,
  ScheduleItem,
  Segments,
  Sizes,
  TensorSlot,
} from '../codegen/plan.js';
export type { ReadTensor } from './data.js';
export { type AdoptOptions, adopt } from './device/adopt.js';
export type { Supervised, TimeSource } from './device/supervise.js';
export { parseSafetensors, type TensorFile, type TensorToStore, writeSafetensors } from './interop/safetensors.js';
export * from './layer/index.js';
export type { Lengths } from './lengths.js';
