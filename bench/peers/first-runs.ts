/** How long the first run of each kind took, where it compiles: none of it is in the times. */
export class FirstRuns {
  private readonly taken = new Map<string, number>();

  /** Milliseconds of a run; those of later ones of its kind count for nothing. */
  record(kind: string, ms: number): void {
    if (!this.taken.has(kind)) this.taken.set(kind, ms);
  }

  /** A note of what else there is to know, and of the first runs once there were any. */
  noteAfter(note: string): string {
    const times = [...this.taken].map(([kind, ms]) => `${(ms / 1000).toFixed(1)} s ${kind}`).join(', ');
    return times === '' ? note : `${note}; the first runs, which compile them, took ${times}`;
  }
}
