import { DurableObject } from "cloudflare:workers";
import { findJobStory } from "@earshot/shared/db/job-stories";
import type { JobStory } from "@earshot/shared/db/job-stories";
import { readJobVersions } from "@earshot/shared/db/job-versions";
import { createLog, describeError } from "@earshot/shared/log";
import type { WatchedJob } from "../watch-jobs.ts";
import { openEdgeDatabase } from "./edge-database.ts";
import type { EdgeEnv } from "./edge-env.ts";
import { VersionPoll } from "./version-poll.ts";

const EVERY_MS = 1_000;

/**
 * One Durable Object an account: at the edge there is no LISTEN, and however many wait for its jobs, the database is
 * asked once a second, and once for each job that has changed. It keeps nothing, so it may go whenever nobody waits.
 * @public The runtime makes it.
 */
export class WaitingRoom extends DurableObject<EdgeEnv> {
  /** By the account that asks: a room has one, and who should come to another's would find nothing there. */
  readonly #polls = new Map<string, VersionPoll<JobStory | null>>();

  changeAfter(
    { jobId, accountId }: WatchedJob,
    seen: string | null,
    withinMs: number,
  ): Promise<JobStory | null> {
    const poll = this.#polls.get(accountId) ?? this.#pollOf(accountId);
    this.#polls.set(accountId, poll);
    return poll.changeAfter(jobId, seen, withinMs);
  }

  #pollOf(accountId: string): VersionPoll<JobStory | null> {
    const db = openEdgeDatabase(this.env);
    const log = createLog("waiting-room", (line) => console.log(line));
    return new VersionPoll({
      everyMs: EVERY_MS,
      readVersions: (jobIds) => readJobVersions(db, jobIds),
      read: (jobId) => findJobStory(db, accountId, jobId),
      onError: (error) => log.warn("poll_failed", describeError(error)),
    });
  }
}
