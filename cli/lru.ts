/** The few most recently used things, by key; what falls out is disposed of. */
export class LeastRecentlyUsed<V> {
  readonly #entries = new Map<string, V>();
  readonly #capacity: number;
  readonly #dispose: (value: V) => void;

  constructor(capacity: number, dispose: (value: V) => void = () => {}) {
    this.#capacity = capacity;
    this.#dispose = dispose;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** From the first to fall out to the last. */
  values(): V[] {
    return [...this.#entries.values()];
  }

  /** The value under `key`, which is now the last to fall out. */
  find(key: string): V | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  /** Puts `value` under `key`, in place of what was there. */
  keep(key: string, value: V): V {
    const before = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (before !== undefined && before !== value) this.#dispose(before);
    for (const [oldest, unused] of this.#entries) {
      if (this.#entries.size <= this.#capacity) break;
      this.#entries.delete(oldest);
      this.#dispose(unused);
    }
    return value;
  }

  clear(): void {
    for (const value of this.#entries.values()) this.#dispose(value);
    this.#entries.clear();
  }
}
