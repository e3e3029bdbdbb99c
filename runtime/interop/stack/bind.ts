/**
 * Requests of the built-in model `stack`, which are written as its frameworks write them: states of all layers and directions
 * as one, `[L·D, B, H]`, and weights as a whole. They become requests of the model, and its results become theirs.
 */
import { RecurveError } from '../../../codegen/errors.js';
import type { ModelTree, OptionValue, OptionValues } from '../../../codegen/frontend/tree.js';
import type { Sizes } from '../../../codegen/plan.js';
import { type CellResult, elements, type Tensor, type Tensors } from '../../data.js';
import { type BoundRequest, bindRequest, type CellInterface, checkParamSource, settle } from '../bind.js';
import { listText, own } from '../describe.js';
import { measureGroup, refuseUnknown, requireAll } from '../groups.js';
import { type RunResponse, toResponse } from '../response.js';
import { type Axis, axisOf, SizeLedger } from '../sizes.js';
import type { RunRequest } from '../types.js';
import { measureWeights } from '../weights/index.js';
import { structureOf } from './structure.js';
import { measureStack, ofFramework, stackGradients, stackParams } from './weights.js';

const MODEL = 'stack';
/** By state, the model's input and output of it. */
const INITIAL: Readonly<Record<string, string>> = { h: 'h_0', c: 'c_0' };
const FINAL: Readonly<Record<string, string>> = { h: 'h_n', c: 'c_n' };

/**
 * The options of the model for a request: what it says elsewhere is an option there.
 *
 * @param given options that were given
 * @param chosen of the model, the given ones and defaults
 * @throws RecurveError `DATA-KEY` for both directions in reverse, `OPTION-UNKNOWN` for what the chosen cell has not
 */
export function stackOptions(
  request: RunRequest,
  tree: ModelTree,
  given: Readonly<Record<string, OptionValue>>,
  chosen: OptionValues,
): Readonly<Record<string, OptionValue>> {
  refuseOtherCells(tree, given, chosen);
  const reverse = request.reverse ?? chosen.reverse === true;
  if (reverse && chosen.bidirectional === true) {
    throw new RecurveError({
      code: 'DATA-KEY',
      message: 'reverse is true, and so is bidirectional: both directions are there already',
      fix: 'Leave one of them out.',
      where: 'reverse',
    });
  }
  const initialState = chosen.initialState === true || Object.keys(request.state).length > 0 || request.cotangents !== undefined;
  return { ...given, reverse, initialState };
}

/** An option of another cell would be without effect. */
function refuseOtherCells(tree: ModelTree, given: Readonly<Record<string, OptionValue>>, { cell }: OptionValues): void {
  const mine = tree.cells[String(cell)]?.options.map(({ name }) => name) ?? [];
  const all = new Set(Object.values(tree.cells).flatMap(({ options }) => options.map(({ name }) => name)));
  for (const option of tree.options) {
    const value = own(given, option.name);
    if (value === undefined || value === option.default || mine.includes(option.name) || !all.has(option.name)) continue;
    throw new RecurveError({
      code: 'OPTION-UNKNOWN',
      message: `${option.name} = ${value} is no option of the cell ${cell}`,
      fix: `Leave it out; ${cell} has ${listText(mine.filter((name) => tree.options.some((each) => each.name === name)))}.`,
      where: option.name,
    });
  }
}

/**
 * As `bindRequest`.
 * @throws RecurveError as `bindRequest`
 */
export function bindStack(request: RunRequest, face: CellInterface, stated: Sizes = {}): BoundRequest {
  const { signature } = face;
  const structure = structureOf(signature);
  const { directions, layers, states, output } = structure;
  const { state, cotangents, weights, params } = request;
  const ledger = new SizeLedger();
  const along = [axisOf('T'), axisOf('B')];
  const measure = (group: string, axes: Readonly<Record<string, readonly Axis[]>>, given: Tensors) => {
    const names = Object.keys(axes).map((name) => ({ name }));
    refuseUnknown(group, names, given, MODEL);
    for (const [name, tensor] of Object.entries(given)) ledger.measure(`${group}.${name}`, tensor.shape, axes[name] ?? []);
  };
  const ofStates = Object.fromEntries(
    Object.entries(states).map(([name, last]) => [name, [{ times: layers * directions }, axisOf('B'), last]]),
  );
  requireAll('inputs', [{ name: 'x' }], request.inputs, MODEL);
  measure('inputs', { x: [...along, axisOf('I')] }, request.inputs);
  checkParamSource(request, signature);
  if (weights) measureAny(ledger, weights, face);
  if (params) measureGroup(ledger, 'params', signature.params, params, [], MODEL);
  measure('state', ofStates, state);
  if (cotangents) {
    measure('cotangents.outputs', { h: [...along, output] }, cotangents.outputs);
    measure('cotangents.state', ofStates, cotangents.state);
  }
  const framework = ofFramework(weights);
  const known = new SizeLedger();
  for (const [dim, size] of Object.entries({ ...stated, ...ledger.sizes() })) known.record(dim, size, dim, 'DATA-SHAPE', dim);
  const sizes = settle(known, signature);
  const { weights: _weights, reverse: _reverse, ...others } = request;
  return bindRequest(
    {
      ...others,
      inputs: {
        ...request.inputs,
        ...(signature.options.initialState === true
          ? initialOf(state, Object.keys(states), layers * directions, sizes, states)
          : {}),
      },
      state: {},
      ...(framework ? { params: stackParams(framework, structure, sizes) } : weights ? { weights } : {}),
      ...(cotangents
        ? {
            cotangents: {
              outputs: { ...renamed(cotangents.outputs, { h: 'y' }), ...renamed(exchangedAll(cotangents.state), FINAL) },
              state: {},
            },
          }
        : {}),
    },
    face,
    stated,
  );
}

/** Sizes that the weights of all layers fix. @throws RecurveError `WEIGHTS-*` */
export function stackSizes(weights: NonNullable<RunRequest['weights']>, face: CellInterface): Sizes {
  const ledger = new SizeLedger();
  measureAny(ledger, weights, face);
  return ledger.sizes();
}

/** recurve's own are the model's parameters; a framework's are laid out layer by layer. */
function measureAny(ledger: SizeLedger, weights: NonNullable<RunRequest['weights']>, { signature }: CellInterface): void {
  const framework = ofFramework(weights);
  if (framework) measureStack(ledger, framework, structureOf(signature));
  else measureWeights(ledger, weights.format, MODEL, signature, weights.tensors);
}

/** What is missing is zero. */
function initialOf(
  given: Tensors,
  names: readonly string[],
  rows: number,
  sizes: Sizes,
  states: Readonly<Record<string, Axis>>,
): Tensors {
  return Object.fromEntries(
    names.map((name) => {
      const shape = [sizes.B ?? 0, rows, sizes[states[name]?.dim ?? ''] ?? 0];
      const tensor = own(given, name);
      return [INITIAL[name] ?? name, tensor ? exchanged(tensor) : { shape, data: new Float32Array(elements(shape)) }];
    }),
  );
}

/** What the model drew for itself, in the form of requests. */
export function stackDrawn(inputs: Tensors): Pick<RunRequest, 'inputs' | 'state'> {
  const { x, ...initial } = inputs;
  return { inputs: x ? { x } : {}, state: statesOf(initial, INITIAL) };
}

/** The results of the model under the names of requests; gradients of parameters stay as they are. */
export function stackResult({ outputs, gradients }: CellResult): CellResult {
  return {
    outputs: renamed(outputs, { y: 'h' }, ['y']),
    state: statesOf(outputs, FINAL),
    ...(gradients
      ? {
          gradients: {
            inputs: renamed(gradients.inputs, {}, ['x']),
            state: statesOf(gradients.inputs, INITIAL),
            params: gradients.params,
          },
        }
      : {}),
  };
}

/** As `toResponse`, of results under the names of requests. */
export function stackResponse(result: CellResult, request: RunRequest, { signature }: CellInterface, sizes: Sizes): RunResponse {
  const weights = ofFramework(request.weights);
  if (!weights) return toResponse(result, request, signature, sizes);
  const { outputs, state, gradients } = result;
  if (!gradients) return { outputs, state };
  const { params, ...others } = gradients;
  return { outputs, state, gradients: { ...others, weights: stackGradients(weights, structureOf(signature), sizes, params) } };
}

/** @param only those of the tensors that are taken */
function renamed(tensors: Tensors, names: Readonly<Record<string, string>>, only = Object.keys(tensors)): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => only.includes(name))
      .map(([name, tensor]) => [names[name] ?? name, tensor]),
  );
}

/** The model's tensors of states as those of a request. @param names by state, what the model calls it */
function statesOf(tensors: Tensors, names: Readonly<Record<string, string>>): Tensors {
  return Object.fromEntries(
    Object.entries(names).flatMap(([state, name]): [string, Tensor][] => {
      const tensor = own(tensors, name);
      return tensor ? [[state, exchanged(tensor)]] : [];
    }),
  );
}

function exchangedAll(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, exchanged(tensor)]));
}

/** The first two axes exchanged: `[L·D, B, H]` of a request is `[B, L·D, H]` in the model. */
function exchanged({ shape, data }: Tensor): Tensor {
  const [rows = 1, columns = 1, ...rest] = shape;
  const width = elements(rest);
  const result = data instanceof Float64Array ? new Float64Array(data.length) : new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + column) * width;
      result.set(data.subarray(from, from + width), (column * rows + row) * width);
    }
  }
  return { shape: [columns, rows, ...rest], data: result };
}
