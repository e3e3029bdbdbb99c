import { describe, expect, it } from 'vitest';
import type { PeerLayer } from '../../bench/peers/peer.js';
import { peerResult } from '../../bench/peers/result.js';
import { timing } from './reports.js';

const OURS = { forwardMs: 4, forwardBackwardMs: 10 };
/** Of us, then of two peers. */
const TIMINGS = [4, 10, 8, 30, 1].map((median) => timing(median));
const done = () => Promise.resolve();
const LAYER: PeerLayer = {
  forward: done,
  forwardBackward: done,
  read: () => Promise.resolve({ outputs: {}, state: {} }),
  dispose() {},
};

describe('the result of a peer', () => {
  it('has its times and how many of ours they are', () => {
    const found = peerResult({ layer: LAYER, first: 2, difference: 1e-6 }, OURS, TIMINGS);
    expect(found).toEqual({
      forwardMs: 8,
      forwardBackwardMs: 30,
      timings: { forward: TIMINGS[2], forwardBackward: TIMINGS[3] },
      ratio: { forward: 2, forwardBackward: 3 },
      difference: 1e-6,
      note: undefined,
    });
  });

  it('has forward alone where the peer has no gradients: what was timed next is another', () => {
    const layer = { ...LAYER, forwardBackward: undefined };
    const found = peerResult({ layer, first: 2, difference: 1e-6 }, OURS, TIMINGS);
    expect(JSON.parse(JSON.stringify(found))).toEqual({
      forwardMs: 8,
      timings: { forward: TIMINGS[2] },
      ratio: { forward: 2 },
      difference: 1e-6,
    });
  });

  it('says in one note what differs and what else to know', () => {
    const layer = { ...LAYER, differs: "it runs reset: 'before'", note: 'on the processor' };
    const found = peerResult({ layer, first: 2, difference: undefined }, OURS, TIMINGS);
    expect(found).toMatchObject({ note: "it runs reset: 'before'; on the processor" });
  });

  it('has the reason where there is no such layer', () => {
    expect(peerResult('it is not installed', OURS, TIMINGS)).toEqual({ unavailable: 'it is not installed' });
  });
});
