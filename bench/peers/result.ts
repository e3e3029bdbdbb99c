/** What is told of a peer that was timed beside us. */
import type { Timing } from '../measure.js';
import type { BenchResult, PeerResult } from '../report.js';
import type { PeerLayer } from './peer.js';

export interface TimedPeer {
  readonly layer: PeerLayer;
  /** Which of all timings is its forward run; the next is forward and backward, where it has gradients. */
  readonly first: number;
  /** Largest relative error between its numbers and ours, where they were compared. */
  readonly difference: number | undefined;
}

/** @param peer or a sentence that says why there is none */
export function peerResult(
  peer: TimedPeer | string,
  ours: Pick<BenchResult, 'forwardMs' | 'forwardBackwardMs'>,
  timings: readonly Timing[],
): PeerResult {
  if (typeof peer === 'string') return { unavailable: peer };
  const { layer, first, difference } = peer;
  const forward = timings[first];
  if (forward === undefined) throw new Error('a peer was not timed');
  const both = layer.forwardBackward === undefined ? undefined : timings[first + 1];
  const notes = [layer.differs, layer.note].filter((note) => note !== undefined);
  return {
    forwardMs: forward.median,
    ...(both && { forwardBackwardMs: both.median }),
    timings: { forward, ...(both && { forwardBackward: both }) },
    ratio: {
      forward: forward.median / ours.forwardMs,
      ...(both && { forwardBackward: both.median / ours.forwardBackwardMs }),
    },
    difference,
    note: notes.length === 0 ? undefined : notes.join('; '),
  };
}
