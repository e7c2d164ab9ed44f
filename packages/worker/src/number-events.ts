import type { Database } from "@earshot/shared/db/database";
import { numberEvents } from "@earshot/shared/db/number-events";
import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";
import { createBell } from "./deliver-bell.ts";

export interface EventNumberer {
  /** Something was written. */
  ring(): void;
  /** Numbers what was written, at each ring, until `stop` aborts. It never throws. */
  run(stop: AbortSignal): Promise<void>;
}

/** The sweep numbers them too, a few seconds later: this is for those who listen. */
const LONGEST_WAIT_MS = 60_000;

export function createEventNumberer({ db, log }: { db: Database; log: Log }): EventNumberer {
  const bell = createBell();

  async function run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await bell.wait(LONGEST_WAIT_MS, stop);
      if (stop.aborted) return;
      await numberEvents(db).catch((error: unknown) => log.warn("events_not_numbered", describeError(error)));
    }
  }

  return { ring: bell.ring, run };
}
