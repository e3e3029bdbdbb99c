/** Random models as a subject of a campaign. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  compileModelStages,
  type ModelStages,
  parseSpec,
  resolveOptions,
  resolveSpec,
  type SpecTree,
  valuesOf,
} from '../../../codegen/index.js';
import type { Target } from '../../../codegen/plan.js';
import { outputShapes } from '../../../runtime/check/index.js';
import { randomData } from '../../../runtime/random.js';
import type { Subject } from '../campaign.js';
import { type Compiled, runCompiled } from '../run.js';
import { shrinkWith } from '../shrink.js';
import { generateNetwork } from './generate.js';
import type { Network } from './network.js';
import { printNetwork } from './print.js';
import { simpler } from './shrink.js';

const shared: Omit<Subject<Network, ModelStages>, 'generate'> = {
  run: (device, network, checks) => runCompiled(device, () => compileNetwork(device.target, network), checks),
  shrink: (network, fails, budget) => shrinkWith(simpler, network, fails, budget),
  describe,
};

export const networks: Subject<Network, ModelStages> = {
  ...shared,
  generate: (seed, index) => generateNetwork(seed, index),
};

/** Of few values each, so that many of them take little time. */
export const smallNetworks: Subject<Network, ModelStages> = {
  ...shared,
  generate: (seed, index) => generateNetwork(seed, index, 'small'),
};

export function compileNetwork(target: Target, network: Network): Compiled<ModelStages> {
  const tree = parseFiles(printNetwork(network));
  if (tree.kind !== 'model') throw new Error('a cell was parsed');
  const { training } = network.run;
  const options = resolveOptions(tree, tree.options.some(({ name }) => name === 'training') ? { training } : {});
  const signature = resolveSpec(tree, options);
  const outputs = outputShapes(signature, valuesOf(tree, signature));
  const sizes = Object.fromEntries(
    ['B', ...[...tree.times, ...tree.dims].map(({ name }) => name)].map((dim) => [dim, network.sizes[dim] ?? 1]),
  );
  const stages = compileModelStages(tree, { options, sizes, gradients: true, target });
  const { seed, ragged } = network.run;
  return { tree, signature, stages, sizes, data: randomData(signature, sizes, outputs, { seed, ragged }) };
}

/** A model's cells are read from files beside it. */
function parseFiles(files: Readonly<Record<string, string>>): SpecTree {
  const folder = mkdtempSync(join(tmpdir(), 'recurve-fuzz-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return parseSpec(join(folder, 'fuzzed.model.ts'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function describe(network: Network): string {
  const files = printNetwork(network);
  const text = Object.values(files).join('\n');
  const used = Object.entries(network.sizes).filter(([dim]) => dim === 'T' || dim === 'B' || text.includes(`'${dim}'`));
  const { training, ...data } = network.run;
  return [
    ...Object.entries(files).map(([name, own]) => `// ${name}\n${own}`),
    `--dims ${used.map(([dim, size]) => `${dim}=${size}`).join(',')}`,
    `options ${JSON.stringify({ training })}`,
    `data ${JSON.stringify(data)}`,
  ].join('\n');
}
