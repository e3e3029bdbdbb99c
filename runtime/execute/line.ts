/** Work that is done in the order in which it was asked for, though some of it takes its time. */
export class Line {
  #last: Promise<void> | undefined;

  /** At once, where nothing is under way. */
  add<R>(work: () => R | Promise<R>): Promise<R> {
    const done = this.#last === undefined ? begin(work) : this.#last.then(work);
    // Whoever asked is told what failed; what follows goes on.
    const last = done.then(
      () => undefined,
      () => undefined,
    );
    this.#last = last;
    last.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return done;
  }

  /** The same of what is done when it returns; of what fails behind something else nobody is told. */
  queue(work: () => void): void {
    if (this.#last === undefined) work();
    else this.add(work).catch(() => {});
  }

  get isBusy(): boolean {
    return this.#last !== undefined;
  }
}

/** Up to its first wait before this returns. */
async function begin<R>(work: () => R | Promise<R>): Promise<R> {
  return work();
}
