/** Lines of a byte stream, read only as fast as they are used. */

/** Yields each line without its line break, the last one also without one. Bytes that are not UTF-8 become U+FFFD. */
export async function* splitLines(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  // Pieces of an unfinished line are kept apart: joining them at every chunk would make a long line quadratic.
  let pieces: Uint8Array[] = [];
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      pieces.push(bytes.subarray(start, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      start = end + 1;
    }
    if (start < bytes.length) pieces.push(bytes.subarray(start));
  }
  if (pieces.length > 0) yield Buffer.concat(pieces).toString('utf8');
}
