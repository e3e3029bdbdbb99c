/** Opens one adapter and prints what it is, as one JSON line: run in a process of its own by `listAdapters`. */
import { pathToFileURL } from 'node:url';
import { RecurveError } from '../../codegen/errors.js';
import type { AdapterChoice, AdapterReport } from './adapter.js';
import { openDevice } from './open.js';

export type ProbeResult =
  | { readonly status: 'found'; readonly report: AdapterReport }
  | { readonly status: 'missing'; readonly code: string; readonly reason: string; readonly fix: string | undefined };

/** Opens the adapter of a choice and closes it again. */
export async function probe(choice: AdapterChoice): Promise<ProbeResult> {
  try {
    const device = await openDevice(choice);
    device.close();
    return { status: 'found', report: device.adapter };
  } catch (error) {
    if (!(error instanceof RecurveError)) throw error;
    return { status: 'missing', code: error.code, reason: error.message, fix: error.fix };
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await probe(process.argv[2] as AdapterChoice)));
}
