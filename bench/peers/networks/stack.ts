/** The built-in model `stack`. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { TfCore } from '../tfjs-device.js';
import { type Core, type Network, unstack } from './network.js';
import { type RecurrentLayer, recurrentLayer, unroll } from './recurrent.js';

export function stackNetwork({ options: o }: Signature): Network | string {
  if (o.dropout && o.training) return 'dropout is not written in its operations';
  const count = Number(o.layers);
  const lstm = o.cell === 'lstm';
  const named = (first: string, deep: string) =>
    Array.from({ length: count }, (_, l) => recurrentLayer(l === 0 ? first : `${deep}.${l - 1}`, o.cell, o));
  const found = [...named('first', 'deep'), ...(o.bidirectional ? named('firstReverse', 'deepReverse') : [])];
  const missing = found.find((layer) => typeof layer === 'string');
  if (typeof missing === 'string') return missing;
  const layers = found as RecurrentLayer[];
  return {
    inputs: ['x', ...(o.initialState ? ['h_0', ...(lstm ? ['c_0'] : [])] : [])],
    params: layers.flatMap(({ params }) => params),
    pack: (params) => Object.assign({}, ...layers.map((layer) => layer.pack(params))),
    unpack: (gradients) => Object.assign({}, ...layers.map((layer) => layer.unpack(gradients))),
    run(core, { x, h_0, c_0 }, weights) {
      const starts = (rows: TfCore.Tensor | undefined) => (rows === undefined ? [] : unstack(core, rows, 1));
      const [h0, c0] = [starts(h_0), starts(c_0)];
      const [h_n, c_n]: [TfCore.Tensor[], TfCore.Tensor[]] = [[], []];
      let y = x as TfCore.Tensor;
      for (let l = 0; l < count; l++) {
        const directions = [layers[l], layers[count + l]].flatMap((layer, back) => {
          if (layer === undefined) return [];
          const k = h_n.length;
          const initial = { ...(h0[k] ? { h: h0[k] } : {}), ...(c0[k] ? { c: c0[k] } : {}) };
          const towards = Boolean(o.reverse) === (back === 1) ? 'forward' : 'reverse';
          const { h, final } = unroll(core, layer.bind(core, weights), y, towards, initial);
          h_n.push(final.h as TfCore.Tensor);
          if (lstm) c_n.push(final.c as TfCore.Tensor);
          return [h];
        });
        y = merged(core, String(o.merge), directions as [TfCore.Tensor, TfCore.Tensor?]);
      }
      return { y, h_n: core.stack(h_n, 1), ...(lstm ? { c_n: core.stack(c_n, 1) } : {}) };
    },
  };
}

function merged(core: Core, merge: string, [ahead, back]: readonly [TfCore.Tensor, TfCore.Tensor?]): TfCore.Tensor {
  if (back === undefined) return ahead;
  if (merge === 'sum') return core.add(ahead, back);
  if (merge === 'mul') return core.mul(ahead, back);
  if (merge === 'ave') return core.div(core.add(ahead, back), 2);
  return core.concat([ahead, back], 2);
}
