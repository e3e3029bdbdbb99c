/** The text of a new model: small, commented, and it checks and runs as it is. */

/** @param name an identifier; it becomes the model's name. */
export function newModelSource(name: string): string {
  return TEMPLATE.replaceAll('__name__', name);
}

const TEMPLATE = `import { choice, concat, crossEntropy, layer, mat, matvec, mean, model, over, symbol, vec } from 'recurve';

/** What a whole sequence is, out of both of its directions: many to one. */
export default model({
  name: '__name__',
  // Fixed when compiling: \`--set cell=lstm\`.
  options: { cell: choice('gru', 'lstm') }, // the first one is the default
  // Every size that shapes and layers use, besides T (time steps) and B (sequences). Give them with \`--dims I=8,H=32\`.
  dims: ['I', 'H', 'D', 'K'],
  // \`over('T', …)\` is there at every step, the others once for each sequence. A symbol is one of K, a whole number.
  inputs: { x: over('T', vec('I')), label: symbol('K') },
  // A layer is a cell with parameters of its own: a built-in one by its name, or the default export of a *.cell.ts file.
  // \`{ I: 'D' }\` would say what its dims are here, where they are called otherwise.
  layers: (o) => ({ ahead: layer(o.cell), back: layer(o.cell) }),
  params: { W: mat('K', 'D'), b: vec('K') },
  // What happens over whole sequences: what a step may say is said of every step, sums over 'T' are over each sequence's own.
  run({ x, label }, { ahead, back }, p) {
    const h = concat('D', ahead({ x }).h, back({ x }, { reverse: true }).h);
    const logits = matvec(p.W, mean(h, 'T')) + p.b;
    return { logits, loss: crossEntropy(logits, label) };
  },
});
`;
