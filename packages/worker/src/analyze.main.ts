import { hostname } from "node:os";
import { rm } from "node:fs/promises";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { newId } from "@earshot/shared/crypto/ids";
import { openDatabase, STATEMENT_SECONDS } from "@earshot/shared/db/database";
import { LIMITS } from "@earshot/shared/domain/limits";
import { createLog } from "@earshot/shared/log";
import { openMetrics } from "@earshot/shared/metrics/open-metrics";
import { pause } from "@earshot/shared/pause";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { analyze } from "./analyze.ts";
import { boundMemory } from "./bound-memory.ts";
import { readWorkerConfig } from "./config.ts";
import { consume } from "./consume.ts";
import { createEngine } from "./engine.ts";
import { measureEngine } from "./engine-metrics.ts";
import { engineOptionsOf, slotsOf } from "./engine-config.ts";
import { Interruption } from "./interruption.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openScratchRoot } from "./scratch.ts";
import { createWorkerMetrics } from "./worker-metrics.ts";

// From SIGTERM: jobs that are not done by then go back to the queue.
const HAND_BACK_AFTER_MS = 4_000;

// EX_SOFTWARE: this machine computes something else than it should. Starting again will not help by itself.
const DEFUNCT_STATUS = 70;

const log = createLog("worker");

boundMemory();
await runUntilStopped(log, async (stop) => {
  const config = readWorkerConfig(process.env);
  const slots = slotsOf(config);
  await using metrics = await openMetrics(config, log);
  const counted = createWorkerMetrics(metrics.registry, { slots });
  const database = openDatabase({
    url: config.DATABASE_URL,
    name: "earshot-worker",
    statementSeconds: STATEMENT_SECONDS,
  });
  const queue = new JobQueue({ url: config.QUEUE_URL, endpoint: config.QUEUE_ENDPOINT });
  const scratchRoot = await openScratchRoot();
  const engine = await createEngine({
    ...engineOptionsOf(config, process.env),
    fitnessCheck: "at start",
    log,
  });
  measureEngine(metrics.registry, engine.observe);
  const { defunct } = engine.inference;
  const handBack = new AbortController();
  stop.addEventListener("abort", async () => {
    log.info("draining");
    metrics.health.drain();
    await pause(HAND_BACK_AFTER_MS);
    handBack.abort(new Interruption("draining"));
  });
  // Whatever it would say now is worth nothing: others do its jobs.
  const giveUp = () => {
    metrics.health.condemn(engine.observe().defunct ?? "");
    handBack.abort(new Interruption("draining"));
  };
  defunct.addEventListener("abort", giveUp);

  const workerId = `${hostname()}/${newId("box")}`;
  const options = {
    db: database.db,
    blobs: await openBlobs(config.BLOBS, config.BLOBS_CREDENTIALS),
    ...engine,
    resultSealKey: config.RESULT_SEAL_KEY,
    policy: { allowLoopback: config.ALLOW_LOOPBACK },
    scratchRoot,
    maxBytes: LIMITS.inputBytes,
    maxAudioSeconds: config.MAX_AUDIO_SECONDS,
    leaseSeconds: config.LEASE_SECONDS,
    log,
    random: Math.random,
  };
  if (defunct.aborted) giveUp();
  else
    log.info("ready", {
      worker_id: workerId,
      device: engine.observe().device,
      lanes: engine.inference.pids.length,
    });
  metrics.health.hasRoom(true);
  process.send?.({ ready: !defunct.aborted, ...metrics.address });
  await consume(
    {
      db: database.db,
      queue,
      claim: { workerId, leaseSeconds: config.LEASE_SECONDS, accountJobs: config.ACCOUNT_JOBS ?? null },
      slots,
      work: async (claimed) => counted.jobSettled(await analyze(claimed, options, handBack.signal)),
      onInFlight(jobs) {
        counted.inFlight(jobs);
        metrics.health.hasRoom(jobs < slots);
      },
      log,
      random: Math.random,
    },
    AbortSignal.any([stop, defunct]),
  );
  // A defunct worker stays, for whoever looks at its readiness, and takes no job.
  await aborted(stop);
  await Promise.all([
    engine[Symbol.asyncDispose](),
    database.close(),
    rm(scratchRoot, { recursive: true, force: true }),
  ]);
  queue.close();
  return defunct.aborted ? DEFUNCT_STATUS : 0;
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
