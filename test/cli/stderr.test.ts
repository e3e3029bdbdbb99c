/** What Dawn prints by itself, and what of it a person sees. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { WithoutWarnings } from '../../runtime/device/shield.js';
import { lavapipeManifests } from '../../runtime/device/vulkan.js';
import { scratchFolder } from './harness.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const cwd = scratchFolder();

/** A command in a shell, whose pipes are pipes; those that Node makes are sockets. */
const shell = (script: string, ...argv: readonly string[]) =>
  spawnSync('bash', ['-c', `set -o pipefail; ${script}`, '-', process.execPath, ...argv], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: cwd },
  });

const warning = (kind: string, from = 1_000_000) =>
  `Warning: maxDynamic${kind}BuffersPerPipelineLayout artificially reduced from ${from} to 16 to fit dynamic offset allocation limit.`;

/** Whether a process is there, and not only what is left of it until its parent asks. */
function runs(pid: string | undefined): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, 'utf8'));
}

/** A program that shields a request in which a native library prints these lines, and says what comes of it and after. */
function program(lines: readonly string[], request = '7'): string {
  const path = join(cwd, 'native.mjs');
  writeFileSync(
    path,
    `import { writeSync } from 'node:fs';
     import { shielded, shieldStderr } from ${JSON.stringify(`${DIST}runtime/device/shield.js`)};
     shieldStderr();
     const print = (text) => writeSync(2, text + '\\n');
     print('before');
     for (const round of [1, 2]) {
       try {
         print(String(shielded(() => { ${JSON.stringify(lines)}.forEach(print); return ${request}; })));
       } catch (error) { print(error.message); }
     }
     process.stderr.write('after\\n');`,
  );
  return path;
}

describe.skipIf(process.platform !== 'linux')('stderr', () => {
  it.skipIf(lavapipeManifests().length === 0)('has what the command says, and not the warnings of Dawn about limits', () => {
    const argv = [`${DIST}cli/main.js`, 'run', 'rnn', '--random', '--dims', 'T=2,B=1,I=2,H=2', '--adapter', 'lavapipe'];
    const { status, stdout } = shell('"$@" 2>&1 >/dev/null | cat', ...argv);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Drawn with --seed 1, .*\n$/) });
  });

  it.skipIf(lavapipeManifests().length === 0)(
    'has them neither where it is a file, a file that stdout shares, or a socket',
    () => {
      const argv = [`${DIST}cli/main.js`, 'run', 'rnn', '--random', '--dims', 'T=2,B=1,I=2,H=2', '--adapter', 'lavapipe'];
      expect(shell('"$@" 2>err >out', ...argv).status).toBe(0);
      const drawn = expect.stringMatching(/^Drawn with --seed 1, .*\n$/);
      expect(readFileSync(join(cwd, 'err'), 'utf8')).toEqual(drawn);
      expect(JSON.parse(readFileSync(join(cwd, 'out'), 'utf8'))).toHaveProperty('outputs');
      expect(shell('{ echo first; "$@" >/dev/null; echo last; } >both 2>&1', ...argv).status).toBe(0);
      expect(readFileSync(join(cwd, 'both'), 'utf8').split('\n')).toEqual([
        'first',
        expect.stringMatching(/^Drawn with /),
        'last',
        '',
      ]);
      const { stderr, status } = spawnSync(process.execPath, argv, { cwd, encoding: 'utf8' });
      expect({ stderr, status }).toEqual({ stderr: drawn, status: 0 });
    },
  );

  it('has what a command says whose stderr is relayed, however it is cut, and its end', async () => {
    const whole = `one${warning('Uniform')}\nWarning: maxDy\n${warning('Uniform')}\nWarning: max ü\n${warning('Storage')} Or so.\n${warning('Storage')}`;
    for (const size of [1, 7, 1000]) {
      const relayed = new WithoutWarnings();
      const bytes = Buffer.from(whole);
      for (let at = 0; at < bytes.length; at += size) relayed.write(bytes.subarray(at, at + size));
      relayed.end();
      const expected = `one${warning('Uniform')}\nWarning: maxDy\nWarning: max ü\n${warning('Storage')} Or so.\n${warning('Storage')}`;
      expect(Buffer.concat(await relayed.toArray()).toString()).toBe(expected);
    }
  });

  it('is relayed to the end: exit codes, what is read, and signals', async () => {
    const main = `${DIST}cli/main.js`;
    expect(spawnSync(process.execPath, [main, 'nonsense'], { cwd, encoding: 'utf8' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('nonsense'),
    });
    const request = spawnSync(process.execPath, [main, 'run', 'rnn', '--data', '-'], { cwd, encoding: 'utf8', input: '{"dims"' });
    expect(request).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('JSON') });
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = spawn(process.execPath, [main, 'run', 'rnn', '--data', '-'], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const [own] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
      expect(runs(own)).toBe(true);
      const closed = new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
      child.kill(signal);
      expect(await closed).toBe(signal);
      await vi.waitFor(() => expect(runs(own)).toBe(false), 5000);
    }
  });

  it('loses nothing else that a driver prints while an adapter is asked for', () => {
    const lines = ['one', warning('Uniform'), warning('Storage', 500_000), `${warning('Storage')} Or so.`, 'two'];
    const { status, stdout } = shell('"$@" 2>&1 >/dev/null | cat', program(lines));
    const round = ['one', `${warning('Storage')} Or so.`, 'two', '7'];
    expect({ status, lines: stdout.split('\n') }).toEqual({ status: 0, lines: ['before', ...round, ...round, 'after', ''] });
    expect(readdirSync(cwd).filter((name) => name.startsWith('recurve-stderr'))).toEqual([]);
  });

  it('is itself again where the request fails', () => {
    const { stdout } = shell('"$@" 2>&1 >/dev/null | cat', program([warning('Uniform')], "(() => { throw new Error('no') })()"));
    expect(stdout).toBe('before\nno\nno\nafter\n');
  });

  it('is left alone where it is a file, whose position it shares with stdout', () => {
    const path = program([warning('Uniform')]);
    expect(shell('"$@" >log 2>&1', path).status).toBe(0);
    const all = ['before', warning('Uniform'), '7', warning('Uniform'), '7', 'after', ''];
    expect(readFileSync(join(cwd, 'log'), 'utf8').split('\n')).toEqual(all);
  });

  it('may be closed, or without a reader', () => {
    const path = join(cwd, 'asks.mjs');
    writeFileSync(
      path,
      `import { shielded, shieldStderr } from ${JSON.stringify(`${DIST}runtime/device/shield.js`)};
       shieldStderr();
       process.exitCode = shielded(() => 7);`,
    );
    expect(shell('"$@" 2>&-', path).status).toBe(7);
    shell('{ sleep 0.3; "$@" 2>&1 >/dev/null; echo $? > code; } | true', path);
    expect(readFileSync(join(cwd, 'code'), 'utf8')).toBe('7\n');
  });

  it('is a terminal still', () => {
    const { stdout } = shell(`script -qec "$1 $2" /dev/null </dev/null`, program([warning('Uniform'), 'one']));
    expect(stdout.replaceAll('\r', '').split('\n')).toEqual(['before', 'one', '7', 'one', '7', 'after', '']);
  });
});
