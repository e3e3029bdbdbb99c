/** `recurve doctor`: which adapters serve here, and what to do about those that do not. */
import type { AdapterFinding } from '../runtime/device/index.js';
import type { Context, Outcome } from './context.js';
import type { Flags } from './flags.js';

export interface DoctorFlags extends Flags {
  /** Also measures the adapter that `--adapter` names, and keeps what is found. */
  readonly roofline?: true;
}

/**
 * Never fails for a missing adapter, except when `--adapter` names it or there is none at all: then exit code 1.
 * @throws RecurveError exit code 3, with `--roofline` alone: there is nothing to measure
 */
export async function doctor(context: Context, flags: DoctorFlags): Promise<Outcome> {
  context.progress('looking for adapters …');
  const { diagnose } = await import('../runtime/device/index.js');
  const diagnosis = await diagnose();
  const { colors, adapter } = context;
  const wanted = adapter === 'auto' ? diagnosis.auto !== undefined : diagnosis.adapters.some(isFound(adapter));
  const lines = [
    `${diagnosis.platform}, Node ${diagnosis.node}`,
    '',
    ...diagnosis.adapters.flatMap((finding) => [...findingLines(finding, colors), '']),
    diagnosis.auto === undefined
      ? colors.red('No adapter serves; `recurve run --reference` works without one.')
      : `--adapter auto takes ${colors.bold(diagnosis.auto)} here.`,
  ];
  const outcome = { document: { ok: wanted, ...diagnosis }, text: lines.join('\n'), exitCode: wanted ? 0 : 1 } as const;
  if (flags.roofline !== true) return outcome;
  const { measureRoofline, rooflineText } = await import('./roofline.js');
  const measured = await measureRoofline(context);
  return {
    document: { ...outcome.document, roofline: { ...measured.record, file: measured.file } },
    text: `${outcome.text}\n\n${rooflineText(measured)}`,
    exitCode: outcome.exitCode,
  };
}

function isFound(choice: string) {
  return (finding: AdapterFinding) => finding.choice === choice && finding.status === 'found';
}

function findingLines(finding: AdapterFinding, colors: Context['colors']): string[] {
  const { choice, report, reason, prescription, evidence } = finding;
  const proof = evidence.map((line) => `  ${line}`);
  if (report === undefined) {
    return [
      `${colors.red('missing')}  ${colors.bold(choice)}: ${reason ?? 'not found'}`,
      ...proof,
      ...(prescription === undefined ? [] : [`  to get it: ${prescription}`]),
    ];
  }
  const limits = Object.entries(report.limits).map(([name, value]) => `    ${name} ${value}`);
  return [
    `${colors.green('found')}    ${colors.bold(choice)}: ${report.name}`,
    ...(report.driver === undefined ? [] : [`  driver: ${report.driver}`]),
    `  subgroups of ${report.subgroup.min} to ${report.subgroup.max}`,
    `  features: ${report.features.join(', ') || 'none'}`,
    '  limits:',
    ...limits,
    ...proof,
  ];
}
