/** Runs mutants in a process of their own: a hang or a crash of it is a finding, and the next one goes on behind it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KINDS, type MutantReport, mutant } from './campaign.js';

/** Seconds after which a mutant hangs; the slowest good one takes two, its driver's start included. */
const PATIENCE = 60;

export interface FilesRequest {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly most: number;
  readonly onReport: (report: MutantReport) => void;
}

/** @returns how many were tried: fewer than asked for where `most` were wrong */
export async function watchMutants({ seed, from, to, most, onReport }: FilesRequest): Promise<number> {
  let next = from;
  let wrong = 0;
  const hear = (report: MutantReport) => {
    next = report.index + 1;
    if (report.outcome === 'wrong') wrong++;
    onReport(report);
  };
  while (next < to && wrong < most) {
    const ending = await new Promise<string | undefined>((resolve) => {
      const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [seed, next, to].map(String));
      let killed: string | undefined;
      const stop = (reason: string) => {
        killed ??= reason;
        child.kill('SIGKILL');
      };
      let timer = setTimeout(stop, PATIENCE * 1000, 'a hang');
      child.on('message', (report: MutantReport) => {
        clearTimeout(timer);
        timer = setTimeout(stop, PATIENCE * 1000, 'a hang');
        hear(report);
        if (wrong >= most) stop('');
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        resolve(killed ?? (code === 0 ? undefined : `a crash: ${signal ?? `exit code ${code}`}`));
      });
    });
    if (ending === undefined || ending === '') continue;
    const { kind, mutant: lost } = mutant(seed, next);
    hear({ index: next, kind, outcome: 'wrong', message: `${ending}\n${JSON.stringify(lost.files).slice(0, 8000)}` });
  }
  return next - from;
}

/** `spec: 40 refused, 7 right, 3 unjudged`, and so on. */
export function countsOf(reports: readonly MutantReport[]): string {
  return KINDS.map((kind) => {
    const own = reports.filter((report) => report.kind === kind);
    const counts = (['refused', 'right', 'unjudged', 'wrong'] as const).map(
      (outcome) => [outcome, own.filter((report) => report.outcome === outcome).length] as const,
    );
    return `${kind}: ${counts
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => `${count} ${outcome}`)
      .join(', ')}`;
  }).join('; ');
}
