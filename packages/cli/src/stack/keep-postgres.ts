import { describeError } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import { takesConnections } from "./api-port.ts";
import { startPostgres } from "./postgres.ts";
import type { EmbeddedPostgres } from "./postgres.ts";

const LOOK_EVERY_MS = 1_000;
// Somebody may be restarting it by hand.
const GONE_AFTER_MISSES = 3;

export interface KeptPostgres extends EmbeddedPostgres {
  /** Stops watching, then the server. */
  stop(): Promise<void>;
}

interface KeepOptions {
  log: Log;
  /** Told what the person at the terminal should know. */
  onNotice(notice: string): void;
}

/** Starts Postgres and starts it again, on the same port, should it die. */
export async function keepPostgres(
  directory: string,
  options: KeepOptions,
  signal: AbortSignal,
): Promise<KeptPostgres> {
  const { log } = options;
  const postgres = await startPostgres({ directory, log, signal });
  const stopping = new AbortController();
  const restart = () => startPostgres({ directory, port: postgres.port, log });
  const watch = watchOver(postgres.port, restart, options, stopping.signal);
  return {
    ...postgres,
    async stop() {
      stopping.abort(new Error("Postgres is stopped."));
      await watch;
      await postgres.stop();
    },
  };
}

async function watchOver(
  port: number,
  restart: () => Promise<unknown>,
  { log, onNotice }: KeepOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let misses = 0; ;) {
    await pause(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    misses = (await takesConnections(port)) ? 0 : misses + 1;
    if (misses < GONE_AFTER_MISSES || signal.aborted) continue;
    onNotice("Postgres is gone and is started again");
    log.warn("postgres_gone", { port });
    await restart().catch((error: unknown) => log.error("postgres_not_restarted", describeError(error)));
    misses = 0;
  }
}
