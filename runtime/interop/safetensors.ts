/** The safetensors format (https://github.com/huggingface/safetensors#format), read and written without a dependency. */
export { readSafetensors, type SafetensorsFile, startsAsSafetensors } from './safetensors/read.js';
export { parseSafetensorsRequest } from './safetensors/request.js';
export type { StoredTensor } from './safetensors/stored.js';
export { parseSafetensors, type TensorFile } from './safetensors/tensors.js';
export { type TensorToStore, writeSafetensors } from './safetensors/write.js';
