/** A run's results in the form of the data file: JSON or safetensors. */
import { RecurveError } from '../../codegen/errors.js';
import type { Signature } from '../../codegen/frontend/tree.js';
import type { Sizes } from '../../codegen/plan.js';
import type { CellResult, Tensor, Tensors } from '../data.js';
import { shapeText } from './describe.js';
import { writeSafetensors } from './safetensors.js';
import type { RunRequest } from './types.js';
import { gradientsToWeights } from './weights/index.js';

/** As `CellResult`, the parameters' gradients in the layout in which the parameters came. */
export interface RunResponse {
  readonly outputs: Tensors;
  readonly state: Tensors;
  readonly gradients?: {
    readonly inputs: Tensors;
    readonly state: Tensors;
    readonly params?: Tensors;
    readonly weights?: Tensors;
  };
}

interface TensorDocument {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type TensorDocuments = Readonly<Record<string, TensorDocument>>;
type GradientGroup = keyof NonNullable<RunResponse['gradients']>;

/** What `run` prints. */
export interface ResponseDocument {
  readonly outputs: TensorDocuments;
  readonly state: TensorDocuments;
  readonly gradients?: Partial<Readonly<Record<Exclude<GradientGroup, 'weights'>, TensorDocuments>>> & {
    /** Of a chain of ONNX nodes as it came, node by node. */
    readonly weights?: TensorDocuments | { readonly layers: readonly TensorDocuments[] };
  };
}

/** The first element of a result that is not a number. */
export interface NonFinite {
  /** Its path: `gradients.params.W`. */
  readonly tensor: string;
  /** One index for each axis. */
  readonly index: readonly number[];
  readonly value: number;
}

/** Puts the gradients of parameters that came as `weights` back into the framework's layout. */
export function toResponse(result: CellResult, request: RunRequest, signature: Signature, sizes: Sizes): RunResponse {
  const { outputs, state, gradients } = result;
  const { weights } = request;
  if (!gradients || !weights) return { outputs, state, ...(gradients ? { gradients } : {}) };
  const { params, ...others } = gradients;
  const packed = gradientsToWeights(weights.format, signature.name, signature, sizes, params, weights.tensors);
  return { outputs, state, gradients: { ...others, weights: packed } };
}

/** Every tensor by its path: `outputs.h`, `state.h`, `gradients.inputs.x`, … */
export function flatten(response: RunResponse | CellResult): Readonly<Record<string, Tensor>> {
  const { outputs, state, gradients } = response;
  const groups: [string, Tensors][] = [
    ['outputs', outputs],
    ['state', state],
    ...Object.entries<Tensors>(gradients ?? {}).map(([group, tensors]): [string, Tensors] => [`gradients.${group}`, tensors]),
  ];
  return Object.fromEntries(
    groups.flatMap(([group, tensors]) => Object.entries(tensors).map(([name, tensor]) => [`${group}.${name}`, tensor])),
  );
}

/** The first NaN or infinity, in the order of the document. */
export function firstNonFinite(response: RunResponse | CellResult): NonFinite | undefined {
  for (const [tensor, { shape, data }] of Object.entries(flatten(response))) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) return { tensor, index: unravel(at, shape), value: data[at] ?? Number.NaN };
  }
  return undefined;
}

/**
 * What is read of data is finite (reading refuses others), so a NaN or infinity arose in the run; it must not pass silently.
 *
 * @param cause what made it, if anyone can tell: looked for only where something is not finite
 * @throws RecurveError `RESULT-NONFINITE`, exit code 1
 */
export function requireFinite(
  response: RunResponse | CellResult,
  cause: (tensor: string) => string | undefined = () => undefined,
): void {
  const found = firstNonFinite(response);
  if (!found) return;
  const because = cause(found.tensor);
  throw new RecurveError({
    code: 'RESULT-NONFINITE',
    message: `${found.tensor}${shapeText(found.index)} came out as ${found.value} from finite data${because ? `: ${because}` : ''}`,
    fix: 'Keep that operation within its domain and float32 (a guard such as `d > 0 ? x / d : 0` is enough), scale the data or the parameters, or shorten the sequence.',
    where: found.tensor,
    exitCode: 1,
  });
}

/**
 * The document of a response. JSON has no NaN, so none gets this far.
 *
 * @throws RecurveError `RESULT-NONFINITE`
 */
export function toDocument(response: RunResponse): ResponseDocument {
  requireFinite(response);
  const { outputs, state, gradients } = response;
  return {
    outputs: documents(outputs),
    state: documents(state),
    ...(gradients
      ? {
          gradients: Object.fromEntries(
            Object.entries(gradients).map(([group, tensors]) => [
              group,
              group === 'weights' ? weightDocuments(tensors) : documents(tensors),
            ]),
          ),
        }
      : {}),
  };
}

/**
 * One line of JSON, to print or to write.
 *
 * @throws RecurveError `DATA-TOO-LARGE` where the text would not fit a string
 */
export function toJson(document: object): string {
  try {
    return JSON.stringify(document);
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'DATA-TOO-LARGE',
        message: 'the result is too large for JSON',
        fix: 'Write it to a *.safetensors file.',
        where: 'outputs',
      },
      { cause },
    );
  }
}

/**
 * The safetensors form, names flattened: F32 from the device, F64 from the reference.
 *
 * @throws RecurveError `RESULT-NONFINITE`
 */
export function toSafetensors(response: RunResponse): Uint8Array {
  requireFinite(response);
  return writeSafetensors(flatten(response));
}

function documents(tensors: Tensors): TensorDocuments {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data) }]));
}

/** A chain of ONNX nodes goes back as the list that it came as. */
function weightDocuments(tensors: Tensors): TensorDocuments | { readonly layers: readonly TensorDocuments[] } {
  const layers: Record<string, TensorDocument>[] = [];
  for (const [name, document] of Object.entries(documents(tensors))) {
    const [, layer, part] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (layer === undefined || part === undefined) return documents(tensors);
    const node = layers[Number(layer)] ?? {};
    node[part] = document;
    layers[Number(layer)] = node;
  }
  return layers.length === 0 ? documents(tensors) : { layers };
}

function unravel(at: number, shape: readonly number[]): number[] {
  let rest = at;
  return shape
    .toReversed()
    .map((size) => {
      const index = rest % size;
      rest = Math.floor(rest / size);
      return index;
    })
    .reverse();
}
