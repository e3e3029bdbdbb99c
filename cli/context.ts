/** What every command gets, and what it gives back. */
import pc from 'picocolors';
import { visible, visibleLines } from '../codegen/visible.js';
import type { AdapterChoice } from '../runtime/device/index.js';
import type { Io } from './io.js';
import type { CliExit } from './report.js';

/** A command's result: `--json` prints the document, otherwise, or where there is none, the text is printed. */
export interface Outcome {
  readonly document?: unknown;
  readonly text: string;
  /** Default 0. */
  readonly exitCode?: CliExit;
}

export type Colors = ReturnType<typeof pc.createColors>;

export interface Context {
  readonly io: Io;
  readonly adapter: AdapterChoice;
  readonly colors: Colors;
  /** One line on stderr that stays. */
  note(line: string): Promise<void>;
  /** One line on stderr that the next one replaces. Where stderr is no terminal: one of them every ten seconds, which stays. */
  progress(line: string): void;
  clearProgress(): void;
}

function wantsColors({ stdout, env }: Io): boolean {
  return stdout.isTTY && env.NO_COLOR === undefined;
}

/** What picocolors writes for `bold`, `dim`, `red` and `green`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the one sequence that may reach a terminal
const OWN_COLORS = /(\u001b\[(?:1|2|22|31|32|39)m)/;

/** Text for stdout, in which only our own colours are obeyed by a terminal, whatever names and files are in it. */
export function shownText(text: string, io: Io): string {
  if (!wantsColors(io)) return visibleLines(text);
  return text
    .split(OWN_COLORS)
    .map((part, index) => (index % 2 === 1 ? part : visibleLines(part)))
    .join('');
}

/** Of lines of progress in a log: seldom enough for a file, often enough to see that work goes on. */
const BETWEEN_LINES_MS = 10_000;

export function createContext(io: Io, adapter: AdapterChoice): Context {
  let shown = false;
  const now = io.now ?? (() => performance.now());
  let told = now();
  const clearProgress = () => {
    if (shown) void io.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    io,
    adapter,
    colors: pc.createColors(wantsColors(io)),
    async note(line) {
      clearProgress();
      await io.stderr.write(`${visible(line)}\n`);
    },
    progress(line) {
      if (!io.stderr.isTTY) {
        if (now() - told < BETWEEN_LINES_MS) return;
        told = now();
        void io.stderr.write(`${visible(line)}\n`);
        return;
      }
      shown = true;
      void io.stderr.write(`\r\x1b[K${visible(line).slice(0, 100)}`);
    },
    clearProgress,
  };
}
