/** What `recurve gradients` shows and writes: a table, a sketch, pictures, JSON. */
import { RecurveError } from '../codegen/errors.js';
import type { CellTree, Signature } from '../codegen/frontend/tree.js';
import type { Sizes } from '../codegen/plan.js';
import type { Tensors } from '../runtime/data.js';
import type { Flow, StateFlow } from '../runtime/flow/flow.js';
import { page } from './plots/page.js';
import type { HeatMap } from './plots/picture.js';
import { type Curve, sketchCurves, sketchMap } from './plots/sketch.js';
import { table } from './table.js';

/** One cell of the command line. */
export interface Subject {
  /** Unlike any other's beside it. */
  readonly name: string;
  readonly tree: CellTree;
  readonly signature: Signature;
  readonly sizes: Sizes;
  /** The one that the loss reads. */
  readonly state: string;
  readonly params: Tensors | undefined;
}

export interface Measured extends Subject {
  readonly flow: Flow;
}

export interface Report {
  readonly measured: readonly Measured[];
  /** A curve for every cell. */
  readonly curves: readonly Curve[];
  /** For a terminal. */
  readonly lines: readonly string[];
}

export function reportOf(measured: readonly Measured[]): Report {
  const curves = measured.map((one) => ({ name: one.name, values: chosenFlow(one).norms }));
  const maps = mapsOf(measured).flatMap(({ title, values }) => [
    '',
    `${title}, mean over the sequences, units down, steps across`,
    sketchMap(values),
  ]);
  const lost = curves.flatMap(({ name, values }) => {
    const zero = values.lastIndexOf(0);
    return zero < 0 ? [] : [`${name}: up to step ${zero} the gradient is smaller than float32 holds, and 0`];
  });
  const lines = [
    '‖∂L/∂state‖ at every step, for a loss at the last one',
    '',
    table([HEAD, ...measured.map(rowOf)]),
    '',
    sketchCurves(curves),
    ...lost,
    ...maps,
  ];
  return { measured, curves, lines };
}

/** As `--json` and a `.json` file have it. */
export function documentsOf(measured: readonly Measured[]) {
  return measured.map((one) => {
    const { signature, sizes, state, flow } = one;
    const { norms, rate, saturation } = chosenFlow(one);
    const { name, options } = signature;
    return { name, options, dims: sizes, state, norms, rate, saturation, states: flow.states, traces: flow.traces };
  });
}

const TITLE = 'How gradients flow back through time';

/** What writes a file, by the ending of its name. @throws RecurveError `OUT-FORMAT` */
export function writer(out: string): (report: Report) => Promise<string> {
  const ending = /\.[^./\\]+$/.exec(out)?.[0].toLowerCase();
  if (ending === '.json') return async ({ measured }) => `${JSON.stringify({ cells: documentsOf(measured) })}\n`;
  if (ending === '.svg') return async ({ curves }) => (await import('./plots/picture.js')).curvesPicture(TITLE, curves);
  if (ending === '.html') {
    return async ({ curves, measured, lines }) => {
      const { curvesPicture, mapPicture } = await import('./plots/picture.js');
      const pictures = [curvesPicture(TITLE, curves), ...mapsOf(measured).map(mapPicture)];
      return page(TITLE, await Promise.all(pictures), lines);
    };
  }
  throw new RecurveError({
    code: 'OUT-FORMAT',
    message: `--out ${out} ends in none of .svg, .html and .json`,
    fix: 'The ending chooses what is written.',
    where: '--out',
  });
}

/** The flow of the state that the loss reads. */
function chosenFlow({ flow, state }: Measured): StateFlow {
  const found = flow.states.find(({ name }) => name === state);
  if (found === undefined) throw new Error(`no flow of ${state}`);
  return found;
}

function mapsOf(measured: readonly Measured[]): HeatMap[] {
  return measured.flatMap(({ name, flow }) =>
    flow.traces.map((trace) => ({ title: `${name}: ${trace.name}`, values: trace.mean })),
  );
}

const HEAD = ['cell', 'state', 't = 0', 'half way', 'last step', 'rate per step', 'units saturated half of the time'];

/** Of units that are saturated at half of all steps and more. */
const OFTEN = 0.5;

function rowOf(one: Measured): string[] {
  const { norms, rate, saturation } = chosenFlow(one);
  const often = saturation.filter((share) => share >= OFTEN).length;
  const middle = norms[Math.floor(norms.length / 2)];
  const numbers = [norms[0], middle, norms.at(-1), rate].map(numberText);
  return [one.name, one.state, ...numbers, `${often} of ${saturation.length}`];
}

function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '—';
  if (value === 0) return '0';
  const plain = Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4;
  return plain ? value.toPrecision(3) : value.toExponential(1);
}
