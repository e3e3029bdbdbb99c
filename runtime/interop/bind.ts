/** Holds a request to a cell: names, shapes and sizes. */

import { RecurveError } from '../../codegen/errors.js';
import { fillingOf } from '../../codegen/frontend/declare/constant.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import { completeSizes } from '../../codegen/ir/sizes.js';
import type { Sizes } from '../../codegen/plan.js';
import {
  type CellData,
  elements,
  fillOf,
  requireAllSymbols,
  requireRates,
  shapeOf,
  startOf,
  type Tensor,
  type Tensors,
} from '../data.js';
import { dimsOf } from '../dims.js';
import { initialValues } from '../layer/init.js';
import { lengthsByAxis, lengthsName, timesOf } from '../lengths.js';
import { describe, listText, own } from './describe.js';
import { measureGroup, type NamedShape, refuseUnknown, requireAll } from './groups.js';
import { requireRead } from './read.js';
import { SizeLedger } from './sizes.js';
import type { RunRequest } from './types.js';
import { measureWeights, weightsToParams } from './weights/index.js';

/** What `bindRequest` needs to know of a cell; none of it depends on sizes. */
export interface CellInterface {
  readonly signature: Signature;
  /** Output sequences by name, with the dims of one step of one sequence: `{ h: ['H'] }`. */
  readonly outputs: Readonly<Record<string, readonly string[]>>;
}

export interface BoundRequest {
  /** T, B and every dim of the signature. */
  readonly sizes: Sizes;
  readonly data: CellData;
}

/**
 * Infers all sizes from the tensors' shapes, checks every tensor against them, and makes a run's data.
 * A state that is missing is its `init`, or zero; a parameter is drawn where the request says so with `init`. Cotangents that are missing inside `cotangents` stay missing: they are zero.
 *
 * @param stated sizes that `--dims` gives: they fill what no tensor has, and agree with the rest
 * @throws RecurveError `DATA-TOO-LARGE`, `DATA-NAME`, `DATA-MISSING`, `DATA-SHAPE`, `DATA-SIZE-UNKNOWN`, `DATA-LENGTHS`,
 *   `DATA-NONFINITE`, `DATA-RATE`, `DATA-PARAMS`, `DIMS-RULE`, `RUN-DIMS`, `WEIGHTS-*`
 */
export function bindRequest(request: RunRequest, { signature, outputs }: CellInterface, stated: Sizes = {}): BoundRequest {
  const { inputs, state, cotangents, reverse = false, seed } = request;
  const outputShapes = outputsOf({ signature, outputs });
  const ledger = new SizeLedger();

  requireAll('inputs', signature.inputs, inputs, signature.name);
  measureGroup(ledger, 'inputs', signature.inputs, inputs, ['T', 'B'], signature.name);
  checkParamSource(request, signature);
  if (request.params) {
    const needed = signature.params.filter((param) => !request.init && fillOf(param) === undefined);
    refuseUnknown('params', signature.params, request.params, signature.name);
    requireAll('params', needed, request.params, signature.name);
    measureGroup(ledger, 'params', signature.params, request.params, [], signature.name);
  }
  if (request.weights) {
    measureWeights(ledger, request.weights.format, signature.name, signature, request.weights.tensors);
  }
  measureGroup(ledger, 'state', signature.state, state, ['B'], signature.name);
  if (cotangents) {
    measureGroup(ledger, 'cotangents.outputs', outputShapes, cotangents.outputs, ['T', 'B'], signature.name);
    measureGroup(ledger, 'cotangents.state', signature.state, cotangents.state, ['B'], signature.name);
  }
  for (const [dim, size] of Object.entries(stated)) ledger.record(dim, size, '--dims', 'RUN-DIMS', '--dims');
  const times = timesOf(signature);
  const lengths = lengthsByAxis(request.lengths, times);
  for (const [time, along] of Object.entries(lengths)) checkLengths(along, time, lengthsName(time, times), ledger);

  const sizes = settle(ledger, signature);
  requireRoom({ signature, outputs }, sizes, request);
  const params = paramsOf(request, signature, sizes);
  requireRates(signature.rates, params);
  requireAllSymbols(signature, sizes, request);
  requireRead('inputs', signature.inputs, inputs, lengths);
  if (cotangents) requireRead('cotangents.outputs', outputShapes, cotangents.outputs, lengths);
  return {
    sizes,
    data: {
      inputs,
      state: Object.fromEntries(
        signature.state.map((s) => [s.name, own(state, s.name) ?? filled(shapeOf(s, sizes, ['B']), startOf(s))]),
      ),
      params,
      ...(request.lengths ? { lengths: request.lengths } : {}),
      reverse,
      ...(seed === undefined ? {} : { seed }),
      ...(cotangents ? { cotangents } : {}),
    },
  };
}

/** Outputs with the axes in front of them, where these are not T and B. */
function outputsOf({ signature, outputs }: CellInterface): NamedShape[] {
  return Object.entries(outputs).map(([name, shape]) => {
    const leading = signature.outputAxes?.[name];
    return { name, shape, ...(leading === undefined ? {} : { leading }) };
  });
}

/** Those that are not given: drawn as the library's `init` draws them, or, where they are not trained, what their `init` says. */
function paramsOf(request: RunRequest, signature: Signature, sizes: Sizes): Tensors {
  const { params, weights, init } = request;
  const given = weights ? weightsToParams(weights.format, signature.name, signature, sizes, weights.tensors) : (params ?? {});
  const missing = signature.params.flatMap((declaration): [string, Tensor][] => {
    const { name } = declaration;
    const fill = fillOf(declaration);
    if (own(given, name) || (fill === undefined && !init)) return [];
    const shape = shapeOf(declaration, sizes);
    if (!init) return [[name, filled(shape, fill ?? 0)]];
    return [[name, { shape, data: initialValues(fillingOf(declaration, signature), shape, init.seed, `params.${name}`) }]];
  });
  return missing.length === 0 ? given : { ...given, ...Object.fromEntries(missing) };
}

/** @throws RecurveError `DATA-PARAMS` */
export function checkParamSource({ params, weights, init }: RunRequest, { name, params: declared }: Signature): void {
  const fix =
    'Give the cell its "params", or "weights" in a framework\'s layout, not both; "init": {"seed": 1} draws what neither gives.';
  if (params && weights) {
    throw new RecurveError({ code: 'DATA-PARAMS', message: 'both params and weights are given', fix, where: 'params' });
  }
  const needed = declared.filter((param) => fillOf(param) === undefined);
  if (!params && !weights && !init && needed.length > 0) {
    const message = `neither params nor weights are given; cell ${name} has ${listText(needed.map((param) => param.name))}`;
    throw new RecurveError({ code: 'DATA-PARAMS', message, fix, where: 'params' });
  }
}

/** @throws RecurveError `DATA-LENGTHS` */
function checkLengths(lengths: readonly number[], time: string, where: string, ledger: SizeLedger): void {
  const steps = ledger.get(time) ?? 0;
  if (lengths.length === 0) {
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `${where} is empty`,
      fix: 'Leave it out, or give one for each sequence.',
      where,
    });
  }
  ledger.record('B', lengths.length, `${where} (${lengths.length} sequences)`, 'DATA-LENGTHS', where);
  lengths.forEach((length, sequence) => {
    if (Number.isInteger(length) && length >= 0 && length <= steps) return;
    throw new RecurveError({
      code: 'DATA-LENGTHS',
      message: `${where}[${sequence}] is ${describe(length).replace('the number ', '')}; it must be a whole number from 0 to ${time} = ${steps}`,
      fix: `Give each sequence its number of steps; ${time} is the first axis of the inputs.`,
      where,
    });
  });
}

/**
 * The sizes that the tensors tell, and those that follow from them.
 * @throws RecurveError `DATA-SIZE-UNKNOWN`, `DIMS-RULE`
 */
export function settle(ledger: SizeLedger, signature: Pick<Signature, 'dims' | 'times' | 'rules'>): Sizes {
  const sizes = completeSizes(signature.rules, ledger.sizes());
  return Object.fromEntries(
    dimsOf(signature).map((dim) => {
      const size = sizes[dim];
      if (size !== undefined) return [dim, size];
      throw new RecurveError({
        code: 'DATA-SIZE-UNKNOWN',
        message: `no tensor of the request tells the size of ${dim}`,
        fix: `Give a tensor that has an axis ${dim}, such as the initial state, or say --dims ${dim}=….`,
        where: dim,
      });
    }),
  );
}

function filled(shape: readonly number[], value: number): Tensor {
  return { shape, data: new Float32Array(elements(shape)).fill(value) };
}

/** Elements of all results of a run together, and of what is filled in for it: 2 GiB of float32. */
export const MOST_RESULTS = 2 ** 29;

/**
 * Sizes that are honest each, in data that are small, may have products that no memory holds.
 * @throws RecurveError `DATA-TOO-LARGE`, before anything of these sizes is made
 */
function requireRoom({ signature, outputs }: CellInterface, sizes: Sizes, { init }: RunRequest): void {
  const made = [
    ...outputsOf({ signature, outputs }).map(({ name, shape, leading = ['T', 'B'] }) => {
      return { path: `outputs.${name}`, shape: [...leading, ...shape] };
    }),
    ...signature.state.map(({ name, shape }) => ({ path: `state.${name}`, shape: ['B', ...shape] })),
    ...signature.params
      .filter((param) => init || fillOf(param) !== undefined)
      .map(({ name, shape }) => ({ path: `params.${name}`, shape })),
  ].map(({ path, shape }) => ({ path, shape: shapeOf({ name: path, shape }, sizes) }));
  const total = made.reduce((sum, { shape }) => sum + elements(shape), 0);
  if (total <= MOST_RESULTS) return;
  const { path, shape } = made.reduce((most, each) => (elements(each.shape) > elements(most.shape) ? each : most));
  throw new RecurveError({
    code: 'DATA-TOO-LARGE',
    message: `the results would have ${total} elements, more than ${MOST_RESULTS}: ${path} alone has the shape [${shape.join(', ')}]`,
    fix: 'Send fewer sequences or steps at once.',
    where: path,
  });
}
