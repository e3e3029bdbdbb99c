/**
 * Reads files that a user names. A name may lead to anything: a pipe that nobody writes to, a device without an end, a
 * folder, a hundred gigabytes of nothing. Only a regular file of a bearable size is opened, and no more of it is read
 * than that, whatever happens to it meanwhile.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { type ErrorDetail, RecurveError } from './errors.js';
import { visible } from './visible.js';

/** What one buffer of every supported Node holds, and more than the weights of any recurrent layer. */
export const MOST_BYTES = 2 ** 31 - 1;

/** Why a file is not read: `reason` follows its name in a sentence. */
export class FileFault extends Error {
  override readonly name = 'FileFault';

  constructor(
    readonly kind: 'missing' | 'folder' | 'special' | 'too large' | 'unreadable',
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}

export interface OpenFile {
  readonly descriptor: number;
  /** Bytes at the time of opening. */
  readonly size: number;
}

/**
 * Opens a regular file, calls `use` and closes it.
 * @throws FileFault for what is none or cannot be opened; whatever `use` throws
 */
export function withRegularFile<R>(path: string, use: (file: OpenFile) => R): R {
  requireRegular(attempt(() => statSync(path)));
  // What the name leads to may have been exchanged since: opening must not wait for a writer, and is checked again.
  const descriptor = attempt(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
  try {
    const found = attempt(() => fstatSync(descriptor));
    requireRegular(found);
    return use({ descriptor, size: found.size });
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The bytes of a regular file.
 * @throws FileFault
 */
export function readRegularFile(path: string, most = MOST_BYTES): Uint8Array {
  return withRegularFile(path, ({ descriptor, size }) => {
    if (size > most) throw tooLarge(size, most);
    // What is written behind its end meanwhile is not read; the files of /proc say that they have no size.
    return size > 0 ? fill(descriptor, size) : fillUnsized(descriptor, most);
  });
}

/** How an error about a file is told. */
export interface FileErrorForm {
  readonly code: ErrorDetail['code'];
  readonly fix: string;
  /** The file's name in the message (default: its path). */
  readonly source?: string;
  readonly most?: number;
}

/**
 * `readRegularFile`, for callers that tell all its faults alike.
 * @throws RecurveError with the code given
 */
export function readUserFile(path: string, { code, fix, source = path, most }: FileErrorForm): Uint8Array {
  try {
    return readRegularFile(path, most);
  } catch (cause) {
    if (!(cause instanceof FileFault)) throw cause;
    throw new RecurveError({ code, message: `${visible(source)} ${cause.reason}`, fix, where: source }, { cause });
  }
}

/** What keeps a path from being read as a regular file; nothing is opened. */
export function faultOf(path: string): FileFault | undefined {
  try {
    requireRegular(attempt(() => statSync(path)));
    return undefined;
  } catch (fault) {
    if (fault instanceof FileFault) return fault;
    throw fault;
  }
}

/** The system's reason without its path and call: `no such file or directory`. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return visible(String(cause));
  if ('code' in cause && cause.code === 'ERR_INVALID_ARG_VALUE') return 'a path cannot hold a zero byte';
  return visible(/^[A-Z0-9_]+: ([^,]+)/.exec(cause.message)?.[1] ?? cause.message);
}

/** Whether the operating system refused, and not our own code. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'code' in error &&
    (('syscall' in error && 'errno' in error) || error.code === 'ERR_INVALID_ARG_VALUE')
  );
}

function attempt<V>(action: () => V): V {
  try {
    return action();
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    const missing = ['ENOENT', 'ENOTDIR', 'ERR_INVALID_ARG_VALUE'].includes(cause.code ?? '');
    throw new FileFault(missing ? 'missing' : 'unreadable', `cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

function requireRegular(found: Stats): void {
  if (found.isFile()) return;
  if (found.isDirectory()) throw new FileFault('folder', 'is a folder');
  throw new FileFault('special', `is ${kindOf(found)}, not a regular file`);
}

function kindOf(found: Stats): string {
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

function tooLarge(size: number, most: number): FileFault {
  return new FileFault('too large', `is too large: ${sizeText(size)}, and at most ${sizeText(most)} are read`);
}

/** `512 KiB`, `2 GiB`. */
export function sizeText(bytes: number): string {
  const steps = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let step = 0;
  for (let rest = bytes; rest >= 1023.5 && step < steps.length - 1; rest /= 1024) step++;
  return `${Math.round((bytes / 1024 ** step) * 10) / 10} ${steps[step]}`;
}

function allocate(size: number): Uint8Array {
  try {
    return Buffer.allocUnsafeSlow(size);
  } catch (cause) {
    throw new FileFault('too large', `is too large for the memory of this process: ${sizeText(size)}`, { cause });
  }
}

/** Up to `size` bytes, fewer where the file was cut short meanwhile. */
function fill(descriptor: number, size: number): Uint8Array {
  const bytes = allocate(size);
  let filled = 0;
  while (filled < size) {
    const count = attempt(() => readSync(descriptor, bytes, filled, size - filled, null));
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function fillUnsized(descriptor: number, most: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = fill(descriptor, 65_536);
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    length += piece.length;
    if (length > most) throw tooLarge(length, most);
  }
}
