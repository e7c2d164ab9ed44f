/** Runs of a model that are under way side by side, so many at most. The first failure is that of all that follows. */
export class RunWindow {
  readonly #most: number;
  readonly #underWay = new Set<Promise<void>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Begins when there is room. @throws what a run before it threw. */
  async start(run: () => Promise<void>): Promise<void> {
    while (this.#underWay.size >= this.#most) await Promise.race(this.#underWay);
    // One that failed stays: whoever awaits it next hears of it. Until then it must not count as unhandled.
    const running: Promise<void> = run().then(() => void this.#underWay.delete(running));
    running.catch(() => {});
    this.#underWay.add(running);
  }

  /** @throws what any of them threw. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
