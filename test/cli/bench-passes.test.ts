/** `bench --passes`: what it prints, with and without a roofline of the adapter. */
import { expect, it } from 'vitest';
import { openDevice } from '../../runtime/device/index.js';
import { keepRoofline, recordOf } from '../../runtime/roofline/index.js';
import { ownCache } from '../roofline/cache.js';
import { RATES } from '../roofline/rooflines.js';
import { documentOf, recurve } from './harness.js';

ownCache();
const PASSES = ['bench', 'mgu', '--passes', '--dims', 'T=4,B=2,I=3,H=4', '--adapter', 'swiftshader'];

async function keepOne(): Promise<void> {
  const device = await openDevice('swiftshader');
  device.close();
  await keepRoofline(recordOf(device, RATES));
}

it('without a roofline shows what was measured, and says how to get the rest', async () => {
  const { code, stdout } = await recurve([...PASSES, '--strategy', 'stepwise,resident']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^mgu T=4,B=2,I=3,H=4, forward and backward: forward_loop stepwise, backward_loop stepwise\n/);
  expect(stdout).toContain('\nmgu T=4,B=2,I=3,H=4, forward and backward: forward_loop resident, backward_loop resident\n');
  expect(stdout).toMatch(/^pass +region +strategy +dispatches +ms +± +min +runs$/m);
  expect(stdout).toMatch(/^forward_loop_1_H +forward loop +stepwise +4 +[\d.]+ +[\d.]+ +[\d.]+ +\d+$/m);
  expect(stdout).toMatch(/^[\d.]+ ms pass by pass, [\d.]+ ms undivided \(± [\d.]+\): [\d.]+ times as long$/m);
  // Of the first alone, whose passes take turns.
  expect(stdout.split('Passes of a loop that take turns are timed at every dispatch')).toHaveLength(2);
  expect(stdout).toContain('`recurve doctor --roofline --adapter swiftshader` measures it');
});

it('with one puts predictions beside the times, in text and as a document', async () => {
  await keepOne();
  const { stdout } = await recurve(PASSES);
  expect(stdout).toMatch(/^pass .* runs +predicted ms +ratio +of the roof +bound by$/m);
  expect(stdout).toMatch(/^forward_loop .* [\d.]+ +[\d.]+ +\d+ % +(compute|memory|dispatch|barrier)$/m);
  expect(stdout).toMatch(/^Predicted by the roofline of SwiftShader .* of \d{4}-\d\d-\d\d\.$/m);
  const document = documentOf(await recurve([...PASSES, '--json']));
  const number = expect.any(Number);
  expect(document).toMatchObject({
    versions: { recurve: expect.any(String) },
    adapter: { kind: 'swiftshader' },
    roofline: { adapter: { kind: 'swiftshader' }, date: expect.any(String) },
    results: [
      {
        cell: 'mgu',
        dims: { T: 4, B: 2, I: 3, H: 4 },
        loops: { forward_loop: 'resident', backward_loop: 'resident' },
        sum: { median: number },
        whole: { median: number, all: expect.any(Array) },
        passes: expect.arrayContaining([
          {
            name: 'forward_loop',
            region: 'loop',
            direction: 'forward',
            strategy: 'resident',
            dispatches: 1,
            pairs: 1,
            timing: expect.objectContaining({ median: number, min: number, deviation: number }),
            predictedMs: number,
            bound: expect.stringMatching(/^(compute|memory|dispatch|barrier)$/),
            ratio: number,
            share: number,
          },
        ]),
      },
    ],
  });
});

it.each([
  ['--sweep'],
  ['--tune'],
  ['--report', 'there'],
  ['--compare', 'it.json'],
  ['--against', 'tfjs-webgpu'],
  ['--memory', '1MiB'],
])('refuses %s beside it, which times whole runs', async (...other) => {
  const ran = await recurve([...PASSES, ...other]);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  expect(ran.stderr).toContain(`option '--passes' cannot be used with option '${other[0]}`);
});

it('times a model', async () => {
  const ran = await recurve(['bench', 'stack', '--passes', '--dims', 'T=3,B=2,I=3,H=4', '--adapter', 'swiftshader', '--json']);
  expect(documentOf(ran)).toMatchObject({ roofline: null, results: [{ cell: 'stack' }] });
});

it('bench of whole runs says how near to the roofline they come, once there is one', async () => {
  const bench = ['bench', 'rnn', '--dims', 'T=4,B=2,I=3,H=4', '--adapter', 'swiftshader'];
  expect(documentOf(await recurve([...bench, '--json']))).not.toHaveProperty('roofline');
  await keepOne();
  const number = expect.any(Number);
  const reach = { intensity: number, predictedMs: number, roofMs: number, share: number };
  expect(documentOf(await recurve([...bench, '--json']))).toMatchObject({
    roofline: { rates: RATES },
    results: [{ reach: { forward: reach, forwardBackward: reach } }],
  });
  const { stdout } = await recurve(bench);
  expect(stdout).toMatch(/GFLOP\/s +of the roof\n/);
  expect(stdout).toMatch(/ [\d.]+ %\n.* [\d.]+ %$/m);
});
