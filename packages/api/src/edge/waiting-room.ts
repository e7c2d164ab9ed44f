import { DurableObject } from "cloudflare:workers";
import { readJobVersions } from "@earshot/shared/db/job-versions";
import { createLog, describeError } from "@earshot/shared/log";
import { openEdgeDatabase } from "./edge-database.ts";
import type { EdgeEnv } from "./edge-env.ts";
import { VersionPoll } from "./version-poll.ts";

const EVERY_MS = 1_000;

/**
 * One Durable Object an account: at the edge there is no LISTEN, and however many wait for its jobs, the database is
 * asked once a second. It keeps nothing, so it may go whenever nobody waits.
 * @public The runtime makes it.
 */
export class WaitingRoom extends DurableObject<EdgeEnv> {
  readonly #poll: VersionPoll;

  constructor(ctx: unknown, env: EdgeEnv) {
    super(ctx, env);
    const db = openEdgeDatabase(env);
    const log = createLog("waiting-room", (line) => console.log(line));
    this.#poll = new VersionPoll((jobIds) => readJobVersions(db, jobIds), {
      everyMs: EVERY_MS,
      onError: (error) => log.warn("poll_failed", describeError(error)),
    });
  }

  changeAfter(jobId: string, seen: string | null, withinMs: number): Promise<string | null> {
    return this.#poll.changeAfter(jobId, seen, withinMs);
  }
}
