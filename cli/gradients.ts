/** `recurve gradients`: how gradients flow back through time, for several cells side by side. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import type { CellTree, Signature } from '../codegen/frontend/tree.js';
import { compile, lower, resolveOptions, resolveSignature } from '../codegen/index.js';
import type { Sizes } from '../codegen/plan.js';
import { didYouMean } from '../codegen/suggest.js';
import type { CellResult, Tensors } from '../runtime/data.js';
import { type Flow, flowData, measureFlow } from '../runtime/flow/flow.js';
import { sizesFromWeights, weightsToParams, writeBeside } from '../runtime/interop/index.js';
import { load } from '../runtime/layer/index.js';
import { loadChecked } from '../runtime/node/cells.js';
import { fillSizes } from './arguments.js';
import type { Context, Outcome } from './context.js';
import { Devices } from './devices.js';
import { displayPath } from './paths.js';
import { sketchCurves, sketchMap } from './plots/sketch.js';
import { table } from './table.js';
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

interface Subject {
  readonly tree: CellTree;
  readonly signature: Signature;
  readonly sizes: Sizes;
  readonly states: readonly string[];
  readonly traces: readonly string[];
  readonly state: string;
  readonly params: Tensors | undefined;
}

interface Measured extends Subject {
  readonly flow: Flow;
}

/** Steps where `--dims` gives none: enough for a plain RNN's gradient to vanish. */
const STEPS = 100;

/**
 * Nothing is written before everything is measured.
 * @throws RecurveError `GRADIENTS-STATE`, `TRACE-UNKNOWN`, `OUT-FORMAT`, `RUN-*`, `DIMS-*`, `WEIGHTS-*`, `DATA-WRITE`; SpecError
 */
export async function gradients(context: Context, cells: readonly string[], flags: GradientFlags): Promise<Outcome> {
  const write = flags.out === undefined ? undefined : writer(flags.out);
  const subjects = await subjectsOf(context, cells, flags);
  const devices = new Devices(context);
  const measured: Measured[] = [];
  try {
    for (const subject of subjects) {
      context.progress(`${subject.signature.name}: ${measured.length + 1} of ${subjects.length}`);
      measured.push({ ...subject, flow: await flowOf(subject, flags, devices) });
    }
  } finally {
    devices.close();
  }
  const names = namesOf(measured);
  const curves = measured.map(({ flow, state }, at) => ({ name: names[at] ?? '', values: normsOf(flow, state).norms }));
  const lines = report(measured, names);
  if (flags.out !== undefined && write !== undefined) {
    const path = resolve(context.io.cwd, flags.out);
    await writeBeside(path, await write(curves, measured, names, lines));
    lines.push(`wrote ${displayPath(path, context.io.cwd)}`);
  }
  return {
    document: { seed: flags.seed ?? 1, scale: flags.scale ?? 1, clip: flags.clip, cells: documents(measured) },
    text: lines.join('\n'),
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
  const { prepare, readAs } = await loadWeights(cwd, cells[0], flags);
  if (readAs !== undefined) await context.note(readAs);
  const request = prepare({ options: {}, inputs: {}, state: {} });
  const trees = cells.map((cell) => loadChecked(cell, cwd));
  const set = flags.set ?? {};
  refuseForeign(
    trees.flatMap((tree) => tree.options.map(({ name }) => name)),
    Object.keys(set),
    '--set',
    'option',
  );
  const own = trees.map((tree) => {
    const declared = new Set(tree.options.map(({ name }) => name));
    const given = Object.fromEntries(Object.entries(set).filter(([name]) => cells.length === 1 || declared.has(name)));
    return { tree, signature: resolveSignature(tree, resolveOptions(tree, { ...request.options, ...given })) };
  });
  const dims = flags.dims ?? {};
  refuseForeign(
    own.flatMap(({ signature }) => ['T', 'B', ...signature.dims]),
    Object.keys(dims),
    '--dims',
    'dim',
  );
  return own.map(({ tree, signature }): Subject => {
    const { weights } = request;
    const fromFile = weights && sizesFromWeights(weights.format, signature.name, signature, weights.tensors);
    const known = ['T', 'B', ...signature.dims];
    const given = Object.fromEntries(Object.entries({ T: STEPS, ...dims, ...fromFile }).filter(([name]) => known.includes(name)));
    const sizes = fillSizes(signature, given);
    const states = signature.state.map(({ name }) => name);
    return {
      tree,
      signature,
      sizes,
      states,
      state: chooseState(signature, flags.state),
      traces: flags.trace ?? [],
      params: weights && weightsToParams(weights.format, signature.name, signature, sizes, weights.tensors),
    };
  });
}

/** What one of several cells has is for that cell; what none has is a mistake. */
function refuseForeign(known: readonly string[], given: readonly string[], where: string, what: string): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new RecurveError({
    code: what === 'dim' ? 'DIMS-UNKNOWN' : 'OPTION-UNKNOWN',
    message: `${where} gives the ${what} ${unknown}, which no cell here has`,
    fix: didYouMean(unknown, [...new Set(known)], `Leave ${unknown} out of ${where}.`, ''),
    where,
  });
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

async function flowOf(subject: Subject, flags: GradientFlags, devices: Devices): Promise<Flow> {
  const { tree, signature, sizes, states, traces, state, params } = subject;
  const { seed = 1, scale = 1, clip } = flags;
  const trace = [...new Set([...states, ...traces])];
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
  return measureFlow(result, states, traces);

  async function inFloat64(): Promise<CellResult> {
    const { runReference } = await import('../runtime/reference/index.js');
    lower(tree, signature, trace); // which refuses names that are not there
    return runReference(tree, signature, sizes, data, undefined, { trace, clip });
  }
}

function normsOf({ states }: Flow, name: string): Flow['states'][number] {
  const found = states.find((state) => state.name === name);
  if (found === undefined) throw new Error(`no flow of ${name}`);
  return found;
}

/** The cells' names; a second one of a name with its number. */
function namesOf(measured: readonly Measured[]): string[] {
  const names = measured.map(({ signature }) => signature.name);
  return names.map((name, at) => (names.indexOf(name) === at ? name : `${name} ${at + 1}`));
}

function documents(measured: readonly Measured[]) {
  return measured.map(({ signature, sizes, state, flow }) => {
    const { norms, rate, saturation } = normsOf(flow, state);
    const { name, options } = signature;
    return { name, options, dims: sizes, state, norms, rate, saturation, states: flow.states, traces: flow.traces };
  });
}

/** Of units that are saturated at half of all steps and more. */
const OFTEN = 0.5;

function report(measured: readonly Measured[], names: readonly string[]): string[] {
  const number = (value: number | null | undefined) =>
    value === null || value === undefined
      ? '—'
      : value === 0
        ? '0'
        : Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4
          ? value.toPrecision(3)
          : value.toExponential(1);
  const rows = measured.map(({ flow, state }, at) => {
    const { norms, rate, saturation } = normsOf(flow, state);
    const often = saturation.filter((share) => share >= OFTEN).length;
    const middle = norms[Math.floor(norms.length / 2)];
    return [
      names[at] ?? '',
      state,
      number(norms[0]),
      number(middle),
      number(norms.at(-1)),
      number(rate),
      `${often} of ${saturation.length}`,
    ];
  });
  const head = ['cell', 'state', 't = 0', 'half way', 'last step', 'rate per step', 'units saturated half of the time'];
  const curves = measured.map(({ flow, state }, at) => ({ name: names[at] ?? '', values: normsOf(flow, state).norms }));
  const maps = measured.flatMap(({ flow }, at) =>
    flow.traces.flatMap(({ name, mean }) => [
      '',
      `${names[at]}: ${name}, mean over the sequences, units down, steps across`,
      sketchMap(mean),
    ]),
  );
  const lost = measured.flatMap(({ flow, state }, at) => {
    const { norms } = normsOf(flow, state);
    const zero = norms.lastIndexOf(0);
    return zero < 0 ? [] : [`${names[at]}: up to step ${zero} the gradient is smaller than float32 holds, and 0`];
  });
  return [
    '‖∂L/∂state‖ at every step, for a loss at the last one',
    '',
    table([head, ...rows]),
    '',
    sketchCurves(curves),
    ...lost,
    ...maps,
  ];
}

type Writer = (
  curves: readonly { readonly name: string; readonly values: readonly number[] }[],
  measured: readonly Measured[],
  names: readonly string[],
  lines: readonly string[],
) => Promise<string>;

const TITLE = 'How gradients flow back through time';

/** By the ending of the file's name. */
function writer(out: string): Writer {
  const ending = /\.[^./\\]+$/.exec(out)?.[0].toLowerCase();
  if (ending === '.json') return async (_, measured) => `${JSON.stringify({ cells: documents(measured) })}\n`;
  if (ending === '.svg') return async (curves) => (await import('./plots/picture.js')).curvesPicture(TITLE, curves);
  if (ending === '.html') {
    return async (curves, measured, names, lines) => {
      const { curvesPicture, mapPicture, page } = await import('./plots/picture.js');
      const maps = measured.flatMap(({ flow }, at) =>
        flow.traces.map(({ name, mean }) => mapPicture({ title: `${names[at]}: ${name}`, values: mean })),
      );
      return page(TITLE, [await curvesPicture(TITLE, curves), ...(await Promise.all(maps))], lines);
    };
  }
  throw new RecurveError({
    code: 'OUT-FORMAT',
    message: `--out ${out} ends in none of .svg, .html and .json`,
    fix: 'The ending chooses what is written.',
    where: '--out',
  });
}
