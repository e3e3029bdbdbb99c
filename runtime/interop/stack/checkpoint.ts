/** The stacks of a checkpoint: the modules of PyTorch, and the layers of Keras that read each other. */
import { RecurveError } from '../../../codegen/errors.js';
import type { TensorFile } from '../containers/container.js';
import { listText, quote } from '../describe.js';
import { type LayerChoice, toldWeights } from '../weights/file.js';
import { FRAMEWORKS } from '../weights/frameworks.js';
import { allLayers, chosenPrefix, type Layer } from '../weights/layers.js';
import type { FoundStack, ReadStack } from './found.js';
import { kerasStacks } from './keras.js';
import { torchStack } from './torch.js';

/** @throws RecurveError `WEIGHTS-NONE`, `WEIGHTS-PARAMETRIZATION` */
export function stacksOf(file: TensorFile): readonly FoundStack[] {
  const layers = allLayers(file);
  const modules = new Map<string, Layer[]>();
  for (const layer of layers) {
    const numbered = layer.format === 'torch' && /^l\d+/.test(layer.layer);
    if (numbered) modules.set(layer.prefix, [...(modules.get(layer.prefix) ?? []), layer]);
  }
  const ofKeras = layers.filter(({ format }) => format === 'keras' || format === 'cudnn');
  return [...[...modules].map(([prefix, module]) => torchStack(file, prefix, module)), ...kerasStacks(file, ofKeras).stacks];
}

/**
 * All layers and directions of a PyTorch module or of a Keras stack, for the model `stack`; a file that `import` wrote says
 * itself what it holds, and parameters of the model have its names.
 *
 * @throws RecurveError `IMPORT-STACK`, `SAFETENSORS-*`, `DATA-*`, `WEIGHTS-*`
 */
export function stackWeightsOf(file: TensorFile, choice: LayerChoice = {}): ReadStack {
  const told = toldWeights(file, choice);
  if (told) return { ...told, notes: [] };
  if (choice.layer !== undefined) {
    throw layerError(
      `--layer ${choice.layer} chooses one layer, and stack takes all of ${file.source}`,
      'Leave --layer out, or run the cell itself on one layer.',
      '--layer',
    );
  }
  const stacks = stacksOf(file);
  if (stacks.length === 0) {
    const titles = [...new Set(allLayers(file).map((layer) => FRAMEWORKS[layer.format].title))];
    throw layerError(
      `${file.source} has layers of ${listText(titles)}, and stack takes a torch.nn.RNN, GRU or LSTM, or layers of Keras`,
      'Run the cell itself on one layer, or write a request with "weights", layer by layer.',
      file.source,
    );
  }
  const single = singleLayer(file, choice.prefix, stacks);
  if (single) return single.read(choice);
  const name = chosenPrefix(
    stacks.map((stack) => stack.name),
    choice.prefix,
    file.source,
  );
  const found = stacks.find((stack) => stack.name === name);
  if (found === undefined) throw new Error(`the stack ${quote(name)} was listed and is gone`);
  return found.read(choice);
}

/** A layer of Keras further up in a stack is one by itself, where its name is given. */
function singleLayer(file: TensorFile, wanted: string | undefined, stacks: readonly FoundStack[]): FoundStack | undefined {
  const isWanted = (name: string) => wanted !== undefined && [name, name.slice(0, -1)].includes(wanted);
  if (stacks.some(({ name }) => isWanted(name))) return undefined;
  const ofKeras = allLayers(file).filter(({ format }) => format === 'keras' || format === 'cudnn');
  return kerasStacks(file, ofKeras).singles.find(({ name }) => isWanted(name));
}

function layerError(message: string, fix: string, where: string): RecurveError {
  return new RecurveError({ code: 'WEIGHTS-LAYER', message, fix, where });
}
