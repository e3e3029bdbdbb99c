/** How a failure leaves the program: one or two lines, or one JSON document; never a stack unless asked for. */
import { type Diagnostic, RecurveError, SpecError } from '../codegen/errors.js';
import { visible, visibleJson, visibleLines } from '../codegen/visible.js';
import type { Io } from './io.js';
import { displayPath } from './paths.js';

export type CliExit = 0 | 1 | 2 | 3;

export interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly fix: string;
    readonly where: string;
    readonly diagnostics?: readonly Diagnostic[];
  };
}

/** The error as `--json` gives it. Anything but a RecurveError is a defect of ours, code `INTERNAL`. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof SpecError) {
    const { code, message, fix, where, diagnostics } = error;
    return { error: { code, message: oneLine(message), fix, where, diagnostics } };
  }
  if (error instanceof RecurveError) {
    return { error: { code: error.code, message: oneLine(error.message), fix: error.fix, where: error.where } };
  }
  return { error: { code: 'INTERNAL', message: oneLine(text(error)), fix: REPORT, where: 'recurve' } };
}

/** Prints the error, on stdout with `--json` and on stderr without, and gives the exit code. */
export async function reportError(error: unknown, io: Io, form: 'json' | 'text'): Promise<CliExit> {
  if (io.env.RECURVE_DEBUG === '1' && error instanceof Error)
    await io.stderr.write(`${visibleLines(error.stack ?? error.message)}\n`);
  if (form === 'json') {
    await io.stdout.write(`${visibleJson(JSON.stringify(errorDocument(error)))}\n`);
  } else {
    await io.stderr.write(`${await errorText(error, io)}\n`);
  }
  return error instanceof RecurveError ? error.exitCode : 1;
}

async function errorText(error: unknown, io: Io): Promise<string> {
  if (error instanceof SpecError) {
    const { formatDiagnostic } = await import('../codegen/frontend/index.js');
    const shown = error.diagnostics.map((diagnostic) =>
      formatDiagnostic({ ...diagnostic, file: displayPath(diagnostic.file, io.cwd) }),
    );
    const count = shown.length === 1 ? '1 mistake' : `${shown.length} mistakes`;
    return [...shown, `error ${error.code}: ${count} in the spec`].join('\n\n');
  }
  if (error instanceof RecurveError) {
    return `error ${error.code}: ${oneLine(error.message)}\nfix: ${oneLine(error.fix)}`;
  }
  return `internal error: ${oneLine(text(error))}\n${REPORT}`;
}

const REPORT = 'This is a defect of recurve; please report it with the stack that RECURVE_DEBUG=1 prints.';

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function oneLine(message: string): string {
  const line = visible(message.replace(/\s+/g, ' ').trim());
  return line.length > 500 ? `${line.slice(0, 497)}...` : line;
}
