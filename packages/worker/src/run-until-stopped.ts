import type { Log } from "@earshot/shared/log";
import { describeError } from "@earshot/shared/log";

/**
 * Runs a process to its end. SIGTERM, SIGINT and the loss of the parent that started it with an IPC channel all mean
 * "drain", once: the signal of one Ctrl-C often comes twice. Exit status: what `main` returns, 0 when it returns none, 1 after
 * an error.
 */
export async function runUntilStopped(
  log: Log,
  main: (stop: AbortSignal) => Promise<number | void>,
): Promise<void> {
  const stop = new AbortController();
  const drain = () => stop.abort(new Error("stopped"));
  process.on("SIGTERM", drain);
  process.on("SIGINT", drain);
  process.on("disconnect", drain);
  try {
    process.exit((await main(stop.signal)) ?? 0);
  } catch (error) {
    log.error("stopped_by_error", describeError(error));
    process.exit(1);
  }
}
