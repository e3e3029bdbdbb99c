/** The errors of reading ONNX files, all of one form. */
import type { ErrorCode } from '../../../codegen/error-codes.js';
import { RecurveError } from '../../../codegen/errors.js';

/** An error about an ONNX file; `where` names the file, the node or the tensor. */
export function onnxError(
  code: Extract<ErrorCode, `ONNX-${string}`>,
  message: string,
  where: string,
  { fix, cause }: { readonly fix?: string; readonly cause?: unknown } = {},
): RecurveError {
  return new RecurveError({ code, message, where, fix }, { cause });
}
