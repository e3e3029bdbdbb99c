/** Weights in ONNX, torch and Keras layout. */
export { gradientsToWeights, sizesFromWeights, weightsToParams } from './convert.js';
export { type Called, measureWeights } from './resolve.js';
