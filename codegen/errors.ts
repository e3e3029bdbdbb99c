/**
 * Errors a person can act on. Every one carries a stable code, what was found and what to do;
 * the command line prints them without a stack trace and exits with `exitCode`.
 */
import type { ErrorCode } from './error-codes.js';

/** With what the command line ends: 1 a check failed, 2 bad usage or input, 3 no usable adapter or the device was lost. */
export type ExitCode = 1 | 2 | 3;

/** What an error says. */
export interface ErrorDetail {
  /** Stable; `ERROR_CODES` says what each means. */
  readonly code: ErrorCode;
  /** What was found, one sentence. */
  readonly message: string;
  /** What to write or do instead. */
  readonly fix: string;
  /** Which part of the input it is about: a path, a tensor's name, an option. */
  readonly where: string;
  /** 1 a check failed, 2 bad usage or input (the default), 3 no adapter or device lost. */
  readonly exitCode?: ExitCode;
}

/**
 * A mistake that its user can mend. `instanceof RecurveError` tells it from a defect of recurve, which is a plain
 * `Error`.
 */
export class RecurveError extends Error {
  /** `SpecError` has it, too: tell them apart by `instanceof`. */
  override readonly name = 'RecurveError';
  /** Stable; `ERROR_CODES` says what each means. */
  readonly code: ErrorCode;
  /** What to write or do instead. */
  readonly fix: string;
  /** Which part of the input it is about: a path, a tensor's name, an option. */
  readonly where: string;
  /** With what the command line ends because of it. */
  readonly exitCode: ExitCode;

  /** `options.cause` is the error behind it, if there is one. */
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
  /** Stable: `SPEC-*`, and others that a spec can meet. */
  readonly code: ErrorCode;
  /** What was found, one sentence. */
  readonly message: string;
  /** What to write instead. */
  readonly fix: string;
  /** The spec's path as it was given, or that of a helper it imports. */
  readonly file: string;
  /** Counted from 1, as is `column`. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units, as editors do. */
  readonly column: number;
  /** Length of the marked text on that line, at least 1. */
  readonly length: number;
  /** The whole source line, for the caret. */
  readonly sourceLine: string;
}

/** Every mistake of one spec file at once. */
export class SpecError extends RecurveError {
  /** At least one, in the order of their places; what may follow from others is behind them. */
  readonly diagnostics: readonly Diagnostic[];

  /** @param diagnostics at least one */
  constructor(diagnostics: readonly Diagnostic[]) {
    const [first] = diagnostics;
    if (first === undefined) throw new Error('a spec without mistakes is no error');
    const { code, message, fix, file, line, column } = first;
    super({ code, message: `${file}:${line}:${column} ${message}`, fix, where: file });
    this.diagnostics = diagnostics;
  }
}

/** Marks a branch that the types say cannot be reached: a defect of ours if it ever is. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
