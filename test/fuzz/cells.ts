/** Random cells as a subject of a campaign. */
import type { Stages } from '../../codegen/index.js';
import type { Subject } from './campaign.js';
import type { Coverage } from './coverage.js';
import { generateModel } from './generate.js';
import type { Model } from './model.js';
import { printModel } from './print.js';
import { runModel } from './run-cell.js';
import { shrink } from './shrink.js';

export function cells(coverage?: Coverage): Subject<Model, Stages> {
  return {
    generate: generateModel,
    run: runModel,
    shrink,
    describe,
    compiled: (stages, model) => coverage?.add(stages, printModel(model)),
  };
}

function describe(model: Model): string {
  const text = printModel(model);
  const used = Object.entries(model.sizes).filter(([dim]) => ['T', 'B'].includes(dim) || text.includes(`'${dim}'`));
  const options = Object.entries(model.options).filter(([name]) => text.includes(`o.${name}`));
  const { training, ...data } = model.run;
  return [
    text,
    `--dims ${used.map(([dim, size]) => `${dim}=${size}`).join(',')}`,
    `options ${JSON.stringify({ ...Object.fromEntries(options.map(([name, { value }]) => [name, value])), training })}`,
    `data ${JSON.stringify(data)}`,
  ].join('\n');
}
