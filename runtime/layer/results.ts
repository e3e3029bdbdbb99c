/** Which results a request asks for, and in what form they come. */
import { RecurveError } from '../../codegen/errors.js';
import { didYouMean } from '../../codegen/suggest.js';
import type { PlacedTensor } from '../memory/slots.js';
import type { Gradients, RunResult, Tensor, Wanted } from './types.js';

/** What users call a result: the plan's `final.h` is `state.h`. */
export function resultName({ path, group, name }: PlacedTensor): string {
  return group === 'final' ? `state.${name}` : path;
}

/**
 * The results that are asked for by their own names or by those of groups.
 * @throws RecurveError `RESULT-UNKNOWN`
 */
export function choose(results: readonly PlacedTensor[], wanted: Wanted | undefined): PlacedTensor[] {
  if (wanted === undefined) return [...results];
  const names = results.map(resultName);
  for (const each of wanted) {
    if (names.some((name) => isWithin(name, each))) continue;
    throw new RecurveError({
      code: 'RESULT-UNKNOWN',
      message: `there is no result ${each} among ${names.join(', ')}`,
      fix: didYouMean(each, names, 'Ask for some of these, or for a whole group such as outputs or gradients.params.', '"'),
      where: each,
    });
  }
  return results.filter((tensor) => wanted.some((each) => isWithin(resultName(tensor), each)));
}

function isWithin(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}.`);
}

/** @param found by the plan's path */
export function assemble(chosen: readonly PlacedTensor[], found: ReadonlyMap<string, Tensor>): RunResult {
  const group = (name: string): Record<string, Tensor> =>
    Object.fromEntries(
      chosen.flatMap((tensor) => {
        const value = found.get(tensor.path);
        return tensor.group === name && value !== undefined ? [[tensor.name, value]] : [];
      }),
    );
  const traced = (name: string) => (chosen.some((tensor) => tensor.group === name) ? { traces: group(name) } : {});
  const forward = { outputs: group('outputs'), state: group('final'), ...traced('traces') };
  if (!chosen.some(isGradient)) return forward;
  const gradients: Gradients = {
    inputs: group('gradients.inputs'),
    state: group('gradients.state'),
    params: group('gradients.params'),
    ...traced('gradients.traces'),
  };
  return { ...forward, gradients };
}

export function isGradient({ group }: PlacedTensor): boolean {
  return group.startsWith('gradients.');
}
