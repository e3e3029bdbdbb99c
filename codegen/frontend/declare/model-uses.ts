/** What a model declares and nothing uses, as far as its text shows: layers that are never called, axes without inputs. */
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import type { Recovery } from '../diagnostics/recovery.js';
import type { ModelTree } from '../tree.js';

export function checkUses(tree: ModelTree, recovery: Recovery, diagnostics: Diagnostics): void {
  // A use that is misspelt, or hidden by another mistake, is one mistake and not two.
  if (diagnostics.any || recovery.stepOpen) return;
  const used = namesRead([tree.run, Object.values(tree.helpers)]);
  for (const { name, span } of tree.layers) {
    if (used.has(name)) continue;
    const message = `the layer \`${name}\` is never called`;
    diagnostics.report('SPEC-UNUSED-LAYER', span, message, `Call it in \`run\`, \`${name}({ x }).h\`, or remove it.`);
  }
  const over = new Set(tree.inputs.entries.map(({ time }) => time?.name));
  for (const { name, span } of tree.times.length > 1 ? tree.times : []) {
    if (over.has(name)) continue;
    const message = `no input is over the time axis \`${name}\`, so nothing says how long it is`;
    diagnostics.report('SPEC-TIME-UNUSED', span, message, `Write \`x: over('${name}', …)\`, or remove it from \`times\`.`);
  }
}

/** Members and strings, and of what is taken apart those whose local name is read. */
function namesRead(part: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const locals = new Map<string, string>();
  const read = new Set<string>();
  const seen = new Set<object>();
  const open = [part];
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    const { kind, name, property, value: text } = value as Readonly<Record<string, unknown>>;
    if (kind === 'member') found.add(String(property));
    else if (kind === 'string') found.add(String(text));
    else if (kind === 'name') read.add(String(name));
    else if (kind === undefined && property !== undefined) locals.set(String(name), String(property));
    open.push(...Object.values(value));
  }
  for (const [local, property] of locals) if (read.has(local)) found.add(property);
  return found;
}
