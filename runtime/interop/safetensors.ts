/** The safetensors format (https://github.com/huggingface/safetensors#format), read and written without a dependency. */
export { readSafetensors, type SafetensorsFile, type StoredTensor } from './safetensors/read.js';
export { parseSafetensorsRequest } from './safetensors/request.js';
export { type TensorToStore, writeSafetensors } from './safetensors/write.js';
