/** The least that provokes an error, and what its message must say was found. */
export interface Witness {
  /** Throws the error, or rejects with it. */
  readonly provoke: () => unknown;
  /** Of the message. */
  readonly found: string;
}

export function witness(provoke: () => unknown, found: string): Witness {
  return { provoke, found };
}
