/** Words for messages: whatever a data file holds, a message stays one short line. */
import { visible } from '../../codegen/visible.js';

const LONGEST = 60;

/** A name or string out of a data file, quoted, escaped and clipped. */
export function quote(text: string): string {
  // JSON leaves DEL, the C1 controls, line separators and direction marks as they are.
  return visible(JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text));
}

/** `inputs.x`; a name that would not read well in a sentence is quoted. */
export function pathOf(group: string, name: string): string {
  return `${group}.${/^[\w.-]{1,60}$/.test(name) ? name : quote(name)}`;
}

/** What kind of JSON value this is: `null`, `a string`, `the number 1.5`. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'boolean') return String(value);
  return 'an object';
}

/** `[5, 3, 7]`, clipped. */
export function shapeText(shape: readonly (number | string)[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`;
}

/** `a, b and c`, clipped. */
export function listText(names: readonly string[]): string {
  const shown = names.length > 8 ? [...names.slice(0, 8), `${names.length - 8} more`] : names;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** The value of an own property: a data file may name a tensor `constructor`. */
export function own<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
