/** What tests compile for that open no device: lanes and kernels like SwiftShader's, and buffers without a bound that matters. */
import type { Target } from '../../codegen/plan.js';

export const TARGET: Target = {
  subgroup: 4,
  software: true,
  broadcasts: true,
  maxBufferBytes: 2 ** 30,
  maxBindingBytes: 2 ** 30,
  maxWorkgroupsPerDimension: 65_535,
  maxStorageBuffers: 12,
  maxKernelInstructions: 4000,
  maxDispatchWork: 2 ** 28,
};
