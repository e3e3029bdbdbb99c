import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines, TOO_LONG } from '../../cli/lines.js';
import { LeastRecentlyUsed } from '../../cli/lru.js';
import { bytes } from './harness.js';

const PLENTY = 1_000_000;

async function linesOf(stream: AsyncIterable<Uint8Array>, longest = PLENTY): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(stream, longest)) {
    lines.push(line === TOO_LONG ? 'too long' : Buffer.from(line).toString('utf8'));
  }
  return lines;
}

async function* cut(whole: string, size: number): AsyncGenerator<Uint8Array> {
  const encoded = Buffer.from(whole);
  for (let at = 0; at < encoded.length; at += size) yield encoded.subarray(at, at + size);
}

describe('lines', () => {
  it('are the same however the stream is cut, characters of several bytes included', async () => {
    const text = fc.array(fc.constantFrom('a', '\n', 'é', '日', '😀', '')).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (whole, size) => {
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await linesOf(cut(whole, size))).toEqual(expected);
      }),
    );
  });

  it('longer than allowed are told apart and dropped, however the stream is cut', async () => {
    const text = fc.array(fc.constantFrom('a', 'bcd', '\n', '0123456789')).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (whole, size) => {
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await linesOf(cut(whole, size), 7)).toEqual(expected.map((line) => (line.length > 7 ? 'too long' : line)));
      }),
    );
  });

  it('need no line break at the end', async () => {
    expect(await linesOf(bytes('one\ntw', 'o'))).toEqual(['one', 'two']);
    expect(await linesOf(bytes(''))).toEqual([]);
  });

  it('that never end are told while they go on', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.from('xxxx');
    }
    for await (const line of splitLines(endless(), 100)) {
      expect(line).toBe(TOO_LONG);
      break;
    }
  });

  it('keep little more than themselves, however small the pieces that they come in', async () => {
    const many = 400_000;
    async function* drops(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < many; count++) yield Buffer.from('x');
    }
    for await (const line of splitLines(drops(), PLENTY)) {
      if (line === TOO_LONG) throw new Error('too long');
      expect(line.length).toBe(many);
      expect(line.buffer.byteLength).toBeLessThanOrEqual(2 * many);
    }
  });
});

describe('the cache of plans', () => {
  it('disposes of what was not used for longest or was replaced, and of nothing else', () => {
    const disposed: string[] = [];
    const cache = new LeastRecentlyUsed<string>(2, (value) => disposed.push(value));
    for (const key of ['a', 'b', 'a', 'c']) cache.find(key) ?? cache.keep(key, key);
    expect(disposed).toEqual(['b']);
    expect(cache.find('b')).toBeUndefined();
    cache.keep('c', 'another c');
    expect(disposed).toEqual(['b', 'c']);
    cache.clear();
    expect(disposed).toEqual(['b', 'c', 'a', 'another c']);
  });
});
