import { describe, expect, it } from 'vitest';
import { benchData } from '../../bench/bench.js';
import { openPeer } from '../../bench/peers/open.js';
import { recordGradients } from '../../bench/peers/per-op/adjoint.js';
import { openPerOp } from '../../bench/peers/per-op/index.js';
import { layOut } from '../../bench/peers/per-op/memory.js';
import { Places } from '../../bench/peers/per-op/places.js';
import { Tape } from '../../bench/peers/per-op/tape.js';
import { besideOurs, type Case, computesOurs, refuses } from './beside.js';
import { cellOf } from './cells.js';

const SIZES = { T: 3, B: 2, I: 5, H: 6 };
const CASES: readonly Case[] = [
  ['rnn', { activation: 'relu' }],
  ['lstm', {}],
  ['gru', { reset: 'after', candidateActivation: 'relu' }],
  ['gru', { reset: 'before', gateActivation: 'tanh' }],
];

describe('the peer per-op', () => {
  const beside = besideOurs(SIZES, (device) => openPeer('per-op', device));

  computesOurs(beside, CASES);
  refuses(beside, [
    ['lstm', { peepholes: true }, 'peepholes is not written in its operations'],
    ['rnn', { activation: 'elu' }, 'the activation elu is not written in its operations'],
    ['min-gru', {}, 'min-gru is not written in its operations'],
  ]);

  it('says how many operations it dispatches, and does so in one submission that makes nothing new', async () => {
    const { tree, signature } = cellOf('lstm', {});
    const layer = beside.layer(signature, benchData(tree, signature, SIZES));
    // The product of x, its bias and the first state; ten of a step: product, add, σ, tanh, ⊙, ⊙, add, σ, tanh, ⊙.
    expect(layer.note).toContain(`one dispatch for each operation, ${3 + 10 * SIZES.T} forward and `);
    const { device } = beside.device;
    const calls: string[] = [];
    const before = watch(device, ['createBuffer', 'createBindGroup', 'createComputePipeline'], calls);
    const queue = watch(device.queue, ['submit', 'writeBuffer'], calls);
    await layer.forward();
    await layer.forwardBackward?.();
    Object.assign(device, before);
    Object.assign(device.queue, queue);
    layer.dispose();
    expect(calls).toEqual(['submit', 'submit']);
  });

  it('has no layer where the device has no room for it', () => {
    const { tree, signature } = cellOf('rnn', {});
    const target = { ...beside.device.target, maxBindingBytes: 64 };
    const small = openPerOp({ ...beside.device, target });
    expect(small.layer(signature, SIZES, benchData(tree, signature, SIZES))).toMatch(
      /^what it keeps takes \d+ bytes, and the largest binding of this device is 64$/,
    );
  });
});

describe('the peer per-op on sizes that vectors of four divide', () => {
  computesOurs(
    besideOurs({ T: 2, B: 9, I: 4, H: 8 }, (device) => openPeer('per-op', device)),
    CASES.slice(1),
  );
});

describe('a tape', () => {
  const ROW = { rows: 1, columns: 4 };

  it('takes memory again that nothing reads any more, and never reads a buffer that it writes', () => {
    const tape = new Tape();
    const leaf = { ...ROW };
    let last = tape.copy(leaf);
    for (let at = 0; at < 10; at++) last = tape.add(tape.copy(last), leaf);
    const places = new Places(tape.operations, new Set([leaf]));
    const memory = layOut(places, [leaf], [last]);
    expect(memory.sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(4 * ROW.columns);
    for (const { operands, result } of places.computed) {
      const read = operands.map((operand) => memory.of(operand).buffer);
      expect(read).not.toContain(memory.of(result).buffer);
    }
  });

  it('makes parts in their whole, and copies those that lie elsewhere alone', () => {
    const tape = new Tape();
    const leaf = { ...ROW };
    const parts = [tape.copy(leaf), tape.copy(leaf)] as const;
    const whole = tape.concat('concatRows', parts);
    const again = tape.concat('concatRows', parts);
    const [second] = tape.splitRows(whole, 2).slice(1);
    const turned = tape.concat('concatColumns', [parts[1], leaf]);
    const places = new Places(tape.operations, new Set([leaf]));
    expect(places.computed.map(({ kind }) => kind)).toEqual(['copy', 'copy', 'copy', 'copy']);
    expect(places.of(parts[1])).toEqual({ root: whole, offset: 4, stride: 4 });
    expect(places.of(again)).toEqual({ root: whole, offset: 0, stride: 4 });
    expect(second && places.of(second)).toEqual({ root: whole, offset: 4, stride: 4 });
    expect(places.of(turned)).toEqual({ root: turned, offset: 0, stride: 8 });
  });

  it('adds up what a value is used for several times, and computes no gradient that nobody wants', () => {
    const tape = new Tape();
    const [a, b, seed] = [{ ...ROW }, { ...ROW }, { ...ROW }];
    const squared = tape.multiply(a, a);
    const before = tape.operations.length;
    const [gradient] = recordGradients(tape, [[tape.multiply(squared, b), seed]], [a]);
    const added = tape.operations.slice(before + 1).map(({ kind }) => kind);
    expect(added).toEqual(['multiply', 'multiply', 'multiply', 'add']);
    expect(tape.operations.at(-1)?.results).toEqual([gradient]);
  });
});

/** Writes down calls of an object's methods. @returns the methods as they were */
function watch<T extends object>(object: T, names: readonly (keyof T & string)[], calls: string[]): Partial<T> {
  const before: Partial<T> = {};
  for (const name of names) {
    const method = object[name];
    if (typeof method !== 'function') throw new Error(`${name} is no method`);
    before[name] = method;
    const watched = (...args: unknown[]) => {
      calls.push(name);
      return method.apply(object, args);
    };
    Object.assign(object, { [name]: watched });
  }
  return before;
}
