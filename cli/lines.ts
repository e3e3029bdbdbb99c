/** Lines of a byte stream, read only as fast as they are used, and kept only as far as a line may be long. */

/** What a line of more bytes than allowed is, as soon as it is: the rest of it is read and dropped. */
export const TOO_LONG = Symbol('a line longer than allowed');

/**
 * Yields the bytes of each line without its line break, the last one also without one. At most twice `longest` bytes are
 * kept, however the stream is cut into chunks.
 */
export async function* splitLines(
  stream: AsyncIterable<Uint8Array | string>,
  longest: number,
): AsyncGenerator<Uint8Array | typeof TOO_LONG> {
  let line = new UnfinishedLine();
  let dropping = false;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(LINE_BREAK, start);
      const end = found < 0 ? bytes.length : found;
      if (!dropping && line.length + end - start > longest) {
        line = new UnfinishedLine();
        dropping = true;
        yield TOO_LONG;
      }
      if (!dropping) line.append(bytes.subarray(start, end));
      if (found >= 0) {
        if (!dropping) yield line.bytes;
        line = new UnfinishedLine();
        dropping = false;
      }
      start = end + 1;
    }
  }
  if (line.length > 0) yield line.bytes;
}

const LINE_BREAK = 10;

/** Grows by doubling: chunks may be of one byte, and a buffer for each would take far more than the line. */
class UnfinishedLine {
  #buffer = new Uint8Array(0);
  length = 0;

  append(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.length);
    this.length = needed;
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }
}
