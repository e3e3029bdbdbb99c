/** The process in which mutants run: it may hang or crash, and its parent tells. */
import { tryMutant } from './campaign.js';

const [seed = 1, from = 0, to = 0] = process.argv.slice(2).map(Number);
for (let index = from; index < to; index++) process.send?.(await tryMutant(seed, index));
process.disconnect();
