/** The frontend: spec file → cell tree → signature → step graph. */

export { copySpec, type SpecCopy } from './copy-spec.js';
export { constantOf, fillingOf } from './declare/constant.js';
export { SPEC_CODES, type SpecCode } from './diagnostics/codes.js';
export { formatDiagnostic, formatDiagnostics } from './diagnostics/format.js';
export { badName } from './language/vocabulary.js';
export { lower } from './lower/lower.js';
export { completeOptions, resolveOptions } from './lower/options.js';
export { resolveSignature } from './lower/resolve.js';
export { isCurrent, parseCell, parseCellSource, parseSpec, parseSpecSource } from './parse.js';
export { isKeyword } from './source/syntax.js';
export { checkSpec, resolveSpec, valuesOf } from './spec.js';
