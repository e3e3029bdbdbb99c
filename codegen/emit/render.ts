/** Fills a kernel skeleton. */
import handlebars from 'handlebars/runtime.js';
import { templates } from '../../kernels/templates/precompiled.js';

export type TemplateName =
  | 'phase'
  | 'together'
  | 'walk'
  | 'stage'
  | 'wave'
  | 'sums'
  | 'starts'
  | 'outer'
  | 'reduce'
  | 'gather'
  | 'accrue'
  | 'rows'
  | 'copy';

// The package's types leave out `create` for the runtime-only build.
const engine = (handlebars as unknown as { create(): typeof Handlebars }).create();
const specifications: Readonly<Record<string, unknown>> = templates;
const compiled = new Map(
  Object.entries(specifications).map(([name, specification]) => [name, engine.template(specification as TemplateSpecification)]),
);
for (const [name, template] of compiled) engine.registerPartial(name, template);

export function render(template: TemplateName, data: object): string {
  const fill = compiled.get(template);
  if (!fill) throw new Error(`no template ${template}`);
  return fill(data);
}
