/** The declarations of the per-unit functions, as specs import them: `kernels/functions.ts` is this text. */
import { functions, inOrder } from './index.js';
import type { FunctionRecord, Parameter } from './record.js';

const WIDTH = 120;

/** The text of `kernels/functions.ts`. */
export function declarations(): string {
  const entries: readonly (readonly [string, FunctionRecord])[] = inOrder(functions);
  return `/**
 * The per-unit functions of the cell language. Written by \`npm run declarations\` from the records in codegen/ops, which
 * is where to change them.
 */
import { notExecuted } from './not-executed.js';

${entries.map(([name, record]) => declaration(name, record)).join('\n')}`;
}

function declaration(name: string, { parameters, equation, summary }: FunctionRecord): string {
  const static_ = parameters.flatMap(({ name: parameter, default: fallback }) =>
    fallback === undefined ? [] : [`\`${parameter}\` is static, and ${fallback} unless given.`],
  );
  return `${comment([`${equation}.`, ...static_, ...(summary === undefined ? [] : [summary])].join(' '))}
export function ${name}(${parameters.map(written).join(', ')}): number {
  return notExecuted('${name}');
}
`;
}

const written = ({ name, type, default: fallback }: Parameter): string =>
  `_${name}${fallback === undefined ? '' : '?'}: ${type ?? 'number'}`;

/** A doc comment: one line where it fits, else as many as it takes. */
function comment(text: string): string {
  if (text.length <= WIDTH) return `/** ${text} */`;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= WIDTH - 2) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return `/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */`;
}
