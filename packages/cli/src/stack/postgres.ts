import { writeFile } from "node:fs/promises";
import type { Log } from "@earshot/shared/log";
import { openCluster, urlOf } from "./postgres-cluster.ts";
import { LOOPBACK } from "./postgres-port.ts";
import { startServer, stopServer } from "./postgres-server.ts";
import type { ServerSettings } from "./postgres-server.ts";
import { findRunningServer } from "./postgres-takeover.ts";

export interface PostgresOptions {
  /** The home: gets `pg/`, `postgres-password` and `postgres-port`. Made if it is missing. */
  directory: string;
  /** Without it the port of the last start, or a free one. */
  port?: number | undefined;
  /** On top of the settings for a small machine, e.g. `{ fsync: "off" }` in tests. */
  settings?: ServerSettings | undefined;
  log: Log;
  signal?: AbortSignal | undefined;
}

export interface EmbeddedPostgres {
  host: string;
  port: number;
  /** Of the superuser `postgres`. */
  password: string;
  /** The superuser, in the database `postgres`. */
  ownerUrl: string;
  /** A server that an earlier run left behind was taken over. */
  adopted: boolean;
  /** Ends open connections and waits until the server is gone. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;

/**
 * A real PostgreSQL on loopback, run from the binaries that npm installed. It lives in a session of its own and
 * survives a killed parent: the next start takes it over. Throws `PostgresError` with the tail of the server's log.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const signal = AbortSignal.any([
    AbortSignal.timeout(START_TIMEOUT_MS),
    ...(options.signal ? [options.signal] : []),
  ]);
  const cluster = await openCluster(options.directory);
  const runningPort = await findRunningServer(cluster, signal);
  const port =
    runningPort ?? (await startServer(cluster, { port: options.port, settings: options.settings, signal }));
  await writeFile(cluster.portFile, String(port));
  const adopted = runningPort !== null;
  options.log.info("postgres.ready", { port, adopted });
  return {
    host: LOOPBACK,
    port,
    password: cluster.password,
    ownerUrl: urlOf(cluster, port),
    adopted,
    stop: () => stopServer(cluster),
  };
}
