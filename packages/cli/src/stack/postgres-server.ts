import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runAs } from "./postgres-binaries.ts";
import { readIfThere } from "./postgres-cluster.ts";
import type { Cluster } from "./postgres-cluster.ts";
import { PostgresError } from "./postgres-error.ts";
import { LOOPBACK, findFreePort, isFreePort } from "./postgres-port.ts";

export type ServerSettings = Readonly<Record<string, string>>;

const SMALL_MACHINE: ServerSettings = {
  shared_buffers: "128MB",
  max_connections: "100",
  fsync: "on",
  synchronous_commit: "on",
  timezone: "UTC",
  log_timezone: "UTC",
};

const MAX_STARTS = 20;

interface StartOptions {
  port?: number | undefined;
  settings?: ServerSettings | undefined;
  signal: AbortSignal;
}

/** Starts the server and waits until it takes connections. Answers its port. */
export async function startServer(cluster: Cluster, options: StartOptions): Promise<number> {
  for (let start = 1; ; start++) {
    options.signal.throwIfAborted();
    const port = await choosePort(cluster, options.port);
    const failure = await tryStart(cluster, { ...SMALL_MACHINE, ...options.settings, port: String(port) });
    if (failure === null) return port;
    if (start === MAX_STARTS || !isPassing(failure)) throw failure;
    await delay(250, undefined, { signal: options.signal });
  }
}

/** The port that was asked for, else the one of the last start, else a free one. */
async function choosePort(cluster: Cluster, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) {
    const last = Number(await readIfThere(cluster.portFile));
    return last > 0 && (await isFreePort(last)) ? last : findFreePort();
  }
  if (await isFreePort(wanted)) return wanted;
  throw new PostgresError(`Port ${wanted} on ${LOOPBACK}, meant for Postgres, is taken by another program.`);
}

async function tryStart(cluster: Cluster, settings: ServerSettings): Promise<PostgresError | null> {
  const logStart = await sizeOf(cluster.logFile);
  const assignments = { ...settings, listen_addresses: LOOPBACK, unix_socket_directories: "" };
  const options = Object.entries(assignments).map(([name, value]) => `-c ${name}=${quoteForShell(value)}`);
  try {
    await pgCtl(
      cluster,
      "start",
      `--log=${cluster.logFile}`,
      `--options=${options.join(" ")}`,
      "--timeout=60",
    );
    return null;
  } catch (cause) {
    const said = await tailOf(cluster.logFile, logStart);
    return new PostgresError(`Postgres did not start.\n${said}`.trimEnd(), { cause });
  }
}

/** pg_ctl hands the server's options to a shell. */
function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Another program took the port in between, or the last server was killed and its children are still leaving. */
function isPassing(failure: Error): boolean {
  return /could not create any TCP\/IP sockets|pre-existing shared memory block/.test(failure.message);
}

/** Open transactions are rolled back, everything else is on disk when this returns, and the server is gone. */
export async function stopServer(cluster: Cluster): Promise<void> {
  if ((await readIfThere(join(cluster.dataDirectory, "postmaster.pid"))) === null) return;
  try {
    await pgCtl(cluster, "stop", "--mode=fast", "--timeout=8");
  } catch (cause) {
    await pgCtl(cluster, "stop", "--mode=immediate", "--timeout=5").catch(() => {
      throw new PostgresError("Postgres did not stop.", { cause });
    });
  }
}

function pgCtl(cluster: Cluster, verb: "start" | "stop", ...options: string[]): Promise<void> {
  const program = join(cluster.binaries, "pg_ctl");
  return runAs(cluster.user, [
    program,
    verb,
    `--pgdata=${cluster.dataDirectory}`,
    "--wait",
    "--silent",
    ...options,
  ]);
}

const LOG_TAIL_BYTES = 4_096;

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function tailOf(path: string, from: number): Promise<string> {
  const size = await sizeOf(path);
  if (size === 0) return "";
  const start = Math.max(from, size - LOG_TAIL_BYTES);
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
  return buffer.toString("utf8", 0, bytesRead);
}
