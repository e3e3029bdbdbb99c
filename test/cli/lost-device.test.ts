/** A device that is lost while a command works on it: the tests destroy it behind the command's back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecurveDevice } from '../../runtime/device/index.js';
import { bytes, documentOf, recurve, scratchFolder } from './harness.js';
import { goodRequest } from './requests.js';

const cwd = scratchFolder();
const request = { cell: 'rnn', ...goodRequest('rnn') };
const line = `${JSON.stringify(request)}\n`;
const onSwiftShader = ['--adapter', 'swiftshader'];
writeFileSync(join(cwd, 'data.json'), JSON.stringify(request));

/** Loses the devices of these numbers, the first is 0, as soon as they are open. */
function losing(...numbers: readonly number[]) {
  let count = 0;
  return ({ device }: RecurveDevice) => {
    if (numbers.includes(count++)) device.destroy();
  };
}

describe('run', () => {
  const run = ['run', '--data', 'data.json', ...onSwiftShader];

  it('opens another device, says so, and gives the result as if nothing had happened', async () => {
    const calm = await recurve(run, { cwd });
    const lost = await recurve(run, { cwd, opened: losing(0) });
    expect(calm).toMatchObject({ code: 0, stderr: '' });
    expect(lost).toMatchObject({ code: 0, stdout: calm.stdout });
    expect(lost.stderr).toMatch(/^the device .* was lost: .*; it is opened again, and what was running is repeated\.\n$/);
  });

  it('exits with 3 when the second device is lost, too', async () => {
    const lost = await recurve([...run, '--json'], { cwd, opened: losing(0, 1) });
    expect(lost.code).toBe(3);
    expect(documentOf(lost)).toMatchObject({ error: { code: 'DEVICE-LOST', fix: expect.any(String) } });
  });
});

describe('a stream', () => {
  const stream = ['run', '--data', '-', ...onSwiftShader];

  it('answers all requests, in order, though the device is lost between two of them', async () => {
    const devices: RecurveDevice[] = [];
    async function* requests() {
      yield* bytes(line);
      devices[0]?.device.destroy();
      yield* bytes(line, line);
    }
    const ran = await recurve(stream, { cwd, stdin: requests(), opened: (device) => devices.push(device) });
    const [first, ...others] = ran.stdout.trimEnd().split('\n');
    expect(ran.code).toBe(0);
    expect(devices).toHaveLength(2);
    expect(JSON.parse(first ?? '')).toMatchObject({ ok: true });
    expect(others).toEqual([first, first]);
  });

  it('refuses the request that lost two devices, goes on with the next, and exits with 3', async () => {
    const ran = await recurve(stream, { cwd, stdin: bytes(line, line), opened: losing(0, 1) });
    const answers = ran.stdout
      .trimEnd()
      .split('\n')
      .map((answer) => JSON.parse(answer));
    expect(ran.code).toBe(3);
    expect(answers).toMatchObject([{ ok: false, error: { code: 'DEVICE-LOST' } }, { ok: true }]);
  });
});

describe('check', () => {
  const check = ['check', 'rnn', '--dims', 'T=2,B=1,I=2,H=3', '--set', 'activation=tanh', '--json', ...onSwiftShader];

  it('repeats the cell whose device was lost', async () => {
    const ran = await recurve(check, { cwd, opened: losing(0) });
    expect(ran.code).toBe(0);
    expect(documentOf(ran)).toMatchObject({ ok: true });
    expect(ran.stderr).toContain('was lost');
  });

  it('exits with 3 when the second device is lost, too', async () => {
    expect(await recurve(check, { cwd, opened: losing(0, 1) })).toMatchObject({ code: 3 });
  });
});
