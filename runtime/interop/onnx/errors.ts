/** The errors of reading ONNX files, all of one form. */
import type { ErrorCode } from '../../../codegen/error-codes.js';
import { RecurveError } from '../../../codegen/errors.js';

const OTHERWISE = 'Export the model again, or save the weights of the layer as safetensors and give them to --weights.';

/** An error about an ONNX file; `where` names the file, the node or the tensor. */
export function onnxError(
  code: Extract<ErrorCode, `ONNX-${string}`>,
  message: string,
  where: string,
  { fix = OTHERWISE, cause }: { readonly fix?: string | undefined; readonly cause?: unknown } = {},
): RecurveError {
  return new RecurveError({ code, message, where, fix }, { cause });
}
