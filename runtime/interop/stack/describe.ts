/** One line about a stack: what it was taken for, and the options that it stands for. */
import type { Uniform } from './uniform.js';

/** `ONNX LSTM, gates i o f c, 3 layers, both directions`. @param title whose cell it is @param gates in their order, empty for one */
export function describeStack(title: string, gates: string, { options, reverse }: Uniform, more: readonly string[] = []): string {
  const { layers, bidirectional } = options;
  const count = layers === 1 ? '1 layer' : `${layers} layers`;
  const direction = bidirectional === true ? ['both directions'] : reverse ? ['reverse'] : [];
  return [title, ...(gates === '' ? [] : [`gates ${gates}`]), count, ...direction, ...more].join(', ');
}

/** `--set cell=lstm --set layers=2`, with the model's defaults left out but for the cell and the layers. */
export function optionFlags({ options, reverse }: Uniform): string {
  const said = Object.entries(options).filter(([, value]) => value !== false);
  return [...said.map(([option, value]) => `--set ${option}=${value}`), ...(reverse ? ['--set reverse=true'] : [])].join(' ');
}
