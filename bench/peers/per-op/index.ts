/**
 * What a framework without fusion does, on our own device: at each time step one dispatch for each operation. Nothing of it and of ours
 * differs but that: weights are packed, products are tiled, memory is used again, and everything is made before it is timed.
 */
import type { RecurveDevice } from '../../../runtime/device/index.js';
import { packData } from '../packed.js';
import type { Peer } from '../peer.js';
import { plainCell, unevenness } from '../plain.js';
import { perOpLayer } from './layer.js';
import { ACTIVATIONS } from './operations.js';

export function openPerOp(device: RecurveDevice): Peer {
  return {
    name: 'per-op',
    layer(signature, sizes, data) {
      const uneven = unevenness(data);
      if (uneven !== undefined) return uneven;
      const cell = plainCell(signature, ({ name }) => ACTIVATIONS.find((own) => own === name));
      return typeof cell === 'string' ? cell : perOpLayer(device, cell, signature, packData(cell, signature, sizes, data));
    },
    close() {},
  };
}
