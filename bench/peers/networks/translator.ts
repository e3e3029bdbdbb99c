/** The built-in model `translator`. */
import type { Signature } from '../../../codegen/frontend/tree.js';
import type { CellData, Tensor, Tensors } from '../../../runtime/data.js';
import type { TfCore } from '../tfjs-device.js';
import { type Core, embed, type Named, type Network, product } from './network.js';
import { recurrentLayer, type State, unroll } from './recurrent.js';

export function translatorNetwork({ options: o }: Signature, { state }: CellData): Network | string {
  if (o.hears === 'sometimes' || o.mode !== 'greedy') return 'what is drawn at random is not the same draw in tfjs';
  if (Number(o.stop) > 0) return 'a stop symbol is not written in its operations';
  if (state.said !== undefined) return 'its first step hears symbol 0';
  const [encoder, decoder] = ['encoder', 'decoder'].map((name) => recurrentLayer(name, o.cell, o));
  if (typeof encoder !== 'object') return String(encoder);
  if (typeof decoder !== 'object') return String(decoder);
  const scored = o.attention === 'additive' ? ['P', 'Q', 'v'] : [];
  const own = ['D', 'E', ...scored, ...(o.attention === 'none' ? [] : ['C', 'R']), 'W', 'b'];
  const only = (tensors: Tensors) => Object.fromEntries(own.map((name) => [name, tensors[name] as Tensor]));
  return {
    inputs: ['source', 'target'],
    params: [...own, ...encoder.params, ...decoder.params],
    pack: (params) => ({ ...only(params), ...encoder.pack(params), ...decoder.pack(params) }),
    unpack: (gradients) => ({ ...only(gradients), ...encoder.unpack(gradients), ...decoder.unpack(gradients) }),
    run(core, inputs, weights) {
      const [source, target] = [inputs.source, inputs.target] as [TfCore.Tensor2D, TfCore.Tensor2D];
      const [D, E] = [weights.D, weights.E] as [TfCore.Tensor, TfCore.Tensor];
      const code = unroll(core, encoder.bind(core, weights), embed(core, D, source), 'forward');
      const speak = speaker(core, String(o.attention), code.h, weights);
      const cell = decoder.bind(core, weights);
      const [B, T] = target.shape;
      const first = core.zeros([B, 1], 'int32');
      let logits: TfCore.Tensor;
      if (o.hears === 'taught') {
        const heard = T === 1 ? first : core.concat([first, core.slice(target, [0, 0], [B, T - 1])], 1);
        logits = speak(unroll(core, cell, embed(core, E, heard), 'forward', code.final).h);
      } else {
        const steps: TfCore.Tensor[] = [];
        let heard: TfCore.Tensor = core.reshape(first, [B]);
        let state: State = code.final;
        for (let t = 0; t < T; t++) {
          state = cell.step(cell.project(embed(core, E, heard)), state);
          const said = speak(core.expandDims(state.h as TfCore.Tensor, 1));
          heard = core.reshape(core.argMax(said, 2), [B]);
          steps.push(said);
        }
        logits = core.concat(steps, 1);
      }
      const truth = core.oneHot(target, logits.shape[2] ?? 1);
      const loss = core.losses.softmaxCrossEntropy(truth, logits, undefined, 0, core.Reduction.NONE);
      return { logits, said: core.argMax(logits, 2), loss, total: core.sum(loss) };
    },
  };
}

/** Logits `[B, n, K]` of n steps of the decoder, `[B, n, H]`. @param code `[B, S, H]` */
function speaker(core: Core, attention: string, code: TfCore.Tensor, weights: Named): (h: TfCore.Tensor) => TfCore.Tensor {
  const weight = (name: string) => weights[name] as TfCore.Tensor;
  const logits = (out: TfCore.Tensor) => product(core, out, weight('W'), weight('b'));
  if (attention === 'none') return logits;
  // Of the source alone, and the same for all steps.
  const keys = attention === 'additive' ? core.expandDims(product(core, code, weight('P')), 1) : code;
  const scores = (h: TfCore.Tensor) => {
    if (attention !== 'additive') return core.matMul(h, keys, false, true);
    const seen = core.tanh(core.add(keys, core.expandDims(product(core, h, weight('Q')), 2)));
    return core.squeeze(product(core, seen, core.expandDims(weight('v'), 0)), [3]);
  };
  return (h) => {
    const seen = core.matMul(core.softmax(scores(h)), code);
    return logits(core.tanh(core.add(product(core, seen, weight('C')), product(core, h, weight('R')))));
  };
}
