import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from './harness.js';
import { goodRequest } from './requests.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const cwd = scratchFolder();

function recurve(argv: readonly string[], input?: string) {
  return spawnSync(process.execPath, [MAIN, ...argv], { cwd, encoding: 'utf8', input, timeout: 60_000 });
}

describe('the built program', () => {
  beforeAll(() => {
    if (!existsSync(MAIN)) throw new Error('build first: npm run build');
  });

  it('finds its cells from dist and exits with 0', () => {
    const { status, stdout, stderr } = recurve(['list', '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ cells: expect.arrayContaining([expect.objectContaining({ name: 'lstm' })]) });
  });

  it('exits with 2 and two lines for a mistake of the user', () => {
    const { status, stdout, stderr } = recurve(['check', 'ltsm']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  it('keeps stdout to one document whatever the driver prints, and exits by itself', () => {
    const data = JSON.stringify({ cell: 'rnn', ...goodRequest('rnn') });
    const { status, stdout } = recurve(['run', '--data', '-', '--out', '-', '--json'], `${data}\n${data}\n`);
    expect(status).toBe(0);
    const [first, second, ...more] = stdout.trimEnd().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(first ?? '')).toMatchObject({ ok: true });
    expect(second).toBe(first);
  });

  it('is not held up by a process that was killed while it wrote, and removes what that left', () => {
    const module = (name: string) => JSON.stringify(new URL(`../../dist/runtime/files/${name}.js`, import.meta.url).href);
    const killed = `
      import { applyChanges } from ${module('write-all')};
      import { withLock } from ${module('lock')};
      const first = { path: 'gen/rnn/plan.json', content: 'half', existing: 'replace' };
      const last = { path: 'gen/rnn/rnn.ts', get content() { process.kill(process.pid, 'SIGKILL'); }, existing: 'replace' };
      await withLock('gen', () => applyChanges({ writes: [first, last] }));`;
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', killed], { cwd, timeout: 60_000 });
    expect(signal).toBe('SIGKILL');
    const hidden = () =>
      readdirSync(join(cwd, 'gen'), { recursive: true, encoding: 'utf8' }).filter((path) => /(^|\/)\./.test(path));
    expect(hidden()).toHaveLength(2);
    // Another process's, and a user's own: they stay.
    const kept = [`.plan.json.${process.pid}.00000000-0000-0000-0000-000000000000.tmp`, '.mine.tmp'];
    for (const name of kept) writeFileSync(join(cwd, 'gen', 'rnn', name), '');
    const begin = Date.now();
    const { status, stderr } = recurve(['generate', 'rnn', '--out', 'gen', '--dims', 'T=3,B=2,I=3,H=5']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Date.now() - begin).toBeLessThan(20_000);
    expect(hidden().sort()).toEqual(kept.map((name) => join('rnn', name)).sort());
  });

  it('is quiet when the reader of its output goes away', async () => {
    const child = spawn(process.execPath, [MAIN, 'list'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('says so in two lines where its working folder is deleted, and does what needs none', () => {
    const inDeleted = (...argv: string[]) =>
      spawnSync('bash', ['-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', '-', process.execPath, MAIN, ...argv], {
        cwd,
        encoding: 'utf8',
      });
    const refused = inDeleted('inspect', 'lstm', '--stage', 'signature');
    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^error CWD-MISSING: .*\nfix: .*\n$/);
    expect(inDeleted('list', '--json')).toMatchObject({ status: 0, stderr: '' });
  });

  it.skipIf(process.platform !== 'linux')(
    'keeps the exit code of a failed check when nobody reads, and tells of a full disk',
    () => {
      const shell = (script: string) =>
        spawnSync('bash', ['-c', script, 'bash', process.execPath, MAIN], { cwd, encoding: 'utf8', timeout: 60_000 });
      const unread = shell('set -o pipefail; "$@" check gone.cell.ts --json | true');
      expect({ status: unread.status, stderr: unread.stderr }).toEqual({ status: 2, stderr: '' });
      const full = shell('"$@" inspect rnn --stage signature >/dev/full');
      expect(full.status).toBe(2);
      expect(full.stderr).toMatch(/^error OUT-WRITE: stdout cannot be written: no space left on device\nfix: .+\n$/);
      expect(shell('"$@" inspect rnn --stage signature >&- 2>&- <&-').status).toBe(0);
      expect(shell('"$@" check gone.cell.ts >&- 2>/dev/full').status).toBe(2);
    },
  );

  it('uses no colours where nobody looks', () => {
    expect(recurve(['list']).stdout).not.toContain('\u001b');
  });
});
