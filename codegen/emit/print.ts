/** The plan as a table: what runs, in order, and what it costs. */
import { segmentsText } from '../checkpoints.js';
import type { LoopChoice, PassSpec, Plan } from '../plan.js';

/** What the table of a plan says of each pass beyond what is in the plan. */
export interface PlanColumn {
  /** At its top. */
  readonly head: string;
  /** What it says of one pass. @param index of the pass in its plan */
  readonly cell: (pass: PassSpec, index: number) => string;
}

/**
 * A table for people: a line for each pass with its workgroups, dispatches, megabytes and megaflops in one run, and the
 * memory.
 *
 * @param more columns at its right
 */
export function printPlan(plan: Plan, more: readonly PlanColumn[] = []): string {
  const header = [
    'pass',
    'region',
    'strategy',
    'workgroups',
    'dispatches',
    'MB read',
    'MB written',
    'MFLOP',
    ...more.map(({ head }) => head),
  ];
  const rows = plan.passes.map((pass, index) => [
    pass.name,
    `${pass.direction} ${pass.region}`,
    pass.strategy,
    pass.workgroups.join('×'),
    String(pass.dispatches),
    (pass.bytesRead / 1e6).toFixed(2),
    (pass.bytesWritten / 1e6).toFixed(2),
    (pass.flops / 1e6).toFixed(2),
    ...more.map(({ cell }) => cell(pass, index)),
  ]);
  const table = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column < 4 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const bytes = plan.buffers.reduce((total, buffer) => total + buffer.bytes, 0);
  const buffers = plan.buffers.map((buffer) => `${buffer.name} ${(buffer.bytes / 1e6).toFixed(2)}`).join(', ');
  const memory = `${(bytes / 1e6).toFixed(2)} MB in ${plan.buffers.length} buffers (${buffers})`;
  return [...lines, ...loopLines(plan), memory, segmentsText(plan) ?? []].flat().join('\n');
}

/** How each loop runs, how else it may, and why not otherwise. */
function loopLines({ forward, backward }: Plan): string[] {
  return [...forward, ...backward].flatMap((item) => {
    if (item.kind === 'pass') return [];
    const over = `over ${item.axis ?? 'T'}`;
    if (item.kind === 'wave') return item.choices.map((choice) => `${choice.name} ${over} ${choiceText(choice)}`);
    return item.choice === undefined ? [] : [`${item.passes.join(', ')} ${over} ${choiceText(item.choice)}`];
  });
}

function choiceText({ recurrence, allowed: [chosen, ...others], refused }: LoopChoice): string {
  const also = others.length === 0 ? '' : `; ${others.join(' and ')} would do, too`;
  const not = Object.entries(refused).map(([strategy, why]) => `; ${strategy} would not: ${why}`);
  return `(${recurrence}): ${chosen}${also}${not.join('')}`;
}
