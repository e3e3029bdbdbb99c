/** What a request keeps in a safetensors file's `__metadata__`, where every value is text. */
import { RecurveError } from '../../../codegen/errors.js';
import type { OptionValue } from '../../../codegen/frontend/tree.js';
import { nearest } from '../../../codegen/suggest.js';
import { quote } from '../describe.js';
import { initAt, optionsAt, seedAt } from '../fields.js';
import { METADATA_KEYS } from '../form.js';

export interface Metadata {
  readonly cell: string | undefined;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly reverse: boolean | undefined;
  readonly seed: number | undefined;
  readonly init: { readonly seed: number } | undefined;
  readonly format: string | undefined;
}

/** @throws RecurveError `SAFETENSORS-METADATA`, `DATA-OPTION`, `DATA-SEED`, `DATA-TYPE`, `DATA-KEY` */
export function readMetadata(metadata: Readonly<Record<string, string>>, source: string): Metadata {
  for (const key of Object.keys(metadata)) checkMetadataKey(key, source);
  const entries = new Map(Object.entries(metadata));
  const reverse = entries.get('reverse');
  if (reverse !== undefined && reverse !== 'true' && reverse !== 'false') {
    throw new RecurveError({
      code: 'SAFETENSORS-METADATA',
      message: `reverse in the metadata of ${source} must be "true" or "false", found ${quote(reverse)}`,
      fix: 'Write "true" or "false"; every value of the metadata is text.',
      where: 'reverse',
    });
  }
  const seed = entries.get('seed');
  const init = entries.get('init');
  return {
    cell: entries.get('cell'),
    options: optionsAt(jsonIn(entries.get('options') ?? '{}', 'options', '{"activation": "relu"}', source), 'options'),
    reverse: reverse === undefined ? undefined : reverse === 'true',
    seed: seed === undefined ? undefined : seedAt(/^\d+$/.test(seed) ? Number(seed) : seed),
    init: init === undefined ? undefined : initAt(jsonIn(init, 'init', '{"seed": 7}', source)),
    format: entries.get('weights.format'),
  };
}

/** Other writers leave their own keys (`format: "pt"`), so only a near miss of ours is refused. */
function checkMetadataKey(key: string, source: string): void {
  const known: readonly string[] = METADATA_KEYS;
  const suggestion = known.includes(key) ? undefined : nearest(key, known);
  if (suggestion === undefined) return;
  throw new RecurveError({
    code: 'SAFETENSORS-METADATA',
    message: `the metadata of ${source} has an unknown key ${quote(key)}`,
    fix: `Did you mean ${quote(suggestion)}?`,
    where: quote(key),
  });
}

function jsonIn(text: string, key: string, example: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RecurveError(
      {
        code: 'SAFETENSORS-METADATA',
        message: `${key} in the metadata of ${source} is not JSON: ${quote(text)}`,
        fix: `Write it as JSON text, such as ${example}.`,
        where: key,
      },
      { cause },
    );
  }
}
