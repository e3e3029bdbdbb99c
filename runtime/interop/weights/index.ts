/** Weights in the layouts of frameworks and in recurve's own. */
export { gradientsToWeights, paramsToWeights, sizesFromWeights, weightsToParams } from './convert.js';
export { type Called, measureWeights } from './resolve.js';
