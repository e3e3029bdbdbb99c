/** What belongs to a layer is read or refused by name: a tensor that is silently left out would change its results. */
import { RecurveError } from '../../../codegen/errors.js';
import { nearest } from '../../../codegen/suggest.js';
import type { TensorFile } from '../containers/container.js';
import { listText, quote } from '../describe.js';
import { FRAMEWORKS } from './frameworks.js';
import type { Layer } from './layers.js';

/** The state of a random generator, or of a counter: it has no part in what the layer computes. */
const WITHOUT_EFFECT = /(?:^|[./])(?:seed_generator|seed_generator_state|num_batches_tracked|rngs|iterations)(?:[./]|$)/;
/** Where a layer's names have no prefix, everything of the file lies below it; these words are of a recurrent layer. */
const OF_A_LAYER =
  /(?:^|[^a-z])(?:ln|layer_?norm\w*|norm\w*|batch_?norm\w*|gamma\w*|beta\w*|gain|alpha|peep\w*|proj\w*|zoneout\w*|w_[ifoc]\w*|\w*_diag|recurrent\w*|cell|h0|c0|init\w*)(?:[^a-z]|$)/i;

/**
 * @param others every layer of the file: their tensors are their own
 * @throws RecurveError `WEIGHTS-LEFTOVER`
 */
export function refuseLeftovers(file: TensorFile, layer: Layer, others: readonly Layer[]): void {
  const taken = new Set(others.flatMap(({ names }) => [...names.values()]));
  const read = new Set([...layer.sources.values()].flatMap(({ parts }) => parts.map((part) => layer.names.get(part))));
  const left = Object.keys(file.tensors).filter((name) => {
    if (!name.startsWith(layer.prefix) || read.has(name) || WITHOUT_EFFECT.test(name)) return false;
    const rest = name.slice(layer.prefix.length);
    const owned = layer.prefix !== '' || !/[./]/.test(rest) || OF_A_LAYER.test(rest);
    return owned && !taken.has(name);
  });
  if (left.length === 0) return;
  const { title } = FRAMEWORKS[layer.format];
  const rest = (name: string) => name.slice(layer.prefix.length);
  const meant = left.length === 1 ? nearest(rest(left[0] ?? ''), [...layer.names.values()].map(rest)) : undefined;
  const it = left.length === 1 ? 'it' : 'they';
  throw new RecurveError({
    code: 'WEIGHTS-LEFTOVER',
    message: `${file.source} has ${listText(left.map(quote))} in its layer, which ${title}'s ${layer.cell} does not have: what ${it} would do is unknown`,
    fix:
      meant === undefined
        ? 'Write the cell as it is in a *.cell.ts and give "params"; or, if the layer works without, save its own tensors alone.'
        : `If ${quote(meant)} is meant, save it under that name.`,
    where: quote(left[0] ?? ''),
  });
}
