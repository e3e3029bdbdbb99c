/** docs/errors.md: every code that an error can have, and what it means. */
import { ERROR_CODES } from '../../codegen/error-codes.js';

/** What stands above the codes of a family, by how they begin; a code belongs to the first that fits. */
const FAMILIES: readonly (readonly [title: string, codes: RegExp])[] = [
  ['Adapters and devices', /^(ADAPTER|DEVICE|LIMIT)-/],
  ['Cells, dims and options', /^(CELL|DIMS|OPTION|SET|TRACE|GRADIENTS)-/],
  ['Layers', /^(DESCENT|LAYER|PARAMS)-|^RESULT-UNKNOWN|^RUN-(EXTENT|GRADIENTS|ORDER)/],
  ['Data', /^(DATA|RESULT)-/],
  ['Weights of other frameworks', /^(WEIGHTS|ONNX|SAFETENSORS)-/],
  ['Specs', /^SPEC-/],
  ['The command line', /./],
];

const TOP = `# Errors

Every error that a user can cause is a \`RecurveError\`, exported from \`recurve/runtime\`, \`recurve/node\` and \`recurve/codegen\`: \`code\` says
which, stays what it is, and is one of \`ERROR_CODES\`; \`message\` says what was found, \`fix\` what to do, \`where\` which part of the input it
is about. A \`SpecError\` has all \`diagnostics\` of a spec, each with its own code and place. With \`--json\` the command line prints the same.

\`\`\`ts
import { open, RecurveError } from 'recurve/node';

try {
  const gpu = await open({ adapter: 'hardware' });
  gpu.close();
} catch (error) {
  if (!(error instanceof RecurveError) || error.code !== 'ADAPTER-NONE') throw error;
  console.log(error.message, error.fix);
}
\`\`\`
`;

export function errorPage(): string {
  const codes = Object.entries(ERROR_CODES);
  const familyOf = (code: string) => FAMILIES.find(([, pattern]) => pattern.test(code))?.[0];
  const sections = FAMILIES.map(([title]) => {
    const rows = codes.filter(([code]) => familyOf(code) === title).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
    return `## ${title}\n\n| code | meaning |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return [TOP, ...sections].join('\n');
}
