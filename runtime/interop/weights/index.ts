/** Weights in ONNX, torch and Keras layout. */
export { gradientsToWeights, paramsToWeights, sizesFromWeights, weightsToParams } from './convert.js';
export { type Called, measureWeights } from './resolve.js';
