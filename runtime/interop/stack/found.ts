/** What is found in a checkpoint before it is read. */
import type { LayerChoice, WeightsFile } from '../weights/file.js';

/** A stack that a checkpoint holds. */
export interface FoundStack {
  /** What its tensors' names start with, of Keras those of its first layer. */
  readonly name: string;
  /** Of its layers, from the first on, as the file calls them. */
  readonly layers: readonly string[];
  /** @throws RecurveError `IMPORT-STACK`, `WEIGHTS-*`, `DATA-*`, `SAFETENSORS-*` */
  read(choice: LayerChoice): ReadStack;
}

export interface ReadStack extends WeightsFile {
  /** What was assumed, a line each. */
  readonly notes: readonly string[];
  /** Whether the two directions are merged in a way that keeps H values, which the file does not tell. */
  readonly merge?: 'unknown';
}
