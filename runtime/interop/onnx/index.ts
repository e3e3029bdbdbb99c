/** LSTM, GRU and RNN nodes of ONNX files. Loaded only by those who read one: the schema takes a moment to build. */

export { type Chain, chainNamed, chainsOf, chainText } from './chain.js';
export {
  chooseDirection,
  type Direction,
  type ImportedWeights,
  importWeights,
  layoutOf,
  nodeNamed,
  noNodes,
  type OnnxFile,
  openOnnx,
} from './import.js';
export { type ListedDirection, type ListedNode, listNodes, type Problem } from './list.js';
export { importChain } from './stack.js';
