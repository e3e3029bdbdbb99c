import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../cli/lines.js';
import { LeastRecentlyUsed } from '../../cli/lru.js';
import { bytes } from './harness.js';

async function linesOf(...chunks: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(bytes(...chunks))) lines.push(line);
  return lines;
}

describe('lines', () => {
  it('are the same however the stream is cut, characters of several bytes included', async () => {
    const text = fc.array(fc.constantFrom('a', '\n', 'é', '日', '😀', '')).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (whole, size) => {
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        const encoded = Buffer.from(whole);
        async function* cut() {
          for (let at = 0; at < encoded.length; at += size) yield encoded.subarray(at, at + size);
        }
        const lines: string[] = [];
        for await (const line of splitLines(cut())) lines.push(line);
        expect(lines).toEqual(expected);
      }),
    );
  });

  it('need no line break at the end', async () => {
    expect(await linesOf('one\ntw', 'o')).toEqual(['one', 'two']);
    expect(await linesOf('')).toEqual([]);
  });
});

describe('the cache of plans', () => {
  it('disposes of what was not used for longest, and of nothing else', async () => {
    const disposed: string[] = [];
    const cache = new LeastRecentlyUsed<string>(2, (value) => disposed.push(value));
    const get = (key: string) => cache.get(key, async () => key);
    for (const key of ['a', 'b', 'a', 'c']) await get(key);
    expect(disposed).toEqual(['b']);
    await expect(cache.get('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    cache.clear();
    expect(disposed).toEqual(['b', 'a', 'c']);
  });
});
