/** The data side of `recurve run`: requests in, responses out, in JSON, safetensors and other frameworks' layouts. */
export { type BoundRequest, bindRequest, type CellInterface } from './bind.js';
export { isTensorFile, openTensorFile } from './containers/open.js';
export { type Dialect, dialectOf } from './dialect.js';
export { parseJsonRequest } from './json.js';
export { readJsonRequest, readRequest, readRequestFile } from './request.js';
export {
  firstNonFinite,
  flatten,
  type NonFinite,
  type ResponseDocument,
  type RunResponse,
  requireFinite,
  toDocument,
  toJson,
  toResponse,
  toSafetensors,
} from './response.js';
export { readSafetensors, type SafetensorsFile, type TensorToStore, writeSafetensors } from './safetensors.js';
export { stackSizes } from './stack/bind.js';
export { stacksOf, stackWeightsOf } from './stack/checkpoint.js';
export { convertStack } from './stack/convert.js';
export type { FoundStack, ReadStack } from './stack/found.js';
export { STACK_FORMATS } from './stack/names.js';
export { type FrameworkName, type RunRequest, WEIGHT_FORMATS, type WeightFormat } from './types.js';
export { type LayerChoice, type WeightsFile, weightsOf } from './weights/file.js';
export { gradientsToWeights, sizesFromWeights, weightsToParams } from './weights/index.js';
export { initialText, startOf } from './weights/initial.js';
export { writeBeside } from './write.js';
