import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import type { JobWatch } from "../watch-jobs.ts";

/** The namespace of the Durable Object `WaitingRoom`, as far as it is used here. */
export interface WaitingRooms {
  idFromName(name: string): object;
  get(id: object): Room;
}

interface Room {
  changeAfter(jobId: string, seen: string | null, withinMs: number): Promise<string | null>;
}

export interface EdgeWatchOptions {
  rooms: WaitingRooms;
  log: Log;
}

/** A room forgets who left only when this is over. */
const ROOM_WAIT_MS = 10_000;
const AFTER_FAILURE_MS = 1_000;

/** Waits in the room of the job's account. */
export function watchJobsInRooms({ rooms, log }: EdgeWatchOptions): JobWatch {
  // A room that fails costs the waiter a second, no more.
  async function changeIn(room: Room, jobId: string, seen: string | null): Promise<string | null> {
    try {
      return await room.changeAfter(jobId, seen, ROOM_WAIT_MS);
    } catch (error) {
      log.warn("waiting_room_failed", describeError(error));
      await pause(AFTER_FAILURE_MS);
      return null;
    }
  }

  return {
    async waitFor({ jobId, accountId }, check, { signal }) {
      const room = rooms.get(rooms.idFromName(accountId));
      // What was seen is older than the look: a change in between ends the next wait at once.
      for (let seen: string | null = null; !signal.aborted;) {
        const answer = await check();
        if (answer !== null) return answer;
        const change = changeIn(room, jobId, seen);
        seen = (await orAborted(change, signal)) ?? seen;
      }
      return null;
    },
  };
}

/** The answer, or null as soon as `signal` aborts. */
async function orAborted<Answer>(work: Promise<Answer>, signal: AbortSignal): Promise<Answer | null> {
  const aborted = Promise.withResolvers<null>();
  const onAbort = () => aborted.resolve(null);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
