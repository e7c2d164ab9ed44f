import { hostname } from "node:os";
import { rm } from "node:fs/promises";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { modelCacheIn } from "@earshot/shared/config/home";
import { newId } from "@earshot/shared/crypto/ids";
import { openDatabase } from "@earshot/shared/db/database";
import { LIMITS } from "@earshot/shared/domain/limits";
import { createLog } from "@earshot/shared/log";
import { pause } from "@earshot/shared/pause";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { analyze } from "./analyze.ts";
import { readWorkerConfig } from "./config.ts";
import { consume } from "./consume.ts";
import { createEngine } from "./engine.ts";
import { Interruption } from "./interruption.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openScratchRoot } from "./scratch.ts";

// From SIGTERM: jobs that are not done by then go back to the queue.
const HAND_BACK_AFTER_MS = 4_000;

const log = createLog("worker");

await runUntilStopped(log, async (stop) => {
  const config = readWorkerConfig(process.env);
  const database = openDatabase({ url: config.DATABASE_URL, name: "earshot-worker" });
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
  process.send?.({ ready: true });
  await consume(
    {
      db: database.db,
      queue,
      claim: { workerId, leaseSeconds: config.LEASE_SECONDS },
      // One more than the lanes: the next job is decoded while they work.
      slots: config.LANES + 1,
      work: (claimed) => analyze(claimed, options, handBack.signal),
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
