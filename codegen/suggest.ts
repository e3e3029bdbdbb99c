/** "Did you mean …": the nearest known name to one that was not found. */

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The candidate that `name` is most likely a slip of, or `undefined` when none is near. Ties go to the first. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate === name || candidate.length > 64) continue;
    const distance =
      candidate.toLowerCase() === name.toLowerCase() ? 0.5 : editDistance(name.toLowerCase(), candidate.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    // A one-letter name is one edit away from every other one: only its other case is a likely slip.
    const tooShort = name.length === 1 && candidate.length === 1 && distance >= 1;
    if (distance <= allowed && distance < bestDistance && !tooShort) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Did you mean …?` where a candidate is near, else `otherwise`. `mark` is what the message around it quotes names with. */
export function didYouMean(name: string, candidates: Iterable<string>, otherwise: string, mark = '`'): string {
  const candidate = nearest(name, candidates);
  return candidate === undefined ? otherwise : `Did you mean ${mark}${candidate}${mark}?`;
}

/** `` `a`, `b` and `c` `` for messages; long lists are cut. */
export function listNames(names: Iterable<string>): string {
  const all = [...names].map((name) => `\`${name}\``);
  if (all.length === 0) return 'none';
  const shown = all.length > 12 ? [...all.slice(0, 11), `${all.length - 11} more`] : all;
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}
