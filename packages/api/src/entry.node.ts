import { fileURLToPath } from "node:url";
import { ConfigError } from "@earshot/shared/config/config-error";
import { openDatabase, STATEMENT_SECONDS } from "@earshot/shared/db/database";
import { createLog, describeError } from "@earshot/shared/log";
import { openMetrics } from "@earshot/shared/metrics/open-metrics";
import { watchEvents } from "@earshot/shared/metrics/watch-events";
import { pause } from "@earshot/shared/pause";
import { openTracing } from "@earshot/shared/tracing/open-tracing";
import { traceRequests } from "@earshot/shared/tracing/trace-requests";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import models from "../public/models.json" with { type: "json" };
import openApi from "../public/openapi.json" with { type: "json" };
import { createApp } from "./app.ts";
import { openBlobRoom } from "./blobs.node.ts";
import { clientIpBehind } from "./client-ip.node.ts";
import { readConfig } from "./config.ts";
import type { ApiConfig } from "./config.ts";
import { MemoryLimiter } from "./rate-limits/memory-limiter.ts";
import { postgresLimiter } from "./rate-limits/postgres-limiter.ts";
import { openProvider } from "./oidc/provider.ts";
import { scryptPasswords } from "./passwords.node.ts";
import { docsPage } from "./routes/docs/page.ts";
import { readinessOf } from "./readiness.node.ts";
import { createApiMetrics } from "./metrics.node.ts";
import { serve } from "./serve.node.ts";
import { watchJobs } from "./watch-jobs.node.ts";

const DOCS_PAGE = docsPage(openApi);
const MIGRATIONS = fileURLToPath(new URL("../../../migrations", import.meta.url));
const FINISH_WITHIN_MS = 5_000;
const RING_WITHIN_MS = 1_000;

/** Exit status of something that is missing or taken on this machine (DESIGN section 6). */
const EXIT_MACHINE = 3;

const log = createLog("api");

try {
  await start(readConfig(process.env));
} catch (error) {
  console.error(explanationOf(error));
  process.exit(EXIT_MACHINE);
}

async function start(config: ApiConfig): Promise<void> {
  const metrics = await openMetrics(config.metrics, log);
  const tracing = await openTracing(config.tracing, {
    service: "earshot-api",
    registry: metrics.registry,
    log,
  });
  const { db, sql, close } = openDatabase({
    url: config.databaseUrl,
    name: "earshot api",
    statementSeconds: STATEMENT_SECONDS,
  });
  const queue = new JobQueue(config.queue);
  const watch = await watchJobs({ db, sql });
  const app = createApp({
    db,
    bell: queue,
    ...(await openBlobRoom(config)),
    sealKeys: config.sealKeys,
    tokens: config.tokens,
    providers: config.issuers.map((issuer) => openProvider(issuer)),
    passwords: config.passwords ? scryptPasswords() : null,
    resultKeys: config.resultKeys,
    boxes: config.boxes,
    watchJobs: watch,
    clientIp: clientIpBehind(config.trustedProxies),
    rateLimiter: config.rateStore === "postgres" ? postgresLimiter(db) : new MemoryLimiter(),
    rateLimits: config.rateLimits,
    corsOrigins: config.corsOrigins,
    readiness: readinessOf(sql, MIGRATIONS),
    document: async () => openApi,
    docsPage: async () => DOCS_PAGE,
    models: async () => models,
    log: watchEvents(watchEvents(log, createApiMetrics(metrics.registry)), traceRequests(tracing.end)),
    clock: () => new Date(),
    allowLoopback: config.allowLoopback,
  });
  const server = await serve(app, config);
  stopOnce(async () => {
    metrics.health.drain();
    // Those who wait for a job are answered now; they would hold the stop for half a minute.
    await Promise.all([server.stop({ withinMs: FINISH_WITHIN_MS }), watch.close()]);
    // Answers don't wait for their bells; without this one the job would wait in the table for half a minute.
    await Promise.race([queue.rung(), pause(RING_WITHIN_MS)]);
    queue.close();
    await close();
    await tracing[Symbol.asyncDispose]();
    await metrics[Symbol.asyncDispose]();
  });
  metrics.health.hasRoom(true);
  log.info("listening", { host: config.host, port: server.port });
  // A child of `earshot up` says when it is ready, and goes when its parent goes.
  process.send?.({ ready: true, port: server.port, ...metrics.address });
}

/** One Ctrl-C comes twice, from the terminal and from npm: the second is not "force quit". */
function stopOnce(stop: () => Promise<void>): void {
  let stopping: Promise<void> | null = null;
  const onSignal = () => {
    stopping ??= stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error("stop_failed", describeError(error));
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("disconnect", onSignal);
}

function explanationOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    const port = "port" in error ? error.port : "";
    return `port ${String(port)} is taken: stop what listens there, or set EARSHOT_PORT to another one`;
  }
  return `the API did not start: ${JSON.stringify(describeError(error))}`;
}
