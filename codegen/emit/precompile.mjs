// Compiles kernels/templates/*.wgsl.hbs into one module, so that emission needs no file system and no template
// compiler, in Node or in a browser. noEscape: `array<f32>` must not become `array&lt;f32&gt;`.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import Handlebars from 'handlebars';

const folder = new URL('../../kernels/templates/', import.meta.url);
const options = { strict: true, noEscape: true, preventIndent: true, knownHelpersOnly: true };
const entries = readdirSync(folder)
  .filter((file) => file.endsWith('.wgsl.hbs'))
  .sort()
  .map(
    (file) =>
      `  ${JSON.stringify(file.replace('.wgsl.hbs', ''))}: ${Handlebars.precompile(readFileSync(new URL(file, folder), 'utf8'), options)},`,
  );
const target = new URL('precompiled.ts', folder);
const beside = new URL('precompiled.ts.new', folder);
writeFileSync(
  beside,
  `// @ts-nocheck: made by codegen/emit/precompile.mjs from *.wgsl.hbs.\nexport const templates: Readonly<Record<string, unknown>> = {\n${entries.join('\n')}\n};\n`,
);
renameSync(beside, target);
