import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { openDatabase, STATEMENT_SECONDS } from "@earshot/shared/db/database";
import { createLog } from "@earshot/shared/log";
import { openMetrics } from "@earshot/shared/metrics/open-metrics";
import { watchEvents } from "@earshot/shared/metrics/watch-events";
import { openTracing } from "@earshot/shared/tracing/open-tracing";
import { pause, rejectOnAbort } from "@earshot/shared/pause";
import { readDelivererConfig } from "./deliver-config.ts";
import { createDeliverMetrics } from "./deliver-metrics.ts";
import { createDeliverer } from "./deliver.ts";
import { createEventNumberer } from "./number-events.ts";
import { openAuditSealer } from "./open-audit-sealer.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { traceDeliveries } from "./trace-deliveries.ts";
import { createSweep } from "./sweep.ts";

// From the signal to the exit at most, whatever hangs; a lease that is left runs out by itself.
const EXIT_WITHIN_MS = 7_000;

const base = createLog("deliver");

await runUntilStopped(base, async (stop) => {
  const config = readDelivererConfig(process.env);
  const database = openDatabase({
    url: config.DATABASE_URL,
    name: "earshot-deliver",
    statementSeconds: STATEMENT_SECONDS,
  });
  const { db } = database;
  await using metrics = await openMetrics(config, base);
  await using tracing = await openTracing(config, {
    service: "earshot-deliver",
    registry: metrics.registry,
    log: base,
  });
  const counted = watchEvents(base, createDeliverMetrics(metrics.registry, db));
  const log = watchEvents(counted, traceDeliveries(tracing.end));
  stop.addEventListener("abort", () => metrics.health.drain());
  const numberer = createEventNumberer({ db, log });
  const deliverer = createDeliverer({
    db,
    listen: (wake) => {
      const wakeBoth = () => {
        wake();
        numberer.ring();
      };
      return database.sql.listen("earshot_deliveries", wakeBoth, wakeBoth);
    },
    sealKeys: config.SEAL_KEYS,
    policy: { allowLoopback: config.ALLOW_LOOPBACK },
    log,
    random: Math.random,
  });
  const blobs = await openBlobs(config.BLOBS, config.BLOBS_CREDENTIALS);
  const sweep = createSweep({ db, blobs, log, random: Math.random, eventsKeptDays: config.EVENTS_KEPT_DAYS });
  const sealer = await openAuditSealer(db, config, log);

  log.info("ready");
  metrics.health.hasRoom(true);
  process.send?.({ ready: true, ...metrics.address });
  const work = Promise.all([deliverer.run(stop), numberer.run(stop), sweep.run(stop), sealer.run(stop)]).then(
    () => database.close(),
  );
  const overdue = rejectOnAbort(stop).catch(() => pause(EXIT_WITHIN_MS));
  await Promise.race([work, overdue]);
  log.info("stopped");
});
