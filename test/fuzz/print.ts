/** A model as the text of a spec. */

import { LIBRARY } from '../../codegen/frontend/language/library.js';
import { BUILTINS, DECLARATORS } from '../../codegen/frontend/language/vocabulary.js';
import type { Declared, Expr, Model, Statement } from './model.js';

const EXPORTS = [...Object.keys(BUILTINS), ...LIBRARY, ...DECLARATORS];

export function printExpr({ text, args }: Pick<Expr, 'text' | 'args'>): string {
  return text.replace(/\$(\d)/g, (_, position: string) => {
    const argument = args[Number(position)];
    if (argument === undefined) throw new Error(`no argument ${position} for ${text}`);
    return printExpr(argument);
  });
}

export function printModel(model: Model): string {
  const results = [...Object.entries(model.next), ...Object.entries(model.outputs)];
  const returned = results.map(([name, value]) => `${name}: ${printExpr(value)}`);
  const statements = reached(model.statements, returned.join());
  const body = [...statements, `return {\n${returned.map((line) => `  ${line},`).join('\n')}\n};`].join('\n');
  const helpers = reached(model.helpers, body);
  const group = (title: Declared['group'], prefix: string) =>
    Object.entries(model.declared).filter(
      ([name, { group: own }]) => own === title && (title === 'state' ? name in model.next : mentions(body, `${prefix}.${name}`)),
    );
  const [inputs, state, params] = [group('inputs', 'x'), group('state', 's'), group('params', 'p')];
  const declarations = [...inputs, ...state, ...params].map(([, { text }]) => text).join();
  const options = Object.entries(model.options).filter(([name]) => mentions(`${declarations} ${body}`, `o.${name}`));
  const dims = Object.keys(model.sizes).filter((dim) => `${declarations} ${body} ${helpers.join()}`.includes(`'${dim}'`));
  const table = (entries: readonly (readonly [string, { readonly text: string }])[]) => {
    const text = `{ ${entries.map(([name, { text: declared }]) => `${name}: ${declared}`).join(', ')} }`;
    return /(?<![\w.])o\./.test(text) ? `(o) => (${text})` : text;
  };
  const definition = [
    "name: 'fuzzed'",
    ...(options.length > 0 ? [`options: ${table(options)}`] : []),
    `dims: [${dims.map((dim) => `'${dim}'`).join(', ')}]`,
    `inputs: ${table(inputs)}`,
    `state: ${table(state)}`,
    `params: ${table(params)}`,
    ...(model.listed ? [`outputs: [${listed(model)}]`] : []),
    `step(x, s, p, { options: o, t }) {\n${indent(body)}\n}`,
  ];
  const text = `${[...helpers, ''].join('\n')}export default cell({\n${definition.map((line) => `${indent(line)},`).join('\n')}\n});\n`;
  const used = [body, declarations, ...helpers, ...options.map(([, { text: declared }]) => declared)].join('\n');
  const names = ['cell', ...EXPORTS.filter((name) => new RegExp(`(?<![.\\w])${name}\\(`).test(used))];
  return `import { ${names.join(', ')} } from 'recurve';\n${text}`;
}

/** Every further value, or the first state where there is none: fewer than a caller gets by default. */
function listed({ next, outputs }: Model): string {
  const further = Object.keys(outputs);
  return (further.length > 0 ? further : Object.keys(next).slice(0, 1)).map((name) => `'${name}'`).join(', ');
}

/** The statements that `text` needs, themselves or through others, in order. */
function reached(statements: readonly Statement[], text: string): string[] {
  let needed = text;
  const kept: string[] = [];
  for (const statement of statements.toReversed()) {
    if (!Object.keys(statement.defines).some((name) => mentions(needed, name))) continue;
    const printed = printExpr(statement);
    kept.unshift(printed);
    needed += printed;
  }
  return kept;
}

export function mentions(text: string, name: string): boolean {
  return new RegExp(`(?<![.\\w'])${name.replace('.', '\\.')}(?!\\w)`).test(text);
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
