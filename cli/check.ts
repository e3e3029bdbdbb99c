/** `recurve check`: the kernels against the float64 reference on this adapter. */
import { SpecError } from '../codegen/errors.js';
import { checkSpec, resolveOptions } from '../codegen/frontend/index.js';
import type { CellTree } from '../codegen/frontend/tree.js';
import { type CaseReport, checkCell, describeCase, TOLERANCE } from '../runtime/check/index.js';
import { fillSizes } from './arguments.js';
import { builtInCells, loadCell } from './cells.js';
import type { Context, Outcome } from './context.js';
import { Devices } from './devices.js';
import type { Flags } from './program.js';

/** @throws SpecError with the mistakes of all files; RecurveError */
export async function check(context: Context, cells: readonly string[], flags: Flags): Promise<Outcome> {
  const names = cells.flatMap((cell) => (cell === 'all' ? builtInCells().map(({ name }) => name) : [cell]));
  const trees = loadAll([...new Set(names)], context.io.cwd);
  // Options and sizes are checked for every cell before anything runs.
  const requests = trees.map((tree) => ({
    tree,
    options: flags.set === undefined ? undefined : resolveOptions(tree, flags.set),
  }));
  const devices = new Devices(context);
  try {
    const reports: { tree: CellTree; report: CaseReport }[] = [];
    for (const { tree, options } of requests) {
      const done = await devices.use((device) =>
        checkCell(device, tree, {
          options,
          sizes: flags.dims === undefined ? undefined : (signature) => fillSizes(signature, flags.dims),
          progress: (count, total, current) => context.progress(`check ${count + 1}/${total}: ${current}`),
        }),
      );
      reports.push(...done.map((report) => ({ tree, report })));
    }
    const ok = reports.every(({ report }) => report.ok);
    const adapter = await devices.use(async ({ adapter }) => adapter);
    return {
      document: { ok, adapter, cells: reports.map(({ report }) => report) },
      text: summary(context, trees, reports, adapter.name),
      exitCode: ok ? 0 : 1,
    };
  } finally {
    devices.close();
  }
}

/** Parses every file and looks into every branch, so that all mistakes are told at once. */
function loadAll(cells: readonly string[], cwd: string): CellTree[] {
  const mistakes: SpecError[] = [];
  const trees = cells.flatMap((cell) => {
    try {
      const tree = loadCell(cell, cwd);
      checkSpec(tree);
      return [tree];
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      mistakes.push(error);
      return [];
    }
  });
  if (mistakes.length > 0) throw new SpecError(mistakes.flatMap(({ diagnostics }) => diagnostics));
  return trees;
}

const MOST_SHOWN = 20;

function summary(
  { colors }: Context,
  trees: readonly CellTree[],
  reports: readonly { tree: CellTree; report: CaseReport }[],
  adapter: string,
): string {
  const wrong = reports.filter(({ report }) => !report.ok);
  const shown = wrong
    .slice(0, MOST_SHOWN)
    .flatMap(({ tree, report }) => [
      `${colors.red('wrong')}  ${report.cell} ${describeCase(tree, report.options, report.dims)}`,
      ...(report.problem === undefined ? [] : [`    ${report.problem}`]),
      ...report.tensors
        .filter(({ ok }) => !ok)
        .map(({ name, error, mismatch }) => `    ${name}: error ${error.toExponential(1)}; ${mismatch ?? ''}`),
    ]);
  if (wrong.length > MOST_SHOWN) shown.push(`and ${wrong.length - MOST_SHOWN} more`);
  const totals = trees.map((tree) => {
    const own = reports.filter((entry) => entry.tree === tree);
    const good = own.filter(({ report }) => report.ok).length;
    const worst = Math.max(0, ...own.map(({ report }) => report.worst));
    const verdict = good === own.length ? colors.green('ok') : colors.red('wrong');
    return `${verdict}  ${tree.name}: ${good} of ${own.length} cases, largest error ${worst.toExponential(1)} (at most ${TOLERANCE})`;
  });
  return [...shown, ...totals, colors.dim(`on ${adapter}`)].join('\n');
}
