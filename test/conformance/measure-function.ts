/** Runs one per-unit function on the device over a range of arguments and measures it against the reference. */
import { compile } from '../../codegen/index.js';
import { functions } from '../../codegen/ops/index.js';
import type { CellResult, Tensor } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { load } from '../../runtime/layer/index.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, prepare } from './compare-cell.js';
import { differingNumbers } from './same-numbers.js';

/** Every name of the language, so that any expression compiles. */
const IMPORTS = `import { cell, vec, ${Object.keys(functions).join(', ')} } from 'recurve';\n`;

export interface FunctionRun {
  readonly actual: CellResult;
  readonly expected: CellResult;
}

/** A function of `x`, or of `x` and `y`, made ready once and run on any arguments. */
export async function prepareFunction(device: RecurveDevice, expression: string, units: number) {
  const names = ['x', ...(/\by\b/.test(expression) ? ['y'] : [])];
  const tree = fromText(`${IMPORTS}export default cell({ name: 'function', dims: ['N'],
    inputs: { ${names.map((name) => `${name}: vec('N')`).join(', ')} }, state: { h: vec('N') }, params: {},
    step({ ${names.join(', ')} }) { return { h: ${expression} }; } });`);
  const { options, signature, sizes } = prepare(tree, { T: 1, B: 1, N: units });
  const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target }));
  return {
    async run(args: readonly Float32Array[], cotangent = new Float32Array(units).fill(1)): Promise<FunctionRun> {
      const tensor = (data: Float32Array): Tensor => ({ shape: [1, 1, units], data });
      const inputs = Object.fromEntries(names.map((name, i) => [name, tensor(args[i] ?? new Float32Array(units))]));
      const data = {
        inputs,
        state: {},
        params: {},
        reverse: false,
        cotangents: { outputs: { h: tensor(cotangent) }, state: {} },
      };
      executable.poison();
      return { actual: await executable.run(data), expected: runReference(tree, signature, sizes, data) };
    },
    destroy: () => executable.destroy(),
  };
}

/** What misses 1e-5. */
export function wrongTensors({ actual, expected }: FunctionRun): string[] {
  return differingNumbers(actual, expected);
}

/** `units` arguments spread evenly, in an order that the neighbour of another argument does not share. */
export function spread(from: number, to: number, units: number, stride = 1): Float32Array {
  return Float32Array.from({ length: units }, (_, i) => from + ((to - from) * (((i * stride) % units) + 0.5)) / units);
}
