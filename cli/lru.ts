/** The few most recently used things, by key; what falls out is disposed of. */
export class LeastRecentlyUsed<V> {
  readonly #entries = new Map<string, V>();
  readonly #capacity: number;
  readonly #dispose: (value: V) => void;

  constructor(capacity: number, dispose: (value: V) => void) {
    this.#capacity = capacity;
    this.#dispose = dispose;
  }

  /** The value under `key`, made if it is not there. A `make` that fails leaves everything as it was. */
  async get(key: string, make: () => Promise<V>): Promise<V> {
    const found = this.#entries.get(key);
    const value = found ?? (await make());
    this.#entries.delete(key);
    this.#entries.set(key, value);
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
