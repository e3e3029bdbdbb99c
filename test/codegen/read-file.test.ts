import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RecurveError } from '../../codegen/errors.js';
import { parseCell } from '../../codegen/frontend/index.js';
import { FileFault, faultOf, MOST_BYTES, readRegularFile, readUserFile, sizeText } from '../../codegen/read-file.js';

const folder = mkdtempSync(join(tmpdir(), 'recurve-read-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

function fault(path: string, most?: number): string {
  try {
    readRegularFile(path, most);
  } catch (error) {
    if (error instanceof FileFault) return `${error.kind}: ${error.reason}`;
    throw error;
  }
  throw new Error(`${path} was read`);
}

describe('a file that a user names', () => {
  it('is read whole, through a link too', () => {
    writeFileSync(at('a'), 'text');
    symlinkSync('a', at('link'));
    expect(Buffer.from(readRegularFile(at('link'))).toString()).toBe('text');
    writeFileSync(at('empty'), '');
    expect(readRegularFile(at('empty'))).toHaveLength(0);
  });

  it.skipIf(process.platform !== 'linux')('is read whole where the system says that it has no size', () => {
    expect(Buffer.from(readRegularFile('/proc/self/status')).toString()).toMatch(/^Name:/);
    expect(fault('/proc/self/status', 10)).toMatch(/^too large: is too large: \d+.* KiB|bytes, and at most 10 bytes are read$/);
  });

  it('that is none is refused by what it is, before it is opened', async () => {
    expect(fault(folder)).toBe('folder: is a folder');
    expect(fault(at('gone'))).toBe('missing: cannot be read: no such file or directory');
    writeFileSync(at('b'), '');
    expect(fault(join(at('b'), 'c'))).toBe('missing: cannot be read: not a directory');
    symlinkSync('loop', at('loop'));
    expect(fault(at('loop'))).toBe('unreadable: cannot be read: too many symbolic links encountered');
    expect(fault(at('n'.repeat(300)))).toBe('unreadable: cannot be read: name too long');
    expect(fault(at('z\0z'))).toBe('missing: cannot be read: a path cannot hold a zero byte');
    expect(faultOf(at('z\0z'))?.kind).toBe('missing');
    expect(faultOf(at('b'))).toBeUndefined();
  });

  it.skipIf(process.platform === 'win32')('that is a pipe, a socket or a device is not waited for', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(fault(at('pipe'))).toBe('special: is a pipe, not a regular file');
    symlinkSync('pipe', at('to-pipe'));
    expect(fault(at('to-pipe'))).toBe('special: is a pipe, not a regular file');
    expect(fault('/dev/zero')).toBe('special: is a device, not a regular file');
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(fault(at('socket'))).toBe('special: is a socket, not a regular file');
    server.close();
  });

  it('that is larger than what can be borne is not read', () => {
    writeFileSync(at('sparse'), '');
    truncateSync(at('sparse'), 100 * 2 ** 30);
    expect(fault(at('sparse'))).toBe('too large: is too large: 100 GiB, and at most 2 GiB are read');
    writeFileSync(at('eleven'), 'x'.repeat(11));
    expect(fault(at('eleven'), 10)).toBe('too large: is too large: 11 bytes, and at most 10 bytes are read');
    expect(readRegularFile(at('eleven'), 11)).toHaveLength(11);
    expect(MOST_BYTES).toBe(2 ** 31 - 1);
  });

  it('is told by the name that the user knows, made visible', () => {
    const path = at('owned\u001b]0;\n');
    mkdirSync(path);
    expect(() => readUserFile(path, { code: 'DATA-FILE', fix: 'Give a file.', source: 'owned\u001b]0;\n' })).toThrowError(
      expect.objectContaining({
        code: 'DATA-FILE',
        message: 'owned\\u{1b}]0;\\u{a} is a folder',
        fix: 'Give a file.',
        exitCode: 2,
      }),
    );
    expect(() => readUserFile(path, { code: 'DATA-FILE', fix: '' })).toThrow(RecurveError);
  });

  it.skipIf(process.platform !== 'linux')('as a spec is refused by what it is, too', () => {
    const refused = (path: string) => {
      try {
        parseCell(path);
      } catch (error) {
        if (error instanceof RecurveError) return error.code;
        throw error;
      }
      return 'parsed';
    };
    expect(refused('/dev/null')).toBe('SPEC-NOT-A-FILE');
    expect(refused(at(`${'x'.repeat(300)}.cell.ts`))).toBe('SPEC-UNREADABLE');
  });

  it('keeps no descriptor open, whether it is read or refused', () => {
    const lowest = () => {
      const descriptor = openSync(at('a'), 'r');
      closeSync(descriptor);
      return descriptor;
    };
    const before = lowest();
    for (let round = 0; round < 50; round++) {
      readRegularFile(at('a'));
      fault(at('sparse'));
    }
    expect(lowest()).toBe(before);
    expect(() => readSync(before, Buffer.alloc(1))).toThrow();
  });

  it('has its size told in the unit that fits', () => {
    expect([0, 1, 1023, 1024, 1536, 2 ** 20, MOST_BYTES, 2 ** 40].map(sizeText)).toEqual([
      '0 bytes',
      '1 bytes',
      '1023 bytes',
      '1 KiB',
      '1.5 KiB',
      '1 MiB',
      '2 GiB',
      '1 TiB',
    ]);
  });
});
