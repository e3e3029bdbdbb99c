/**
 * A loop whose step is affine in what it carries, or a maximum of sums of it, as a scan over stretches of it (reduce, then scan, in
 * three dispatches; no workgroup waits for another one):
 *   sums    each stretch as one such function of what it begins with, all stretches side by side
 *   starts  what each stretch begins with, one after the other
 *   walk    the loop's own phases, all stretches side by side
 * So only what stretches begin with is computed in another order than step by step.
 */
import { argumentsOf, type NodeId, type Shape } from '../ir/graph.js';
import { preorder } from '../ir/walk.js';
import { affineForms } from '../passes/affine.js';
import { type Form, isForms } from '../passes/forms.js';
import { maxPlusForms } from '../passes/max-plus.js';
import type { Recurrence } from '../passes/recurrence.js';
import type { LoopStrategy } from '../plan.js';
import { type Carried, carriedOf, keyOf, type Loop, writtenBy } from './carried.js';
import type { Section } from './passes.js';
import { type Access, widthOf } from './places.js';
import type { Storage } from './storage.js';
import { LOAD, takes } from './weights.js';

/** More values of a unit than these are carried by no scan: a step of the sums costs their number cubed. */
export const MOST_CARRIED = 4;

/** What a step is in what it carries: Σ factor ⊙ old + rest, or max(old + factor, …, rest). */
export type Algebra = 'affine' | 'max-plus';

/** Instructions that putting one factor behind another takes. */
const COMPOSITION = 25;

/** What units of one shape carry. */
export interface ScanGroup {
  readonly algebra: Algebra;
  readonly shape: Shape;
  readonly carried: readonly Carried[];
  /** For each carried value: the factor of each, where it has any, and the rest. */
  readonly factors: readonly (readonly (NodeId | undefined)[])[];
  readonly rests: readonly (NodeId | undefined)[];
  /** Values in memory that these are made of, and those that are read at other units. */
  readonly loads: ReadonlyMap<NodeId, Access>;
  readonly afar: ReadonlySet<NodeId>;
}

export interface Scan {
  readonly groups: readonly ScanGroup[];
  /** Steps of a stretch. */
  readonly stretch: number;
}

/** @returns why it cannot be one, where it cannot; `meeting` has found nothing */
export function scanOf({ builder, storage }: Section, loop: Loop): Scan | string {
  const carried = carriedOf(loop);
  const written = writtenBy(loop);
  const loads = new Map<NodeId, Access>();
  const afar = new Set<NodeId>();
  for (const { phase } of loop.passes) {
    const [contraction] = phase.contractions;
    if (contraction !== undefined) return `a product stands in the loop (spec line ${lineOf(contraction.id)})`;
    for (const [id, access] of phase.loads) {
      if (carried.some(({ leaves }) => leaves.includes(id))) continue;
      const { place, shift } = access;
      if (!written.has(keyOf(place))) {
        loads.set(id, access);
        if (phase.afar.has(id)) afar.add(id);
        continue;
      }
      // A value of this step that another phase left is computed again from what it is made of.
      const here = loop.passes.some(({ phase: { stores } }) => stores.some((one) => one.place === place && one.shift === shift));
      if (!here) return `more than one step lies between what is read and what is written (spec line ${lineOf(id)})`;
      if (place.layout !== 'sequence') return 'its phases leave each other what only one step can have at a time';
    }
  }
  if (carried.length === 0) return 'a step brings nothing to the next';
  const groups: ScanGroup[] = [];
  for (const key of new Set(carried.map(({ place }) => place.shape.join()))) {
    const own = carried.filter(({ place }) => place.shape.join() === key);
    if (own.length > MOST_CARRIED) return `a unit carries ${own.length} values, and ${MOST_CARRIED} at most can be scanned`;
    const found = algebraOf(own);
    if (typeof found === 'string') return found;
    const { algebra, forms } = found;
    const instructions = instructionsOf(forms);
    const most = 2 * storage.target.maxKernelInstructions;
    if (instructions > most) return `its sums would have ${instructions} instructions, and a kernel ${most} at most`;
    groups.push({
      algebra,
      shape: own[0]?.place.shape ?? [],
      carried: own,
      factors: forms.map(({ factors }) => factors),
      rests: forms.map(({ rest }) => rest),
      loads,
      afar,
    });
  }
  return { groups, stretch: stretchOf(storage.steps) };

  function algebraOf(own: readonly Carried[]): { readonly algebra: Algebra; readonly forms: readonly Form[] } | string {
    const [old, next] = [own.map(({ leaves }) => leaves), own.map(({ value }) => value)];
    const affine = affineForms(builder, old, next);
    if (isForms(affine)) return { algebra: 'affine', forms: affine };
    const maxPlus = maxPlusForms(builder, old, next);
    if (isForms(maxPlus)) return { algebra: 'max-plus', forms: maxPlus };
    const [first, second] = [affine, maxPlus].map(({ op, span }) => `${op} (spec line ${span.line})`);
    const both = first === second ? '' : `, and no maximum of sums of it: ${second}`;
    return `a step is not affine in what it carries: ${first}${both}`;
  }

  /** About how many the kernel has that puts one step behind another. */
  function instructionsOf(forms: readonly Form[]): number {
    let sum = COMPOSITION * forms.length ** 3;
    const roots = forms.flatMap(({ factors, rest }) => [...factors, rest]).filter((id) => id !== undefined);
    preorder(roots, (id) => {
      const node = builder.node(id);
      sum += loads.has(id) ? LOAD : takes(node);
      return loads.has(id) ? [] : argumentsOf(node);
    });
    return sum;
  }

  function lineOf(id: NodeId): number {
    return builder.node(id).span.line;
  }
}

/** As many steps as there are stretches, about: what is one after the other is both. */
const stretchOf = (steps: number): number => Math.max(8, 2 ** Math.ceil(Math.log2(Math.sqrt(steps))));

/** Steps that a scan must save to be worth its second walk, and lanes below which a machine has others to spare. */
const LEAST_STEPS = 512;
const FEW_LANES = 2 ** 13;
/** Recurrences of which some loop may be a scan. */
const SCANNED: readonly Recurrence[] = ['affine', 'max-plus', 'per unit'];

/** Whether loops of a section are scans where they may be: as asked, or where few lanes of their own leave the machine idle. */
export function wantsScans(storage: Storage, recurrence: Recurrence, asked: LoopStrategy | undefined): boolean {
  if (asked !== undefined) return asked === 'scan';
  const lanes =
    storage.size('B') * Math.max(...storage.signature.state.map(({ shape }) => widthOf({ extents: storage.extents(shape) })));
  // A processor is soon busy.
  return !storage.target.software && SCANNED.includes(recurrence) && storage.steps >= LEAST_STEPS && lanes <= FEW_LANES;
}
