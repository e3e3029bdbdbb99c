/** What every peer is held to: our numbers forward and back, and a sentence where it has none. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { benchData } from '../../bench/bench.js';
import type { Peer, PeerLayer } from '../../bench/peers/peer.js';
import type { Signature, Sizes, SpecTree } from '../../codegen/frontend/tree.js';
import { compareResults } from '../../runtime/compare.js';
import type { CellData, CellResult } from '../../runtime/data.js';
import { openDevice, type RecurveDevice } from '../../runtime/device/index.js';
import { randomData } from '../../runtime/random.js';
import { runReference } from '../../runtime/reference/index.js';
import { cellOf } from './cells.js';

type Given = Readonly<Record<string, string | number | boolean>>;
export type Case = readonly [name: string, given: Given];
export type Refusal = readonly [name: string, given: Given, reason: string];

/** A peer beside a device of ours, both open while the tests of one `describe` run. */
export interface Beside {
  readonly device: RecurveDevice;
  readonly peer: Peer;
  readonly sizes: Sizes;
  layer(signature: Signature, data: CellData): PeerLayer;
}

/** @param alter what is done to the device before the peer is opened on it */
export function besideOurs(
  sizes: Sizes,
  open: (device: RecurveDevice) => Promise<Peer | string>,
  alter: (device: RecurveDevice) => void = () => {},
): Beside {
  let [device, peer]: [RecurveDevice?, Peer?] = [];
  const opened = <R>(found: R | undefined): R => {
    if (found === undefined) throw new Error('it is not open yet');
    return found;
  };
  beforeAll(async () => {
    device = await openDevice('auto');
    alter(device);
    const found = await open(device);
    if (typeof found === 'string') throw new Error(found);
    peer = found;
  });
  afterAll(() => {
    peer?.close();
    device?.close();
  });
  return {
    sizes,
    get device() {
      return opened(device);
    },
    get peer() {
      return opened(peer);
    },
    layer(signature, data) {
      const layer = opened(peer).layer(signature, sizes, data);
      if (typeof layer === 'string') throw new Error(layer);
      return layer;
    },
  };
}

/** Tests of all its numbers. @param tolerance the largest error of a tensor that is ok */
export function computesOurs(beside: Beside, cases: readonly Case[], tolerance = 1e-4): void {
  const { sizes } = beside;
  it.each(cases)('computes what our %s does with %o, gradients where it has some', async (name, given) => {
    const { signature, tree } = cellOf(name, given);
    await agrees(signature, tree, randomData(signature, sizes, { h: ['H'] }, { seed: 1 }));
  });

  it('starts from zeros where the data gives no state, and gives no more than it is asked for', async () => {
    const { signature, tree } = cellOf('lstm', {});
    await agrees(signature, tree, benchData(tree, signature, sizes));
  });

  async function agrees(signature: Signature, tree: SpecTree, data: CellData): Promise<void> {
    const layer = beside.layer(signature, data);
    // Timed runs leave what is read as it is.
    await layer.forward();
    await layer.forwardBackward?.();
    const { outputs, state, gradients } = await layer.read();
    expect(layer.differs).toBeUndefined();
    const expected = asked(runReference(tree, signature, sizes, data), data, layer);
    layer.dispose();
    beside.device.check();
    const compared = compareResults({ outputs, state, ...(gradients && { gradients }) }, expected, tolerance);
    expect(compared.filter(({ ok }) => !ok)).toEqual([]);
  }
}

/** Final states have cotangents, or nobody asks for them; initial states have gradients where the data have some. */
function asked({ outputs, state, gradients }: CellResult, data: CellData, { forwardBackward }: PeerLayer): CellResult {
  const some = (given: object = {}) => Object.keys(given).length > 0;
  const found = { outputs, state: some(data.cotangents?.state) ? state : {} };
  if (forwardBackward === undefined) return found;
  if (gradients === undefined) throw new Error('the reference gave no gradients');
  return { ...found, gradients: { ...gradients, state: some(data.state) ? gradients.state : {} } };
}

/** Tests of what it has no layer for: the cells given, and sequences that are not full ones forward in time. */
export function refuses(beside: Beside, refusals: readonly Refusal[]): void {
  it.each(refusals)('has no layer for %s with %o and says why', (name, given, reason) => {
    const { signature } = cellOf(name, given);
    const sizes = { ...beside.sizes, P: 4 };
    const data = randomData(signature, sizes, { h: ['H'] }, { seed: 5 });
    expect(beside.peer.layer(signature, sizes, data)).toBe(reason);
  });

  it.each([{ lengths: [1, 2] }, { reverse: true }])('has none for sequences of %o', (uneven) => {
    const { signature } = cellOf('gru', { reset: 'after' });
    const data = { ...randomData(signature, beside.sizes, { h: ['H'] }, { seed: 6 }), ...uneven };
    expect(beside.peer.layer(signature, beside.sizes, data)).toBe('the comparison runs full sequences forward in time');
  });
}
