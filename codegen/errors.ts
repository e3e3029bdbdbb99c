/**
 * Errors a person can act on. Every one carries a stable code, what was found and what to do;
 * the command line prints them without a stack trace and exits with `exitCode`.
 */
export type ExitCode = 1 | 2 | 3;

export interface ErrorDetail {
  /** Stable, upper case, e.g. `DATA-SHAPE`. */
  readonly code: string;
  /** What was found, one sentence. */
  readonly message: string;
  /** What to write or do instead. */
  readonly fix?: string;
  /** Which part of the input it is about: a path, a tensor's name, an option. */
  readonly where?: string;
  /** 1 a check failed, 2 bad usage or input (the default), 3 no adapter or device lost. */
  readonly exitCode?: ExitCode;
}

export class RecurveError extends Error {
  override readonly name = 'RecurveError';
  readonly code: string;
  readonly fix: string | undefined;
  readonly where: string | undefined;
  readonly exitCode: ExitCode;

  constructor(detail: ErrorDetail, options?: ErrorOptions) {
    super(detail.message, options);
    this.code = detail.code;
    this.fix = detail.fix;
    this.where = detail.where;
    this.exitCode = detail.exitCode ?? 2;
  }
}

/** A mistake in a spec file, at a place. */
export interface Diagnostic {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** Length of the marked text on that line, at least 1. */
  readonly length: number;
  /** The whole source line, for the caret. */
  readonly sourceLine: string;
}

/** Every mistake of one spec file at once. */
export class SpecError extends RecurveError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const first = diagnostics[0];
    super({
      code: first?.code ?? 'SPEC',
      message: first ? `${first.file}:${first.line}:${first.column} ${first.message}` : 'the spec has mistakes',
      fix: first?.fix,
      where: first?.file,
    });
    this.diagnostics = diagnostics;
  }
}

/** Marks a branch that the types say cannot be reached: a defect of ours if it ever is. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
