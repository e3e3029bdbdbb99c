/** `recurve check`: the kernels against the float64 reference on this adapter. */
import { SpecError } from '../codegen/errors.js';
import { resolveOptions } from '../codegen/frontend/index.js';
import type { SpecTree } from '../codegen/frontend/tree.js';
import {
  type CaseReport,
  type CellReport,
  type CheckPlan,
  type CheckRequest,
  checkCell,
  describeCase,
  planCheck,
  reportCell,
  TOLERANCE,
  type Verdict,
  worstVerdict,
} from '../runtime/check/index.js';
import { builtInCells, builtInModels, loadSpec } from '../runtime/node/cells.js';
import { fillSizes } from './arguments.js';
import type { Context, Outcome } from './context.js';
import { Devices } from './devices.js';
import type { Flags } from './flags.js';

export interface CheckFlags extends Flags {
  readonly all?: true;
  readonly scale?: number;
}

/** @throws SpecError with the mistakes of all files; RecurveError */
export async function check(context: Context, cells: readonly string[], flags: CheckFlags): Promise<Outcome> {
  const names = cells.flatMap((cell) =>
    cell === 'all' ? [...builtInCells(), ...builtInModels()].map(({ name }) => name) : [cell],
  );
  const trees = loadAll([...new Set(names)], context.io.cwd);
  // Options and sizes are checked for every cell before anything runs.
  const requests = trees.map((tree) => {
    const request: CheckRequest = {
      options: flags.set === undefined ? undefined : resolveOptions(tree, flags.set),
      sizes: flags.dims === undefined ? undefined : (signature) => fillSizes(signature, flags.dims),
      extent: flags.all ? 'all' : 'sample',
      scale: flags.scale,
      strategy: flags.strategy,
      memory: flags.memory,
    };
    return { tree, request: { ...request, plan: planCheck(tree, request) } };
  });
  for (const { tree, request } of requests) await noteSample(context, tree, request.plan);
  const devices = new Devices(context);
  try {
    const reports: { tree: SpecTree; report: CaseReport }[] = [];
    for (const { tree, request } of requests) {
      const done = await devices.use((device) =>
        checkCell(device, tree, {
          ...request,
          progress: (count, total, current) => context.progress(`check ${current} (${count + 1} of ${total} cases)`),
        }),
      );
      reports.push(...done.map((report) => ({ tree, report })));
    }
    const totals = requests.map(({ tree, request: { plan } }) => {
      const own = reports.filter((entry) => entry.tree === tree).map(({ report }) => report);
      return { ...reportCell(tree.name, own), ...(plan.sampledOf === undefined ? {} : { sampledOf: plan.sampledOf }) };
    });
    const verdict = worstVerdict(totals.map((total) => total.verdict));
    const adapter = await devices.use(async (device) => device.adapter);
    return {
      document: {
        ok: verdict === 'agrees',
        verdict,
        adapter,
        draws: drawsOf(totals),
        summary: totals,
        cells: reports.map(({ report }) => report),
      },
      text: summary(context, reports, totals, adapter.name),
      exitCode: verdict === 'agrees' ? 0 : 1,
    };
  } finally {
    devices.close();
  }
}

/** One line where the options have so many values that not all of their pairs are tried. */
async function noteSample(context: Context, { name }: SpecTree, { cases, sampledOf }: CheckPlan): Promise<void> {
  if (sampledOf === undefined) return;
  const all = `the options of ${name} need at least ${sampledOf} cases for every two values to meet`;
  await context.note(`${all}; this check tries a sample of ${cases.length}. --all tries them all.`);
}

/** Parses every file and looks into every branch, so that all mistakes are told at once. */
function loadAll(cells: readonly string[], cwd: string): SpecTree[] {
  const mistakes: SpecError[] = [];
  const trees = cells.flatMap((cell) => {
    try {
      return [loadSpec(cell, cwd)];
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      mistakes.push(error);
      return [];
    }
  });
  if (mistakes.length > 0) throw new SpecError(mistakes.flatMap(({ diagnostics }) => diagnostics));
  return trees;
}

function drawsOf(totals: readonly CellReport[]): CellReport['draws'] {
  const sum = (part: (report: CellReport) => number) => totals.reduce((all, report) => all + part(report), 0);
  return { taken: sum(({ draws }) => draws.taken), replaced: sum(({ draws }) => draws.replaced) };
}

/** Cases that are told in full, of each cell and of all. */
const MOST_SHOWN = { ofCell: 5, ofAll: 20 };

function summary(
  { colors }: Context,
  reports: readonly { tree: SpecTree; report: CaseReport }[],
  totals: readonly CellReport[],
  adapter: string,
): string {
  const painted: Readonly<Record<Verdict, string>> = {
    agrees: colors.green('agrees'),
    wrong: colors.red('wrong'),
    'cannot be judged': colors.yellow('cannot be judged'),
  };
  // What is wrong comes first: it matters more.
  const bad = reports.filter(({ report }) => !report.ok);
  const ordered = [
    ...bad.filter(({ report }) => report.verdict === 'wrong'),
    ...bad.filter(({ report }) => report.verdict !== 'wrong'),
  ];
  const shown = ordered
    .filter((entry) => ordered.filter(({ tree }) => tree === entry.tree).indexOf(entry) < MOST_SHOWN.ofCell)
    .slice(0, MOST_SHOWN.ofAll);
  const lines = shown.flatMap(({ tree, report }) => [
    `${painted[report.verdict]}  ${report.cell} ${describeCase(tree, report.options, report.dims)}`,
    ...explain(report),
  ]);
  if (bad.length > shown.length) lines.push(`and ${bad.length - shown.length} more such cases (all of them with --json)`);
  const verdicts = totals.map((total) => `${painted[total.verdict]}  ${total.cell}: ${counted(total)}`);
  const { taken, replaced } = drawsOf(totals);
  const cut = reports.filter(({ report }) => report.segment !== undefined).length;
  const notes = [
    ...(cut === 0 ? [] : [`${cut} of ${reports.length} cases ran in segments.`]),
    ...new Set(bad.flatMap(({ report }) => (report.counts && report.advice !== undefined ? [report.advice] : []))),
    `${replaced} of ${taken} draws of data were replaced, for nothing can be said about the kernels on them.`,
    `Tolerance ${TOLERANCE}, on ${adapter}.`,
  ];
  return [...lines, ...verdicts, ...notes.map((note) => colors.dim(note))].join('\n');
}

function explain({ verdict, problem, reason, counts, tensors }: CaseReport): string[] {
  if (problem !== undefined) return [`    ${problem}`];
  if (verdict === 'cannot be judged') {
    const note = counts ? '' : '; this does not count, for the step normalizes over only a few units here';
    return [`    ${reason ?? 'nothing finite is left to compare'}${note}`];
  }
  return tensors
    .filter((tensor) => tensor.verdict === 'wrong')
    .map(({ name, error, mismatch }) => `    ${name}: error ${error.toExponential(1)}; ${mismatch ?? ''}`);
}

function counted({ cases, agree, worst }: CellReport): string {
  if (agree === 0) return `none of ${cases} cases agrees`;
  const all = agree === cases ? (cases === 1 ? 'the one case' : `all ${cases} cases`) : `${agree} of ${cases} cases`;
  return `kernels and reference agree in ${all}, largest error ${worst.toExponential(1)}`;
}
