/** `recurve gradients`: how gradients flow back through time, for several cells side by side. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { resolveOptions, resolveSpec } from '../codegen/frontend/index.js';
import type { CellTree, ModelTree, Signature } from '../codegen/frontend/tree.js';
import { compile, lower } from '../codegen/index.js';
import { didYouMean } from '../codegen/suggest.js';
import type { CellResult } from '../runtime/data.js';
import { type Flow, flowData, measureFlow } from '../runtime/flow/flow.js';
import { sizesFromWeights, weightsToParams, writeBeside } from '../runtime/interop/index.js';
import { load } from '../runtime/layer/index.js';
import { builtInCells, loadSpec } from '../runtime/node/cells.js';
import { fillSizes, GRADIENT_SIZES } from './arguments.js';
import type { Context, Outcome } from './context.js';
import { Devices } from './devices.js';
import { refuseInput } from './files.js';
import { documentsOf, type Measured, reportOf, type Subject, writer } from './gradients-report.js';
import { displayPath, shellWord } from './paths.js';
import { chooseForEach } from './several.js';
import { loadWeights, type WeightsFlags } from './weights.js';

export interface GradientFlags extends WeightsFlags {
  readonly state?: string;
  readonly trace?: readonly string[];
  readonly random?: true;
  readonly seed?: number;
  readonly scale?: number;
  readonly clip?: number;
  readonly out?: string;
  readonly reference?: true;
}

/**
 * Nothing is written before everything is measured.
 * @throws RecurveError `GRADIENTS-MODEL`, `GRADIENTS-STATE`, `TRACE-UNKNOWN`, `OUT-FORMAT`, `OUT-INPUT`, `RUN-*`, `DIMS-*`, `WEIGHTS-*`, `DATA-WRITE`; SpecError
 */
export async function gradients(context: Context, cells: readonly string[], flags: GradientFlags): Promise<Outcome> {
  const write = flags.out === undefined ? undefined : writer(flags.out);
  if (flags.out !== undefined) refuseInput(context.io.cwd, flags.out, [flags.weights]);
  const subjects = await subjectsOf(context, cells, flags);
  const devices = new Devices(context);
  const measured: Measured[] = [];
  try {
    for (const subject of subjects) {
      context.progress(`${subject.name}: ${measured.length + 1} of ${subjects.length}`);
      measured.push({ ...subject, flow: await flowOf(subject, flags, devices) });
    }
  } finally {
    devices.close();
  }
  const report = reportOf(measured);
  const written: string[] = [];
  if (flags.out !== undefined && write !== undefined) {
    const path = resolve(context.io.cwd, flags.out);
    await writeBeside(path, await write(report));
    written.push(`wrote ${displayPath(path, context.io.cwd)}`);
  }
  return {
    document: { seed: flags.seed ?? 1, scale: flags.scale ?? 1, clip: flags.clip, cells: documentsOf(measured) },
    text: [...report.lines, ...written].join('\n'),
  };
}

async function subjectsOf(context: Context, cells: readonly string[], flags: GradientFlags): Promise<Subject[]> {
  const { cwd } = context.io;
  if (flags.weights !== undefined && (cells.length > 1 || flags.random)) {
    throw new RecurveError({
      code: 'RUN-WEIGHTS',
      message: flags.random
        ? '--random draws the parameters that --weights gives'
        : '--weights is for one cell, and several are given',
      fix: flags.random ? 'Leave one of them out.' : 'Name the cell that the weights are for.',
      where: '--weights',
    });
  }
  const trees = cells.map((cell) => loadCell(cell, cwd));
  const { prepare, readAs } = await loadWeights(cwd, cells[0], flags, (_, options) =>
    trees.slice(0, 1).flatMap((tree) => resolveSpec(tree, resolveOptions(tree, options)).params.map(({ name }) => name)),
  );
  if (readAs !== undefined) await context.note(readAs);
  const { options, weights } = prepare({ options: {}, inputs: {}, state: {} });
  const chosen = chooseForEach(trees, flags, options);
  const names = chosen.map(({ signature }) => signature.name);
  return chosen.map(({ tree, signature, dims }, at): Subject => {
    const fromFile = weights && sizesFromWeights(weights.format, signature.name, signature, weights.tensors);
    const sizes = fillSizes(signature, { ...dims, ...fromFile }, GRADIENT_SIZES);
    const own = signature.name;
    return {
      // A second one of a name has its number.
      name: names.indexOf(own) === at ? own : `${own} ${at + 1}`,
      tree,
      signature,
      sizes,
      state: chooseState(signature, flags.state),
      params: weights && weightsToParams(weights.format, signature.name, signature, sizes, weights.tensors),
    };
  });
}

/** @throws RecurveError `GRADIENTS-MODEL`, and what else is wrong with the file; SpecError */
function loadCell(name: string, cwd: string): CellTree {
  const tree = loadSpec(name, cwd);
  if (tree.kind === 'cell') return tree;
  const cells = cellsOf(tree, cwd);
  throw new RecurveError({
    code: 'GRADIENTS-MODEL',
    message: `${tree.name} is a model, and this follows the state of one cell from step to step`,
    fix:
      cells.length === 0
        ? 'Name a cell; this model has no layers that are any.'
        : `Name ${cells.length === 1 ? 'the cell of its layers' : 'the cells of its layers'}: \`recurve gradients ${cells.join(' ')}\`.`,
    where: name,
  });
}

/** What a command line calls the cells that a model's layers may be. */
function cellsOf({ cells }: ModelTree, cwd: string): string[] {
  const builtIn = new Set(builtInCells().map(({ name }) => name));
  return Object.keys(cells).map((key) => (builtIn.has(key) ? key : shellWord(displayPath(key, cwd))));
}

function chooseState({ name, state }: Signature, wanted: string | undefined): string {
  const names = state.map((declaration) => declaration.name);
  const found = wanted === undefined ? names[0] : names.find((candidate) => candidate === wanted);
  if (found !== undefined) return found;
  throw new RecurveError({
    code: 'GRADIENTS-STATE',
    message: wanted === undefined ? `cell ${name} has no state` : `cell ${name} has no state ${wanted} among ${names.join(', ')}`,
    fix: didYouMean(wanted ?? '', names, 'Gradients flow back through a state; choose a cell that has one.', ''),
    where: '--state',
  });
}

async function flowOf({ tree, signature, sizes, state, params }: Subject, flags: GradientFlags, devices: Devices): Promise<Flow> {
  const { seed = 1, scale = 1, clip, trace: traced = [] } = flags;
  const states = signature.state.map(({ name }) => name);
  const trace = [...new Set([...states, ...traced])];
  const data = flowData(signature, sizes, { state, seed, scale, params });
  const result = flags.reference
    ? await inFloat64()
    : await devices.use(async (device) => {
        const layer = await load(
          device,
          compile(tree, { options: signature.options, sizes, gradients: true, trace, clip, target: device.target }),
        );
        try {
          return (await layer.run({ ...data, read: ['traces', 'gradients.traces'] })) as CellResult;
        } finally {
          layer.destroy();
        }
      });
  return measureFlow(result, states, traced);

  async function inFloat64(): Promise<CellResult> {
    const { runReference } = await import('../runtime/reference/index.js');
    lower(tree, signature, trace); // which refuses names that are not there
    return runReference(tree, signature, sizes, data, undefined, { trace, clip });
  }
}
