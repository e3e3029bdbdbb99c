/** What a layer refuses whatever it is given: calls in another order, of another kind of plan, or after its end. */
import { RecurveError } from '../../codegen/errors.js';
import type { Plan } from '../../codegen/plan.js';
import type { Direction } from '../execute/index.js';

/** `what` was called before the run that it follows. */
export function outOfOrder({ cell }: Plan, what: string, first: Direction, why = ''): RecurveError {
  return new RecurveError({
    code: 'RUN-ORDER',
    message: `${what} has no ${first} run of ${cell} to follow${why}`,
    fix: `Call ${first} first.`,
    where: what,
  });
}

/** @throws RecurveError `RUN-MODEL` */
export function requireSteps({ cell, model }: Plan): void {
  if (!model) return;
  throw new RecurveError({
    code: 'RUN-MODEL',
    message: `${cell} is a model, whose layers begin anew in every run: it has no single step`,
    fix: 'Run whole sequences, or compile the cell of a layer and step that.',
    where: 'step',
  });
}

/** @throws RecurveError `RUN-GRADIENTS` */
export function requireGradients({ cell, gradients }: Plan): void {
  if (gradients) return;
  throw new RecurveError({
    code: 'RUN-GRADIENTS',
    message: `the plan for ${cell} was compiled without gradients`,
    fix: 'Compile it with gradients: true.',
    where: 'gradients',
  });
}

export function isDestroyed({ cell }: Plan, when = ''): RecurveError {
  return new RecurveError({
    code: 'LAYER-DESTROYED',
    message: `the layer ${cell} was destroyed${when}`,
    fix: 'Load the plan again, or call destroy later.',
    where: cell,
  });
}
