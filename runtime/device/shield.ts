/**
 * Two warnings that Dawn prints of nearly every Vulkan driver, of limits that kernels of ours never come near, and that no
 * setting of Dawn's turns off. It prints them to the process's stderr itself, within the first request for an adapter.
 *
 * Node cannot catch what a native library prints, nor duplicate a descriptor. But the lowest free number is what the next file
 * gets: while the request runs, which is without a pause, descriptor 2 is a file of ours, and then the same terminal or pipe
 * again. What else was printed meanwhile is printed then.
 */
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';

const WARNING =
  /^Warning: maxDynamic(?:Uniform|Storage)BuffersPerPipelineLayout artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\r?\n/gm;

/** How a line begins that may become one of them. */
const BEGINNING = 'Warning: maxDynamic';

const STDERR = 2;
const HEARD = 'heard';

let shielding = false;

/** Keeps the warnings from the user from now on. For a process of our own: in another's, other threads open files, too. */
export function shieldStderr(): void {
  shielding = true;
}

/** Whether somebody reads its stderr from whom this process cannot keep them by itself: it is a file or a socket. */
export function needsRelay(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const stderr = fstatSync(STDERR);
    return stderr.isFile() || stderr.isSocket();
  } catch {
    return false;
  }
}

/** Passes on what a process prints on stderr, but for the warnings; a line that may become one is held until it ends. */
export class WithoutWarnings extends Transform {
  readonly #decoder = new StringDecoder('utf8');
  #held = '';
  /** Whether a part of the last line was passed on. */
  #begun = false;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const found = this.#held + this.#decoder.write(chunk);
    // What ends a line that was begun is no line by itself.
    const rest = this.#begun ? found.indexOf('\n') + 1 || found.length : 0;
    const text = found.slice(0, rest) + found.slice(rest).replaceAll(WARNING, '');
    const start = text.lastIndexOf('\n') + 1;
    const line = text.slice(start);
    const begun = this.#begun && start === 0;
    const holds = line !== '' && !begun && (line.startsWith(BEGINNING) || BEGINNING.startsWith(line));
    this.#held = holds ? line : '';
    if (text !== '') this.#begun = begun || (line !== '' && !holds);
    done(null, holds ? text.slice(0, start) : text);
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#held + this.#decoder.end());
  }
}

/** Makes a request for an adapter, which must not pause. */
export function shielded<T>(request: () => T): T {
  const mode = shielding ? reopenMode() : undefined;
  if (mode === undefined) return request();
  let folder: string | undefined;
  let kept: number | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'recurve-stderr-'));
    writeFileSync(join(folder, HEARD), '');
    kept = openSync(`/proc/self/fd/${STDERR}`, mode);
  } catch {
    // A terminal of another user, no /proc, no room: then the warnings are seen, which are harmless.
    remove(folder);
    return request();
  }
  const heard = join(folder, HEARD);
  const inPlace = put(() => openSync(heard, 'a'));
  try {
    return request();
  } finally {
    if (inPlace) put(() => reopened(`/proc/self/fd/${kept}`, mode));
    closeSync(kept);
    tell(inPlace ? readFileSync(heard, 'utf8').replaceAll(WARNING, '') : '');
    remove(folder);
  }
}

/**
 * How what stderr is can be opened once more; `undefined` for what must be left alone. A file has a position, which a second
 * opening would not share with stdout where both go to one; a socket cannot be opened.
 */
function reopenMode(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    if (isatty(STDERR)) return constants.O_RDWR | constants.O_NOCTTY;
    // Where nobody reads any more, opening would wait for ever without it.
    return fstatSync(STDERR).isFIFO() ? constants.O_WRONLY | constants.O_NONBLOCK : undefined;
  } catch {
    return undefined;
  }
}

/** Closes stderr and opens something else in its place; whether it got there, and not a file that another thread opened. */
function put(open: () => number): boolean {
  closeSync(STDERR);
  const opened = open();
  if (opened === STDERR) return true;
  closeSync(opened);
  return false;
}

/** A terminal or a reader may have gone meanwhile: number 2 must not be left for the next file. */
function reopened(path: string, mode: number): number {
  try {
    return openSync(path, mode);
  } catch {
    return openSync('/dev/null', 'w');
  }
}

/** What Dawn would have printed. A pipe may be full or without a reader, and the request has its result. */
function tell(text: string): void {
  try {
    if (text !== '') writeSync(STDERR, text);
  } catch {
    // Nobody hears it.
  }
}

function remove(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
