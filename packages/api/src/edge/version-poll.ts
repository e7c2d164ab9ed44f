import { pause } from "@earshot/shared/pause";

/** The present version of each job that is there; another text after each change. */
export type ReadVersions = (jobIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;

interface Waiter {
  jobId: string;
  seen: string | null;
  until: number;
  answer(version: string | null): void;
}

export interface VersionPollOptions {
  everyMs: number;
  /** A failed read costs only time: it is told, and the next one comes. */
  onError(error: unknown): void;
}

/** Asks for the jobs of all who wait at once, as long as anybody waits. */
export class VersionPoll {
  readonly #read: ReadVersions;
  readonly #options: VersionPollOptions;
  readonly #waiters = new Set<Waiter>();
  #isPolling = false;

  constructor(read: ReadVersions, options: VersionPollOptions) {
    this.#read = read;
    this.#options = options;
  }

  /** The job's version once it is not `seen`, or null when that took longer than `withinMs`. */
  async changeAfter(jobId: string, seen: string | null, withinMs: number): Promise<string | null> {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#waiters.add({ jobId, seen, until: Date.now() + withinMs, answer: resolve });
    if (!this.#isPolling) void this.#poll();
    return promise;
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    while (this.#waiters.size > 0) {
      this.#answer(await this.#readAll());
      if (this.#waiters.size > 0) await pause(this.#options.everyMs);
    }
    this.#isPolling = false;
  }

  async #readAll(): Promise<ReadonlyMap<string, string>> {
    try {
      return await this.#read([...new Set([...this.#waiters].map(({ jobId }) => jobId))]);
    } catch (error) {
      this.#options.onError(error);
      return new Map();
    }
  }

  #answer(versions: ReadonlyMap<string, string>): void {
    const now = Date.now();
    for (const waiter of this.#waiters) {
      const version = versions.get(waiter.jobId) ?? waiter.seen;
      const hasChanged = version !== waiter.seen;
      if (!hasChanged && now < waiter.until) continue;
      this.#waiters.delete(waiter);
      waiter.answer(hasChanged ? version : null);
    }
  }
}
