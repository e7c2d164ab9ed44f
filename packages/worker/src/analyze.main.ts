import { hostname } from "node:os";
import { rm } from "node:fs/promises";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { modelCacheIn } from "@earshot/shared/config/home";
import { newId } from "@earshot/shared/crypto/ids";
import { openDatabase, STATEMENT_SECONDS } from "@earshot/shared/db/database";
import { LIMITS } from "@earshot/shared/domain/limits";
import { createLog } from "@earshot/shared/log";
import { openMetrics } from "@earshot/shared/metrics/open-metrics";
import { watchEvents } from "@earshot/shared/metrics/watch-events";
import { pause } from "@earshot/shared/pause";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { analyze } from "./analyze.ts";
import { readWorkerConfig } from "./config.ts";
import { consume } from "./consume.ts";
import { createEngine } from "./engine.ts";
import { Interruption } from "./interruption.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openScratchRoot } from "./scratch.ts";
import { createWorkerMetrics } from "./worker-metrics.ts";

// From SIGTERM: jobs that are not done by then go back to the queue.
const HAND_BACK_AFTER_MS = 4_000;

const base = createLog("worker");

await runUntilStopped(base, async (stop) => {
  const config = readWorkerConfig(process.env);
  // One more than the lanes: the next job is decoded while they work.
  const slots = config.LANES + 1;
  await using metrics = await openMetrics(config, base);
  const counted = createWorkerMetrics(metrics.registry, { slots });
  const log = watchEvents(base, counted.watchers);
  const database = openDatabase({
    url: config.DATABASE_URL,
    name: "earshot-worker",
    statementSeconds: STATEMENT_SECONDS,
  });
  const queue = new JobQueue({ url: config.QUEUE_URL, endpoint: config.QUEUE_ENDPOINT });
  const scratchRoot = await openScratchRoot();
  const engine = await createEngine({
    lanes: config.LANES,
    threads: config.LANE_THREADS,
    device: config.DEVICE,
    modelsDir: config.MODELS_DIR,
    cacheDir: modelCacheIn(config.HOME),
    searchPath: process.env["PATH"] ?? "",
    log,
  });
  const handBack = new AbortController();
  stop.addEventListener("abort", async () => {
    log.info("draining");
    metrics.health.drain();
    await pause(HAND_BACK_AFTER_MS);
    handBack.abort(new Interruption("draining"));
  });

  const workerId = `${hostname()}/${newId("box")}`;
  const options = {
    db: database.db,
    blobs: await openBlobs(config.BLOBS, config.BLOBS_CREDENTIALS),
    ...engine,
    policy: { allowLoopback: config.ALLOW_LOOPBACK },
    scratchRoot,
    maxBytes: LIMITS.inputBytes,
    maxAudioSeconds: config.MAX_AUDIO_SECONDS,
    leaseSeconds: config.LEASE_SECONDS,
    log,
    random: Math.random,
  };
  log.info("ready", { worker_id: workerId, device: config.DEVICE, lanes: config.LANES });
  metrics.health.hasRoom(true);
  process.send?.({ ready: true, ...metrics.address });
  await consume(
    {
      db: database.db,
      queue,
      claim: { workerId, leaseSeconds: config.LEASE_SECONDS },
      slots,
      work: async (claimed) => counted.jobSettled(await analyze(claimed, options, handBack.signal)),
      onInFlight(jobs) {
        counted.inFlight(jobs);
        metrics.health.hasRoom(jobs < slots);
      },
      log,
      random: Math.random,
    },
    stop,
  );
  await Promise.all([
    engine[Symbol.asyncDispose](),
    database.close(),
    rm(scratchRoot, { recursive: true, force: true }),
  ]);
  queue.close();
});
