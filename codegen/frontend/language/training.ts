/** The option that random functions bring along: whether they draw. */
import type { FunctionTree, OptionDeclaration } from '../tree.js';
import { RANDOM } from './vocabulary.js';

export const TRAINING = 'training';

/** The options of a cell or model, `training` last where its step or run calls a random function, itself, through helpers or in a layer. */
export function withTraining(
  options: readonly OptionDeclaration[],
  step: FunctionTree,
  helpers: ReadonlyMap<string, FunctionTree>,
  layers: readonly { readonly options: readonly OptionDeclaration[] }[] = [],
): readonly OptionDeclaration[] {
  const inLayers = layers.some((layer) => layer.options.some(({ name }) => name === TRAINING));
  if (!inLayers && !draws(step, helpers)) return options;
  return [...options, { kind: 'flag', name: TRAINING, default: false, span: step.span }];
}

/** Whether a function calls for random numbers; each helper is looked into once. */
function draws(step: FunctionTree, helpers: ReadonlyMap<string, FunctionTree>): boolean {
  const seen = new Set<object>();
  const visit = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return false;
    seen.add(part);
    if ('kind' in part && part.kind === 'builtin' && 'name' in part && RANDOM.includes(String(part.name))) return true;
    if ('kind' in part && part.kind === 'helper' && 'key' in part && visit(helpers.get(String(part.key))?.body)) return true;
    return Object.values(part).some(visit);
  };
  return visit(step.body);
}
