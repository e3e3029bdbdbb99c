/** `recurve run --weights FILE`: parameters from a file of their own, put into every request. */
import { resolve } from 'node:path';
import { RecurveError } from '../codegen/errors.js';
import { readUserFile } from '../codegen/read-file.js';
import {
  initialText,
  openTensorFile,
  type RunRequest,
  stackWeightsOf,
  startOf,
  type WeightFormat,
  type WeightsFile,
  weightsOf,
} from '../runtime/interop/index.js';
import type { Flags } from './flags.js';
import { mergeOptions } from './requests.js';

export interface WeightsFlags extends Flags {
  readonly weights?: string;
  readonly prefix?: string;
  readonly layer?: string;
  readonly format?: WeightFormat;
}

/** What turns a request as it was read into the one to run. */
export type Prepare = (request: RunRequest) => RunRequest;

/** Names of the parameters of a cell with these options; the others are the defaults. */
export type ParamsOf = (cell: string, options: RunRequest['options']) => readonly string[];

/** What `--weights` means for every request. */
export interface Loaded {
  readonly prepare: Prepare;
  /** What is taken from the file beside the weights, where anything is. */
  readonly notice?: string;
  /** What was assumed of the file, where anything was. */
  readonly readAs?: string;
}

/**
 * Reads the weights once; without `--weights` requests stay as they are.
 *
 * @param paramsOf by which a file of the cell's own parameters is known
 * @throws RecurveError `RUN-WEIGHTS`, `RUN-CELL`, `RUN-OPTION`, and those of reading the file
 */
export async function loadWeights(
  cwd: string,
  cell: string | undefined,
  flags: WeightsFlags,
  paramsOf: ParamsOf,
): Promise<Loaded> {
  const { weights: path, prefix, layer, format, set = {} } = flags;
  if (path === undefined) {
    const stray = Object.entries({ prefix, layer, format }).find(([, value]) => value !== undefined);
    if (stray === undefined) return { prepare: (request) => request };
    throw new RecurveError({
      code: 'RUN-WEIGHTS',
      message: `--${stray[0]} chooses within the file of --weights, which is not given`,
      fix: 'Add --weights FILE.',
      where: '--weights',
    });
  }
  const bytes = readUserFile(resolve(cwd, path), { code: 'DATA-FILE', fix: 'Give --weights an existing file.' });
  const opened = await openTensorFile(bytes, path);
  const params = cell === undefined ? undefined : paramsOf(cell, set);
  const read = cell === 'stack' ? stackWeightsOf : weightsOf;
  const file = read(opened, { prefix, layer, format, params });
  refuseOtherCell(file, cell, 'the command line says');
  mergeOptions({ options: set, say: '--set gives' }, { options: file.options, say: 'the weights say' });
  const notice = initialText(file.initial);
  return {
    prepare: (request) => attach(request, file, cell),
    ...(file.readAs === undefined ? {} : { readAs: `${path}: read as ${file.readAs}` }),
    ...(notice === undefined ? {} : { notice: `${path}: ${notice}` }),
  };
}

/** @param given the command line's cell, which a file that names one must not replace by a built-in of that name */
function attach(request: RunRequest, file: WeightsFile, given: string | undefined): RunRequest {
  if (request.params || request.weights) {
    const own = request.params ? 'params' : 'weights';
    throw new RecurveError({
      code: 'RUN-WEIGHTS',
      message: `the data has ${own}, and --weights gives ${file.source}`,
      fix: `Leave --weights out, or take ${own} out of the data.`,
      where: own,
    });
  }
  refuseOtherCell(file, request.cell, 'the data is for');
  const cell = request.cell ?? given ?? file.cell;
  return {
    ...request,
    ...(cell === undefined ? {} : { cell }),
    options: mergeOptions({ options: file.options, say: 'the weights give' }, { options: request.options, say: 'the data says' }),
    weights: file.weights,
    ...startOf(request, file.initial, file.source, cell),
    reverse: request.reverse ?? file.reverse,
  };
}

function refuseOtherCell(file: WeightsFile, cell: string | undefined, says: string): void {
  // A path is a cell of the user's own, which its declarations are held to.
  const known = cell !== undefined && file.cell !== undefined && !/\.ts$/.test(cell);
  if (!known || cell === file.cell) return;
  throw new RecurveError({
    code: 'RUN-CELL',
    message: `${says} ${cell}, but the weights in ${file.source} are for ${file.cell}`,
    fix: 'Choose the cell that the weights are for.',
    where: 'cell',
  });
}
