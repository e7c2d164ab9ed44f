import type { Database, OpenDatabase } from "@earshot/shared/db/database";
import { findJobStory } from "@earshot/shared/db/job-stories";
import type { JobStory } from "@earshot/shared/db/job-stories";
import { readJobVersions } from "@earshot/shared/db/job-versions";
import { pause } from "@earshot/shared/pause";
import type { JobWatch, WatchedJob } from "./watch-jobs.ts";

const CHANNEL = "earshot_jobs";

/** A notification that got lost costs a follower this long. */
const RECHECK_MS = 5_000;

export interface ClosableJobWatch extends JobWatch {
  /** How many follow a job at this moment. */
  readonly followers: number;
  /** Ends everybody's following. */
  close(): Promise<void>;
}

/**
 * One LISTEN connection for all who follow. It comes back by itself, and then everybody looks again. Those who follow one
 * job share one look after each change; what nobody was told of is found by one question for the jobs of all.
 */
export async function watchJobs(
  { db, sql }: Pick<OpenDatabase, "db" | "sql">,
  options: { recheckMs?: number } = {},
): Promise<ClosableJobWatch> {
  const rooms = new Map<string, Room>();
  const closing = new AbortController();
  const { unlisten } = await sql.listen(
    CHANNEL,
    (jobId) => rooms.get(jobId)?.ring(),
    () => rooms.forEach((room) => room.ring()),
  );
  const rechecking = recheck(db, rooms, options.recheckMs ?? RECHECK_MS, closing.signal);

  return {
    get followers() {
      return [...rooms.values()].reduce((sum, room) => sum + room.size, 0);
    },
    async *follow(watched, { signal }) {
      const until = AbortSignal.any([signal, closing.signal]);
      const room = rooms.get(watched.jobId) ?? new Room(db);
      rooms.set(watched.jobId, room);
      const bell = room.enter();
      try {
        // The first look comes after entering: a change in between rings.
        for (;;) {
          const rung = bell.next();
          yield await room.look(watched);
          await unlessAborted(rung, until);
          if (until.aborted) return;
        }
      } finally {
        room.leave(bell);
        if (room.size === 0 && rooms.get(watched.jobId) === room) rooms.delete(watched.jobId);
      }
    },
    async close() {
      closing.abort();
      await Promise.all([unlisten().catch(() => {}), rechecking]); // A connection that is gone listens to nothing.
    },
  };
}

/** Those who follow one job. */
class Room {
  readonly #db: Database;
  readonly #bells = new Set<Bell>();
  /** Looks that began after the last ring, one an account: a stranger's finds nothing. */
  readonly #looks = new Map<string, Promise<JobStory | null>>();
  /** Of the last look that found the job. */
  version: string | null = null;

  constructor(db: Database) {
    this.#db = db;
  }

  get size(): number {
    return this.#bells.size;
  }

  enter(): Bell {
    const bell = createBell();
    this.#bells.add(bell);
    return bell;
  }

  leave(bell: Bell): void {
    this.#bells.delete(bell);
  }

  ring(): void {
    // A look under way may have seen the job before the change.
    this.#looks.clear();
    this.#bells.forEach(({ ring }) => ring());
  }

  look({ jobId, accountId }: WatchedJob): Promise<JobStory | null> {
    const under = this.#looks.get(accountId);
    if (under !== undefined) return under;
    const look = findJobStory(this.#db, accountId, jobId).finally(() => {
      if (this.#looks.get(accountId) === look) this.#looks.delete(accountId);
    });
    this.#looks.set(accountId, look);
    look.then(
      (story) => void (this.version = story?.version ?? this.version),
      () => {}, // Whoever looks hears of it.
    );
    return look;
  }
}

interface Bell {
  ring(): void;
  /** Of the next ring after it was asked for. */
  next(): Promise<void>;
}

function createBell(): Bell {
  let current = Promise.withResolvers<void>();
  return {
    ring: () => current.resolve(),
    next() {
      current = Promise.withResolvers<void>();
      return current.promise;
    },
  };
}

/** Rings where a job is no longer as it was last seen. */
async function recheck(
  db: Database,
  rooms: ReadonlyMap<string, Room>,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    if (rooms.size === 0) continue;
    // A database that is away costs time alone: the LISTEN that comes back makes everybody look.
    const versions = await readJobVersions(db, [...rooms.keys()]).catch(() => new Map<string, string>());
    for (const [jobId, version] of versions) {
      const room = rooms.get(jobId);
      if (room && room.version !== null && room.version !== version) room.ring();
    }
  }
}

async function unlessAborted(rung: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([rung, promise]);
  signal.removeEventListener("abort", onAbort);
}
