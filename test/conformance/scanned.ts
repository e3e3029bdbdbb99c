/** What the tests of scans share: cells in a line, their plans, and what runs of those miss. */
import { compile } from '../../codegen/index.js';
import type { LoopStrategy, Plan, Sizes, Target } from '../../codegen/plan.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import type { Supervised } from '../../runtime/device/supervise.js';
import { load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { fromText, type prepare } from './compare-cell.js';

export type Prepared = ReturnType<typeof prepare>;

export function scannedPlan(
  device: RecurveDevice,
  prepared: Prepared,
  target: Partial<Target> = {},
  strategy: LoopStrategy | 'chosen' = 'scan',
): Plan {
  const { tree, options, sizes } = prepared;
  return compile(tree, {
    options,
    sizes,
    gradients: true,
    target: { ...device.target, ...target },
    ...(strategy === 'chosen' ? {} : { strategy }),
  });
}

/** How the loops of each direction run. */
export const taken = (plan: Plan) =>
  [plan.forward, plan.backward].map((items) => items.flatMap((item) => (item.kind === 'loop' ? [item.choice?.allowed[0]] : [])));

/** What misses the reference in runs of these lengths, of one plan. */
export async function missed(on: Supervised, prepared: Prepared, plan: Plan, lengths: readonly number[]): Promise<string[]> {
  const { tree, signature, outputs, sizes } = prepared;
  const layer = await load(on, plan);
  const found: string[] = [];
  layer.poison();
  for (const [turn, T] of lengths.entries()) {
    const own: Sizes = { ...sizes, T };
    const data = randomData(signature, own, outputs, { seed: 5 + turn, ragged: turn % 2 === 0, reverse: turn % 3 === 0 });
    const result = await layer.run(data);
    const compared = compareResults(result, runReference(tree, signature, own, data), 1e-5);
    found.push(...compared.filter(({ ok }) => !ok).map(({ name, error }) => `T=${T} ${name} ${error}`));
    found.push(...differingBits(await layer.run(data), result).map((name) => `T=${T} ${name} is not repeated`));
  }
  layer.destroy();
  return found;
}

export interface Written {
  readonly inputs?: string;
  readonly params?: string;
  readonly state: string;
  readonly step: string;
}

const vectors = (names: string) => names.split(' ').map((name) => `${name}: ${name === 's' ? 'scalar()' : "vec('H')"}`);

export const cellOf = ({ inputs = 'x z', params = '', state, step }: Written) =>
  fromText(`import { cell, delay, max, maxOver, mean, min, relu, scalar, select, sigmoid, sqrt, square, tanh, vec } from 'recurve';
    const lerp = (a, b, z) => a + z * (b - a);
    export default cell({ name: 'scanned', dims: ['H'], inputs: { ${vectors(inputs).join(', ')} },
      params: { ${params === '' ? '' : vectors(params).join(', ')} }, state: { ${vectors(state).join(', ')} },
      step({ ${inputs.replaceAll(' ', ', ')} }, { ${state.replaceAll(' ', ', ')} }, { ${params.replaceAll(' ', ', ')} }) { ${step} } });`);
