/** Compiles a cell, runs it on the embedded adapter and compares everything with the reference. */
import { fileURLToPath } from 'node:url';
import type { CellTree, OptionValue } from '../../codegen/frontend/tree.js';
import { compile, lower, parseCell, parseCellSource, resolveOptions, resolveSignature } from '../../codegen/index.js';
import type { Plan, Sizes } from '../../codegen/plan.js';
import { outputShapes } from '../../runtime/check/outputs.js';
import { compareResults, differingBits } from '../../runtime/compare.js';
import type { CellData, CellResult, Tensors } from '../../runtime/data.js';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { type Layer, load } from '../../runtime/layer/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';

export const builtIn = (name: string): CellTree =>
  parseCell(fileURLToPath(new URL(`../../kernels/cells/${name}.cell.ts`, import.meta.url)));

export const fromText = (text: string): CellTree =>
  parseCellSource(fileURLToPath(new URL('./inline.cell.ts', import.meta.url)), text);

/** Everything that the compiler gives for a cell at these sizes. */
export function prepare(tree: CellTree, sizes: Sizes, given: Readonly<Record<string, OptionValue>> = {}) {
  const options = resolveOptions(tree, given);
  const signature = resolveSignature(tree, options);
  return { options, signature, outputs: outputShapes(signature, lower(tree, signature)), sizes, tree };
}

/** What a plan gives from memory that held NaN. */
export async function resultsOn(device: RecurveDevice, plan: Plan, data: CellData): Promise<CellResult> {
  const layer = await load(device, plan);
  layer.poison();
  const result = await layer.run(data);
  layer.destroy();
  return result;
}

/** Names of the tensors whose bits are others where every member has a kernel of its own and each step its dispatches; data of one draw, ragged. */
export async function mergedOtherwise(device: RecurveDevice, prepared: ReturnType<typeof prepare>): Promise<string[]> {
  const { tree, options, signature, outputs, sizes } = prepared;
  const data = randomData(signature, sizes, outputs, { seed: 3, ragged: true });
  const results: CellResult[] = [];
  for (const how of [{ merging: 'alike' }, { merging: 'none', strategy: 'stepwise' }] as const) {
    const plan = compile(tree, { options, sizes, gradients: true, target: device.target, ...how });
    const executable = await load(device, plan);
    executable.poison();
    results.push(await executable.run(data));
    executable.destroy();
  }
  const [together, apart] = results;
  if (!together || !apart) throw new Error('nothing ran');
  return differingBits(together, apart);
}

/** Names of what misses the reference by more than 1e-5, or has other bits when it is run again. */
export async function wrongOnce(
  layer: Layer,
  { tree, signature, sizes }: ReturnType<typeof prepare>,
  data: CellData,
): Promise<string[]> {
  layer.poison();
  const result = await layer.run(data);
  const compared = compareResults(result, runReference(tree, signature, sizes, data), 1e-5);
  const changed = differingBits(await layer.run(data), result);
  return [
    ...compared.filter(({ ok }) => !ok).map(({ name, error }) => `${name} ${error}`),
    ...changed.map((name) => `${name} changes`),
  ];
}

/** Ragged data with zeros past the lengths, where `randomData` leaves what must not be read. */
export function cleaned(data: CellData): CellData {
  const zeroed = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data: values }]) => [
        name,
        { shape, data: values.map((value) => (Math.abs(value) < 1e6 ? value : 0)) },
      ]),
    );
  const cotangents = data.cotangents && { ...data.cotangents, outputs: zeroed(data.cotangents.outputs) };
  return { ...data, inputs: zeroed(data.inputs), ...(cotangents ? { cotangents } : {}) };
}

/**
 * Names of the tensors that miss 1e-5, ragged and in reverse as well as plain, or whose bits depend on what lies past a sequence's
 * length; step by step as well as the compiler chooses, unless only that is asked for.
 */
export async function wrongTensors(
  device: RecurveDevice,
  prepared: ReturnType<typeof prepare>,
  loops: 'both' | 'chosen' = 'both',
): Promise<string[]> {
  const { tree, options, signature, outputs, sizes } = prepared;
  const other = loops === 'both' ? ('stepwise' as const) : undefined;
  const wrong: string[] = [];
  for (const { strategy, ...shape } of [
    { ragged: false, reverse: false, strategy: other },
    { ragged: true, reverse: false, strategy: undefined },
    { ragged: true, reverse: true, strategy: other },
  ]) {
    const executable = await load(device, compile(tree, { options, sizes, gradients: true, target: device.target, strategy }));
    const data = randomData(signature, sizes, outputs, { seed: 7, ...shape });
    executable.poison();
    const result = await executable.run(data);
    const compared = compareResults(result, runReference(tree, signature, sizes, data), 1e-5);
    wrong.push(...compared.filter(({ ok }) => !ok).map(({ name, error }) => `${name} ${error} ${JSON.stringify(shape)}`));
    const changed = shape.ragged ? differingBits(await executable.run(cleaned(data)), result) : [];
    wrong.push(...changed.map((name) => `${name} reads past the lengths ${JSON.stringify(shape)}`));
    executable.destroy();
  }
  return wrong;
}
