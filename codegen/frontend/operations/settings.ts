/** The settings of a convolution: `{ padding: 'same', stride: 2, dilation: 1, to: 'Y' }`. */

import { didYouMean, listNames } from '../../suggest.js';
import { countArgument, type Operand } from '../machine/arguments.js';
import type { Machine } from '../machine/machine.js';
import { describe, type Value } from '../machine/values.js';

const PADDINGS = ['same', 'valid', 'causal'] as const;
const NAMES = ['padding', 'stride', 'dilation', 'to'] as const;

export interface Settings {
  readonly padding: (typeof PADDINGS)[number];
  /** One number for each position axis. */
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** The dims of the result's positions, not resolved yet. */
  readonly to: readonly Operand[] | undefined;
}

/** `undefined` after a mistake. */
export function settingsOf(machine: Machine, rank: number, operand: Operand | undefined): Settings | undefined {
  const value = operand?.value ?? NONE;
  if (value.kind === 'poison') return undefined;
  const span = operand?.span ?? machine.tree.span;
  if (value.kind !== 'object') {
    const message = `the settings of a convolution are an object, and this is ${describe(value, machine.builder)}`;
    machine.report('SPEC-CONV-SETTING', span, message, "Write `{ padding: 'same', stride: 1 }`.");
    return undefined;
  }
  let whole = true;
  const given = (name: (typeof NAMES)[number]): Operand | undefined => {
    const member = value.members.get(name);
    return member && { value: member, span: value.places?.get(name) ?? span };
  };
  for (const name of value.members.keys()) {
    if (NAMES.some((known) => known === name)) continue;
    const fix = didYouMean(name, NAMES, `There are ${listNames(NAMES)}.`);
    const at = value.places?.get(name) ?? span;
    machine.report('SPEC-CONV-SETTING', at, `convolutions have no setting \`${name}\``, fix);
    whole = false;
  }
  const padding = paddingOf(machine, given('padding'));
  const stride = countsOf(machine, rank, given('stride'), 'the stride');
  const dilation = countsOf(machine, rank, given('dilation'), 'the dilation');
  const to = given('to');
  const positions = to && itemsOf(machine, rank, to, '`to`');
  if (!whole || padding === undefined || stride === undefined || dilation === undefined) return undefined;
  return to !== undefined && positions === undefined ? undefined : { padding, stride, dilation, to: positions };
}

const NONE: Value = { kind: 'object', title: 'member', members: new Map(), open: false };

function paddingOf(machine: Machine, operand: Operand | undefined): Settings['padding'] | undefined {
  if (operand === undefined) return 'same';
  const { value, span } = operand;
  const found = PADDINGS.find((padding) => value.kind === 'static' && value.value === padding);
  if (found !== undefined || value.kind === 'poison') return found;
  const word = value.kind === 'static' ? String(value.value) : '';
  const fix = didYouMean(word, PADDINGS, `It is one of ${listNames(PADDINGS)}.`);
  machine.report('SPEC-CONV-SETTING', span, `\`padding\` cannot be ${describe(value, machine.builder)}`, fix);
  return undefined;
}

function countsOf(machine: Machine, rank: number, operand: Operand | undefined, what: string): number[] | undefined {
  if (operand === undefined) return Array.from({ length: rank }, () => 1);
  const both = operand.value.kind === 'array' || rank === 1 ? undefined : Array.from({ length: rank }, () => operand);
  const counts = (both ?? itemsOf(machine, rank, operand, what))?.map((item) => countArgument(machine, item, what, 1));
  const known = counts?.filter((count) => count !== undefined);
  return known?.length === rank ? known : undefined;
}

/** One item for each position axis: a pair for two. */
function itemsOf(machine: Machine, rank: number, { value, span }: Operand, what: string): Operand[] | undefined {
  if (value.kind === 'poison') return undefined;
  const items = value.kind === 'array' ? value.items : [value];
  if (items.length === rank) return items.map((item) => ({ value: item, span }));
  const message = `${what} has ${items.length === 1 ? 'one item' : `${items.length} items`} for ${rank === 1 ? 'one axis' : `${rank} axes`} of positions`;
  const fix = rank === 1 ? 'Write it without brackets.' : 'Write one for each axis: `[first, second]`.';
  machine.report('SPEC-CONV-SETTING', span, message, fix);
  return undefined;
}
