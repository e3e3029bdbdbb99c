/** Collects the mistakes of a spec file, each at its place and once, so that all are shown together. */
import { type Diagnostic, SpecError } from '../../errors.js';
import type { Span } from '../tree.js';
import type { SpecCode } from './codes.js';

export type Report = (code: SpecCode, span: Span, message: string, fix: string) => void;

/** Mutated and generated files can hold a mistake per character; a person reads the first ones. */
const MOST_DIAGNOSTICS = 100;

/** A use that could not be read leaves something unused: beside another mistake these are seldom the cause. */
const CONSEQUENCES: ReadonlySet<string> = new Set<SpecCode>(['SPEC-UNUSED-PARAM', 'SPEC-UNUSED-INPUT', 'SPEC-DIM-UNUSED']);

export class Diagnostics {
  readonly #sources = new Map<string, readonly string[]>();
  readonly #found = new Map<string, Diagnostic>();

  constructor(sources: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [file, lines] of Object.entries(sources)) this.#sources.set(file, lines);
  }

  /** Source lines of a file, for the carets. Files are shown in the order they are added. */
  addSource(file: string, lines: readonly string[]): void {
    this.#sources.set(file, lines);
  }

  /** Notes a mistake. One code at one place is one mistake, however often it is met. */
  readonly report: Report = (code, span, message, fix) => {
    const sourceLine = this.#sources.get(span.file)?.[span.line - 1] ?? '';
    const { file, line, column, length } = span;
    this.#add({ code, message, fix, file, line, column, length, sourceLine });
  };

  #add(diagnostic: Diagnostic): void {
    const { code, message, file, line, column, length } = diagnostic;
    // The names quoted in a message tell apart what is missing at one place; shapes and values may differ by options.
    const names = (message.match(/`[^`]*`/g) ?? []).join();
    const key = `${code} ${file}:${line}:${column}:${length} ${names}`;
    if (!this.#found.has(key) && this.#found.size < MOST_DIAGNOSTICS) this.#found.set(key, diagnostic);
  }

  /** Takes over mistakes of another file, which has been read on its own; they are shown behind those of this one. */
  absorb(diagnostics: readonly Diagnostic[]): void {
    for (const { code, message, fix, sourceLine, ...span } of diagnostics) {
      if (!this.#sources.has(span.file)) this.#sources.set(span.file, []);
      this.#add({ code, message, fix, sourceLine, ...span });
    }
  }

  has(...codes: SpecCode[]): boolean {
    return [...this.#found.values()].some(({ code }) => codes.some((wanted) => wanted === code));
  }

  get any(): boolean {
    return this.#found.size > 0;
  }

  /** All mistakes: what may follow from others last, then the spec file's own first, each file from top to bottom. */
  list(): readonly Diagnostic[] {
    const order = new Map([...this.#sources.keys()].map((file, index) => [file, index]));
    const rank = ({ code }: Diagnostic) => Number(CONSEQUENCES.has(code));
    return [...this.#found.values()].sort(
      (a, b) =>
        rank(a) - rank(b) || (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
    );
  }

  /** @throws SpecError with all of them, if there are any */
  throwIfAny(): void {
    if (this.any) throw new SpecError(this.list());
  }
}
