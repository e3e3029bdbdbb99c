/** Reads a report that an earlier run has written. */
import { isObject } from '../runtime/interop/fields.js';
import { type BenchReport, SCOPES } from './report.js';

/** The report in a text, or a reason why it is none, which follows the file's name in a sentence. Unknown fields are left alone. */
export function readReport(text: string): BenchReport | string {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return 'is not JSON';
  }
  return isReport(found) ? found : `is no report of \`recurve bench --json\`: ${faultOf(found)}`;
}

function isReport(found: unknown): found is BenchReport {
  return faultOf(found) === undefined;
}

/** The first thing that is not as it would be. */
function faultOf(found: unknown): string | undefined {
  if (!isObject(found)) return 'it is no object';
  const { versions, adapter, results } = found;
  if (!isObject(versions) || ['recurve', 'webgpu', 'node'].some((name) => typeof versions[name] !== 'string'))
    return 'it names no versions';
  if (!isObject(adapter) || typeof adapter.name !== 'string') return 'it names no adapter';
  if (!Array.isArray(results)) return 'it has no results';
  for (const [at, result] of results.entries()) {
    const fault = resultFault(result);
    if (fault !== undefined) return `results[${at}] ${fault}`;
  }
  const texts = ['commit', 'date', 'processor'].find((name) => !['string', 'undefined'].includes(typeof found[name]));
  return texts === undefined ? undefined : `its ${texts} is no text`;
}

function resultFault(result: unknown): string | undefined {
  if (!isObject(result)) return 'is no object';
  const { cell, strategy, dims, options, timings } = result;
  if (typeof cell !== 'string') return 'names no cell';
  if (typeof strategy !== 'string') return 'names no strategy';
  if (!isObject(dims) || Object.values(dims).some((size) => typeof size !== 'number')) return 'has no dims';
  if (!isObject(options)) return 'has no options';
  for (const scope of SCOPES) {
    const timing = isObject(timings) ? timings[scope] : undefined;
    const numbers = isObject(timing) ? [timing.median, timing.deviation] : [undefined];
    if (!numbers.every((number) => typeof number === 'number' && number >= 0)) return `has no median and deviation of ${scope}`;
  }
  return undefined;
}
