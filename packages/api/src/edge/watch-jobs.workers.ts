import type { JobStory } from "@earshot/shared/db/job-stories";
import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import type { JobWatch, WatchedJob } from "../watch-jobs.ts";

/** The namespace of the Durable Object `WaitingRoom`, as far as it is used here. */
export interface WaitingRooms {
  idFromName(name: string): object;
  get(id: object): Room;
}

interface Room {
  changeAfter(job: WatchedJob, seen: string | null, withinMs: number): Promise<JobStory | null>;
}

export interface EdgeWatchOptions {
  rooms: WaitingRooms;
  /** The first look; the later ones are the room's. */
  look(job: WatchedJob): Promise<JobStory | null>;
  log: Log;
}

/** A room forgets who left only when this is over. */
const ROOM_WAIT_MS = 10_000;
const AFTER_FAILURE_MS = 1_000;

/** Waits in the room of the job's account. */
export function watchJobsInRooms({ rooms, look, log }: EdgeWatchOptions): JobWatch {
  // A room that fails costs the follower a second, no more.
  async function changeIn(room: Room, job: WatchedJob, seen: string | null): Promise<JobStory | null> {
    try {
      return await room.changeAfter(job, seen, ROOM_WAIT_MS);
    } catch (error) {
      log.warn("waiting_room_failed", describeError(error));
      await pause(AFTER_FAILURE_MS);
      return null;
    }
  }

  return {
    async *follow(job, { signal }) {
      const first = await look(job);
      yield first;
      const room = rooms.get(rooms.idFromName(job.accountId));
      // What was seen is older than the wait: a change in between ends it at once.
      for (let seen = first?.version ?? null; !signal.aborted;) {
        const story = await orAborted(changeIn(room, job, seen), signal);
        if (story === null) continue;
        seen = story.version;
        yield story;
      }
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
