import { pause } from "@earshot/shared/pause";

export interface VersionPollOptions<Found> {
  everyMs: number;
  /** The present version of each job that is there; another text after each change. */
  readVersions(jobIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** A job that has changed, for all who wait for it. */
  read(jobId: string): Promise<Found>;
  /** A failed read costs only time: it is told, and the next one comes. */
  onError(error: unknown): void;
}

interface Waiter<Found> {
  jobId: string;
  seen: string | null;
  until: number;
  answer(found: Found | null): void;
}

/** Asks for the jobs of all who wait at once, as long as anybody waits, and reads one that has changed once for all. */
export class VersionPoll<Found> {
  readonly #options: VersionPollOptions<Found>;
  readonly #waiters = new Set<Waiter<Found>>();
  #isPolling = false;

  constructor(options: VersionPollOptions<Found>) {
    this.#options = options;
  }

  /** The job once its version is not `seen`, or null when that took longer than `withinMs`. */
  async changeAfter(jobId: string, seen: string | null, withinMs: number): Promise<Found | null> {
    const { promise, resolve } = Promise.withResolvers<Found | null>();
    this.#waiters.add({ jobId, seen, until: Date.now() + withinMs, answer: resolve });
    if (!this.#isPolling) void this.#poll();
    return promise;
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    while (this.#waiters.size > 0) {
      await this.#answerAll().catch(this.#options.onError);
      this.#letGo();
      if (this.#waiters.size > 0) await pause(this.#options.everyMs);
    }
    this.#isPolling = false;
  }

  async #answerAll(): Promise<void> {
    const byJob = Map.groupBy(this.#waiters, ({ jobId }) => jobId);
    const versions = await this.#options.readVersions([...byJob.keys()]);
    for (const [jobId, waiters] of byJob) {
      const version = versions.get(jobId);
      const behind = waiters.filter(({ seen }) => version !== undefined && version !== seen);
      if (behind.length === 0) continue;
      const found = await this.#options.read(jobId);
      for (const waiter of behind) this.#answer(waiter, found);
    }
  }

  #letGo(): void {
    const now = Date.now();
    for (const waiter of this.#waiters) if (now >= waiter.until) this.#answer(waiter, null);
  }

  #answer(waiter: Waiter<Found>, found: Found | null): void {
    this.#waiters.delete(waiter);
    waiter.answer(found);
  }
}
