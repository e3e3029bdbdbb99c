/** The errors of reading ONNX files, all of one form. */
import { RecurveError } from '../../../codegen/errors.js';

/** An error about an ONNX file; `where` names the file, the node or the tensor. */
export function onnxError(
  code:
    | 'FILE'
    | 'NOT-A-MODEL'
    | 'TRUNCATED'
    | 'CORRUPT'
    | 'NESTING'
    | 'NODE'
    | 'DIRECTION'
    | 'ATTRIBUTE'
    | 'WEIGHTS'
    | 'SIZE'
    | 'EXTERNAL',
  message: string,
  where: string,
  { fix, cause }: { readonly fix?: string; readonly cause?: unknown } = {},
): RecurveError {
  return new RecurveError({ code: `ONNX-${code}`, message, where, fix }, { cause });
}
