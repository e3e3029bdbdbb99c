/** Work that is done in the order in which it was asked for, though some of it takes its time. */
export class Line {
  #last: Promise<void> | undefined;
  /** Of what nobody waited for. */
  #failure: { readonly error: unknown } | undefined;

  /** At once, where nothing is under way. @throws what failed before that nobody waited for, in place of doing it */
  add<R>(work: () => R | Promise<R>): Promise<R> {
    return this.#append(() => {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure.error;
      return work();
    });
  }

  /** The same of what is done when it returns; what fails behind something else is told to whoever waits next. */
  queue(work: () => void): void {
    if (this.#last === undefined) work();
    else
      this.#append(work).catch((error: unknown) => {
        this.#failure ??= { error };
      });
  }

  get isBusy(): boolean {
    return this.#last !== undefined;
  }

  #append<R>(work: () => R | Promise<R>): Promise<R> {
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
}

/** Up to its first wait before this returns. */
async function begin<R>(work: () => R | Promise<R>): Promise<R> {
  return work();
}
