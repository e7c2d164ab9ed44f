import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { newSealKey } from "@earshot/shared/crypto/seal";
import type { Log } from "@earshot/shared/log";
import * as z from "zod";
import { portTaken, refuseTakenPort } from "./api-port.ts";
import { keepAuditKey } from "./audit-key.ts";
import { ensureFirstAccount } from "./first-account.ts";
import { makeHome } from "./home.ts";
import type { Home } from "./home.ts";
import { keepPostgres } from "./keep-postgres.ts";
import { stopLeftovers } from "./leftovers.ts";
import { lockHome } from "./lock.ts";
import { lastLineOf, logFileOf } from "./log-file.ts";
import { findFreePort, isFreePort } from "./postgres-port.ts";
import { keepSecret } from "./secret-file.ts";
import { keepResultKeys } from "./result-keys.ts";
import { ServiceNotReady } from "./service-process.ts";
import { queueSpec, serviceSpecs } from "./service-specs.ts";
import { Service, startTogether } from "./service.ts";
import type { SupervisorContext } from "./service.ts";
import type { StackConfig } from "./stack-config.ts";
import { openStackDatabase } from "./stack-database.ts";
import type { StackServer } from "./stack-database.ts";
import { StackError } from "./stack-error.ts";

/** What the queue's process says of itself when it is ready. */
const queueAddress = z.object({ url: z.url(), endpoint: z.url() });

export interface StackOptions {
  output: SupervisorContext["output"];
  log: Log;
  /** Told what is being started and what has gone wrong since, in words for a person. */
  onNotice(notice: string): void;
}

/**
 * Starts the whole product on this machine: Postgres, the queue, the worker, the deliverer and the API. Disposing stops
 * all of it, in the opposite order, within ten seconds.
 * @throws StackError or PostgresError for a person to read, or the signal's reason. Nothing runs then.
 */
export async function startStack(
  config: StackConfig,
  options: StackOptions,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const { home } = config;
  const context: SupervisorContext = { home, ...options };
  await using started = new AsyncDisposableStack();

  await makeHome(home);
  started.use(await lockHome(home, config.publicUrl));
  await stopLeftovers(home, signal);
  await refuseTakenPort(config.port);

  options.onNotice("Postgres");
  const postgres = await keepPostgres(home.directory, options, signal);
  started.defer(() => postgres.stop());
  await prepareDatabase(home, postgres);
  signal.throwIfAborted();

  try {
    options.onNotice("queue");
    const queue = await Service.start(queueSpec(await chooseQueuePort(home)), context, signal);
    started.defer(() => queue.stop());

    options.onNotice("worker, deliverer and API");
    const specs = serviceSpecs(config, queueAddress.parse(queue.ready));
    const [api, ...others] = await startTogether([specs.api, specs.worker, specs.deliver], context, signal);
    started.defer(() => stopAll(others));
    started.defer(() => api.stop());
  } catch (error) {
    throw error instanceof ServiceNotReady ? await explain(error, config) : error;
  }
  return started.move();
}

async function stopAll(services: readonly Service[]): Promise<void> {
  await Promise.all(services.map((service) => service.stop()));
}

/** Secrets, database and first account, before any process of the stack. */
export async function prepareDatabase(home: Home, server: StackServer): Promise<void> {
  const sealKeys = await keepSecret(home.sealKeys, () => newSealKey("k1"));
  await keepSecret(home.urlKey, () => randomBytes(32).toString("base64url"));
  await keepAuditKey(home);
  await keepResultKeys(home);
  const database = await openStackDatabase(home, server);
  try {
    await ensureFirstAccount(database.db, home, sealKeys);
  } finally {
    await database.close();
  }
}

/** The one of the last start if it is still free: whoever has it in a configuration need not change that. */
async function chooseQueuePort(home: Home): Promise<number> {
  const last = Number(await readFile(home.queuePort, "utf8").catch(() => "0"));
  const port = last > 0 && (await isFreePort(last)) ? last : await findFreePort();
  await writeFile(home.queuePort, String(port));
  return port;
}

async function explain(error: ServiceNotReady, { home, port }: StackConfig): Promise<StackError> {
  if (error.service === "api" && !(await isFreePort(port))) return portTaken(port);
  const said = await lastLineOf(home, error.service).catch(() => "");
  const saying = said === "" ? "" : ` It said: ${said}.`;
  return new StackError(`${error.message}${saying} Its log is ${logFileOf(home, error.service)}.`, {
    cause: error,
  });
}
