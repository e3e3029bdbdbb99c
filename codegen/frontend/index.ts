/** The frontend: spec file → cell tree → signature → step graph. */
export { checkSpec } from './check.js';
export { constantOf } from './constant.js';
export { copySpec, type SpecCopy } from './copy.js';
export { SPEC_CODES, type SpecCode } from './diagnostics.js';
export { formatDiagnostic, formatDiagnostics } from './format.js';
export { lower } from './lower.js';
export { completeOptions, resolveOptions } from './options.js';
export { isCurrent, parseCell, parseCellSource } from './parse.js';
export { resolveSignature } from './resolve.js';
export { isKeyword } from './syntax.js';
export { badName } from './vocabulary.js';
