import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { measureInTurns } from '../../bench/measure.js';
import { agreementOf } from '../../bench/peers/agreement.js';
import { openTorch } from '../../bench/peers/torch/index.js';
import { randomData } from '../../runtime/random.js';
import { besideOurs, type Case, computesOurs, refuses } from './beside.js';
import { cellOf } from './cells.js';

const SIZES = { T: 3, B: 2, I: 3, H: 4 };
const MODULES: readonly Case[] = [
  ['rnn', { activation: 'relu' }],
  ['lstm', {}],
  ['gru', {}],
];
const LOOPS: readonly Case[] = [...MODULES.slice(1), ['gru', { reset: 'before', candidateActivation: 'relu' }]];
const STAND_IN = [process.execPath, fileURLToPath(new URL('torch-stand-in.mjs', import.meta.url))] as const;

/** PyTorch where this machine has it, and everywhere what stands in for it. */
const found = await openTorch('torch');
if (typeof found !== 'string') found.close();
const hosts = [['a stand-in', STAND_IN] as const, ...(typeof found === 'string' ? [] : [['PyTorch', undefined] as const])];

describe.each(hosts)('the peer torch on %s', (_, command) => {
  const beside = besideOurs(SIZES, () => openTorch('torch', command));

  computesOurs(beside, MODULES);
  refuses(beside, [
    ['lstm', { outputActivation: 'relu' }, 'torch.nn.LSTM has no activation relu there'],
    ['gru', { candidateActivation: 'sigmoid' }, 'torch.nn.GRU has no activation sigmoid there'],
    ['rnn', { activation: 'sigmoid' }, 'torch.nn.RNN has no activation sigmoid there'],
    ['gru', { reset: 'before' }, 'torch.nn.GRU resets after the product, not before'],
    ['lstm', { peepholes: true }, 'peepholes is not written in its operations'],
  ]);
});

describe.each(hosts)('the peer torch-loop on %s', (_, command) => {
  const beside = besideOurs(SIZES, () => openTorch('torch-loop', command));

  computesOurs(beside, LOOPS);
  refuses(beside, [['rnn', { activation: 'elu' }, 'the activation elu is not written in its operations']]);
});

describe('the peer torch-compile', () => {
  const beside = besideOurs(SIZES, () => openTorch('torch-compile', STAND_IN));
  const lstm = () => {
    const { signature } = cellOf('lstm', {});
    return beside.layer(signature, randomData(signature, SIZES, { h: ['H'] }, { seed: 1 }));
  };

  it('says where it runs, and how long the first runs took, which compile', async () => {
    const layer = lstm();
    await layer.forward();
    await layer.forwardBackward?.();
    layer.dispose();
    expect(layer.note).toBe(
      'torch.compile of a loop over steps in its operations, PyTorch 2.0 on the processor, 1 thread; timed in Python until the device is ' +
        'done, forward without autograd; the first runs, which compile them, took 0.0 s forward, 0.0 s forward and backward',
    );
  });

  it("is timed by its own clock: what the bench and it say to each other is in no one's time", async () => {
    const layer = lstm();
    const contender = { name: 'forward', run: () => layer.forward(), lastMs: () => layer.lastMs };
    const [timing] = await measureInTurns([contender], { warmups: 1, minRounds: 3, maxRounds: 3, budget: 0 });
    layer.dispose();
    expect(timing?.all).toEqual([0.5, 0.5, 0.5]);
  });

  it('is not there where its PyTorch is too old', async () => {
    const old = says('console.log(`{ "torch": "1.13.1", "threads": 2, "compiles": false }`); process.stdin.resume()');
    expect(await openTorch('torch-compile', old)).toBe('PyTorch 1.13.1 has no torch.compile; install version 2 or newer');
  });
});

describe('a PyTorch that cannot be asked', () => {
  const HELLO = 'console.log(`{ "torch": "2.0", "threads": 1 }`);';

  it.each([
    [
      'is not installed',
      says('console.log(`{ "missing": "No module named torch" }`)'),
      /^its python3 does not load it \(No module /,
    ],
    [
      'has no Python',
      ['no-program-of-this-name'] as const,
      /^no-program-of-this-name does not start: spawn .* ENOENT; pip install/,
    ],
    ['ends', says('console.error("out of\\nmemory"); process.exit(7)'), /^\S+ ended with code 7: memory; pip install torch/],
    [
      'prints something else',
      says('console.log("Hello\\u0007"); process.stdin.resume()'),
      /no object in JSON: Hello\\u\{7\}; pip/,
    ],
    ['is not PyTorch', says('console.log("{}"); process.stdin.resume()'), /^\S+ does not say which PyTorch it has; pip/],
  ] as const)('is told in one sentence where it %s', async (_, command, reason) => {
    expect(await openTorch('torch', command)).toMatch(reason);
  });

  it('is told, and ended, where it says nothing in time', async () => {
    const silent = says('process.stdin.resume()');
    expect(await openTorch('torch', silent, 0.5)).toMatch(/^\S+ gave no answer within 0\.5 s; pip install torch/);
  });

  it.each([
    ['breaks off', `${HELLO} process.stdin.once('data', () => process.exit(1))`, /ended with code 1$/],
    [
      'cannot do it',
      `${HELLO} process.stdin.on('data', () => console.log('{ "error": "RuntimeError: no compiler" }'))`,
      /says: RuntimeError/,
    ],
    ['answers something else', `${HELLO} process.stdin.on('data', () => console.log('{}'))`, /answered without a tensor/],
  ])('has no times where it %s at a layer', async (_, program, reason) => {
    const peer = await openTorch('torch', says(program));
    if (typeof peer === 'string') throw new Error(peer);
    const { signature } = cellOf('lstm', {});
    const data = randomData(signature, SIZES, { h: ['H'] }, { seed: 1 });
    const layer = peer.layer(signature, SIZES, data);
    if (typeof layer === 'string') throw new Error(layer);
    const ours = { run: () => Promise.reject(new Error('ours is not run')) } as unknown as Parameters<typeof agreementOf>[1];
    expect(await agreementOf(layer, ours, data)).toMatch(reason);
    await expect(layer.forward()).rejects.toMatchObject({ code: 'PEER-FAILED', where: '--against' });
    layer.dispose();
    peer.close();
  });

  it('leaves no process behind', async () => {
    const peer = await openTorch('torch', says(`${HELLO.replace('2.0', `pid \${process.pid}`)} setInterval(() => {}, 1000)`));
    if (typeof peer === 'string') throw new Error(peer);
    const { signature } = cellOf('rnn', {});
    const layer = peer.layer(signature, SIZES, randomData(signature, SIZES, { h: ['H'] }, { seed: 1 }));
    if (typeof layer === 'string') throw new Error(layer);
    const pid = Number(/pid (\d+)/.exec(layer.note ?? '')?.[1]);
    expect(process.kill(pid, 0)).toBe(true);
    peer.close();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

/** A program in JavaScript in place of Python's. */
function says(program: string): readonly [string, ...string[]] {
  return [process.execPath, '-e', program];
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
