/** What waits, by whose it is. Turns go round, so that an owner with much to do holds up none with little. */
export class FairQueue<T> {
  /** In the order of their turns. None is empty. */
  readonly #lines = new Map<unknown, T[]>();

  get length(): number {
    return [...this.#lines.values()].reduce((sum, line) => sum + line.length, 0);
  }

  push(owner: unknown, item: T): void {
    this.#lineOf(owner).push(item);
  }

  /** Before all else of its owner: what had its turn in vain. */
  putBack(owner: unknown, item: T): void {
    this.#lineOf(owner).unshift(item);
  }

  remove(owner: unknown, item: T): void {
    const line = this.#lines.get(owner) ?? [];
    const index = line.indexOf(item);
    if (index >= 0) line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(owner);
  }

  /** One item a turn, until one does not fit. */
  take(fits: (item: T) => boolean): T[] {
    const taken: T[] = [];
    for (;;) {
      const [[owner, line] = []] = this.#lines;
      const next = line?.[0];
      if (line === undefined || next === undefined || !fits(next)) return taken;
      taken.push(next);
      this.#lines.delete(owner);
      if (line.length > 1) this.#lines.set(owner, line.slice(1));
    }
  }

  #lineOf(owner: unknown): T[] {
    const line = this.#lines.get(owner) ?? [];
    this.#lines.set(owner, line);
    return line;
  }
}
