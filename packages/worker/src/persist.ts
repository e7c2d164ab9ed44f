import { isConnectionLoss } from "@earshot/shared/db/connection-loss";
import { pause, rejectOnAbort } from "@earshot/shared/pause";

const RETRY_MS = 500;

/**
 * Writes, and writes again while the database is away, until `signal` aborts: a restart of Postgres costs seconds, not
 * the job. `write` (or a question) must be fenced or idempotent, since a commit may have gone through unheard.
 * @throws the signal's reason, or whatever `write` throws that is no lost connection.
 */
export async function persist<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const given = rejectOnAbort(signal);
  given.catch(() => {});
  for (;;) {
    try {
      return await Promise.race([write(), given]);
    } catch (error) {
      signal.throwIfAborted();
      if (!isConnectionLoss(error)) throw error;
      await pause(RETRY_MS, signal);
    }
  }
}
