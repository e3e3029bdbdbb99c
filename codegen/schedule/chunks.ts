/** Passes that serve many matrices or sum many terms, in several kernels of a bearable size. */
import type { Target } from '../plan.js';
import type { Merged } from './merge.js';
import type { Pass } from './passes.js';

/** Instructions of one term of an outer product: eight accumulators, in two sums, and where the factors lie. */
const OUTER_TERM = 50;
/** Of one loop over partial sums. */
const PARTIAL = 12;
/** A member adds a number to each table of a kernel; tables are constants, which compilers keep in the code. */
const MOST_MEMBERS = 512;

/** The pass, or passes in its place that have the same results in memory. */
export function inChunks(pass: Pass, { maxKernelInstructions: most }: Target): Pass[] {
  switch (pass.kind) {
    case 'copy':
      return membersOf(pass.copies, MOST_MEMBERS).map((copies, part) => ({ ...pass, copies, name: nameOf(pass, part) }));
    case 'outer': {
      const terms = Math.max(1, Math.floor(most / OUTER_TERM));
      const members = membersOf(pass.products, MOST_MEMBERS);
      const starts = startsOf(pass.products.common.terms.length, terms);
      return members
        .flatMap(({ common, members: own }) =>
          starts.map((from): Pass => {
            const products = {
              common: { ...common, terms: common.terms.slice(from, from + terms) },
              members: own.map((member) => ({ ...member, terms: member.terms.slice(from, from + terms) })),
            };
            return { ...pass, products, onto: from === 0 ? pass.onto : 'former' };
          }),
        )
        .map((chunk, part) => ({ ...chunk, name: nameOf(pass, part) }));
    }
    case 'gather': {
      const partials = Math.max(1, Math.floor(most / PARTIAL));
      const chunks: Pass[] = [];
      const add = (members: Extract<Pass, { kind: 'gather' }>['sums']['members'], onto: 'nothing' | 'former') =>
        chunks.push({ ...pass, sums: { ...pass.sums, members }, onto, name: nameOf(pass, chunks.length) });
      let open: (typeof pass.sums.members)[number][] = [];
      let taken = 0;
      for (const sum of pass.sums.members) {
        if (open.length > 0 && taken + sum.partials.length > partials) {
          add(open, pass.onto);
          [open, taken] = [[], 0];
        }
        open.push({ ...sum, partials: sum.partials.slice(0, partials) });
        taken += sum.partials.length;
        // What is left of one parameter's sum is added to what the passes so far wrote.
        for (const from of startsOf(sum.partials.length, partials).slice(1)) {
          if (open.length > 0) add(open, pass.onto);
          [open, taken] = [[], 0];
          add([{ ...sum, partials: sum.partials.slice(from, from + partials) }], 'former');
        }
      }
      if (open.length > 0) add(open, pass.onto);
      return chunks;
    }
    default:
      return [pass];
  }
}

function membersOf<Common, Own>({ common, members }: Merged<Common, Own>, most: number): Merged<Common, Own>[] {
  return startsOf(members.length, most).map((from) => ({ common, members: members.slice(from, from + most) }));
}

/** Where chunks of `most` begin; one at least. */
function startsOf(count: number, most: number): number[] {
  return Array.from({ length: Math.max(1, Math.ceil(count / most)) }, (_, part) => part * most);
}

const nameOf = ({ name }: Pass, part: number): string => (part === 0 ? name : `${name}_part${part}`);
