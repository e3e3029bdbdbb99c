/** `Did you mean "weights"?` where a known name is within two edits (and half the length) of what was written. */
export function didYouMean(written: string, known: readonly string[]): string | undefined {
  // Names are short; a long one is no slip of the finger, and the distance is quadratic.
  if (written.length > 64) return undefined;
  const ranked = known
    .map((name) => ({ name, distance: editDistance(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= 2 && distance * 2 <= Math.max(name.length, 2))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0] && `Did you mean "${ranked[0].name}"?`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
