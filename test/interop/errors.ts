import { RecurveError } from '../../codegen/errors.js';

/** `CODE | where | message | fix` of the mistake that `action` reports; anything else it throws passes through. */
export function mistake(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    return [error.code, error.where ?? '-', error.message, error.fix ?? '-'].join(' | ');
  }
  return 'no mistake';
}

export function code(action: () => unknown): string {
  return mistake(action).split(' | ')[0] ?? '';
}
