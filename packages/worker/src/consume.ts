import { isLoginRefused } from "@earshot/shared/db/connection-loss";
import type { Database } from "@earshot/shared/db/database";
import type { ClaimedJob, TurnOptions } from "@earshot/shared/db/jobs/claim-job";
import { claimFromTable } from "@earshot/shared/db/jobs/claim-job";
import type { Random } from "@earshot/shared/domain/backoff";
import { jittered } from "@earshot/shared/domain/backoff";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import type { JobQueue, Received } from "@earshot/shared/queue/job-queue";

export interface ConsumerOptions {
  db: Database;
  queue: JobQueue;
  /** How the next ones are claimed. */
  claim(): Omit<TurnOptions, "ringing" | "after">;
  /** Jobs that there is room for at once; 0 while nothing can be done. Nothing is received for which there is no room. */
  slots(): number;
  /** Does the job and settles it, whatever happens; it never throws. */
  work(claimed: ClaimedJob): Promise<unknown>;
  /** Told at each turn whether there is room. */
  onRoom?(hasRoom: boolean): void;
  /** The database let nobody in by our login. */
  onLoginRefused?(): void;
  log: Log;
  random: Random;
}

// Short enough that a drain can wait for a poll to end: an aborted one swallows the next message.
const POLL_SECONDS = 3;
// Even a busy worker looks at the table this often: a bell may have been lost.
const PATROL_MS = 30_000;
const RETRY_MS = 1_000;
/** Room can come without a job's end: a lane starts anew. */
const ROOM_MS = 250;

/**
 * Takes jobs while it has room, from the bell (SQS) or straight from the table, until `draining` aborts.
 * @returns when the last job is settled.
 */
export async function consume(options: ConsumerOptions, draining: AbortSignal): Promise<void> {
  const { db, queue, claim, log, random } = options;
  const inFlight = new Set<Promise<unknown>>();
  let nextPatrol = 0;
  let lastAccount = "";

  const start = (claimed: ClaimedJob) => {
    lastAccount = claimed.job.accountId;
    const job = options.work(claimed).finally(() => inFlight.delete(job));
    inFlight.add(job);
  };

  const room = () => options.slots() - inFlight.size;

  /** @returns true when there may be more than there was room for. */
  const takeFromTable = async (): Promise<boolean> => {
    const free = room();
    const claimed = await claimFromTable(db, free, { ...claim(), after: lastAccount });
    claimed.forEach(start);
    return claimed.length === free;
  };

  while (!draining.aborted) {
    const free = room();
    options.onRoom?.(free > 0);
    if (free <= 0) {
      await Promise.race([...inFlight, pause(ROOM_MS, draining)]);
      continue;
    }
    try {
      if (performance.now() >= nextPatrol) {
        // A backlog in the table is older than any bell: no long poll until it is gone.
        const hasMore = await takeFromTable();
        if (!hasMore) nextPatrol = performance.now() + jittered(PATROL_MS, random);
        continue;
      }
      const received = await queue.receive({ maxMessages: free, waitSeconds: POLL_SECONDS });
      await answer(received);
      if (received.length === 0) nextPatrol = 0;
    } catch (error) {
      log.warn("consume_failed", describeError(error));
      if (isLoginRefused(error)) options.onLoginRefused?.();
      nextPatrol = 0;
      await pause(jittered(RETRY_MS, random), draining);
    }
  }
  await Promise.all(inFlight);

  /** A bell says that some job waits, not which one is next: as many are taken as were rung for, in their turns. */
  async function answer(received: readonly Received[]): Promise<void> {
    if (draining.aborted) {
      await Promise.all(received.map(({ receiptHandle }) => queue.giveBack(receiptHandle)));
      return;
    }
    // Left alone, a message that nobody can parse moves to the dead letter queue.
    const bells = received.filter(({ message }) => message !== null);
    if (bells.length < received.length)
      log.error("message_unreadable", { messages: received.length - bells.length });
    const claimed = await claimFromTable(db, bells.length, {
      ...claim(),
      ringing: true,
      after: lastAccount,
    });
    claimed.forEach(start);
    for (const { message } of bells.slice(claimed.length))
      log.info("bell_ignored", { job_id: message?.jobId });
    // Committed: from here on the leases count, not the messages.
    await Promise.all(bells.map(({ receiptHandle }) => queue.delete(receiptHandle)));
  }
}
