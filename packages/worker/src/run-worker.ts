import { hostname } from "node:os";
import { rm } from "node:fs/promises";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { newId } from "@earshot/shared/crypto/ids";
import { openDatabase, STATEMENT_SECONDS } from "@earshot/shared/db/database";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { Env } from "@earshot/shared/config/env";
import { withEnvFile } from "@earshot/shared/config/env-file";
import { readBacklog } from "@earshot/shared/db/queue-figures";
import { atLeast, createLog } from "@earshot/shared/log";
import type { Log } from "@earshot/shared/log";
import { openMetrics } from "@earshot/shared/metrics/open-metrics";
import { pause } from "@earshot/shared/pause";
import { JobQueue } from "@earshot/shared/queue/job-queue";
import { openTracing } from "@earshot/shared/tracing/open-tracing";
import { openAccess } from "./access.ts";
import { analyze } from "./analyze.ts";
import { boundMemory } from "./bound-memory.ts";
import { readWorkerConfig } from "./config.ts";
import { consume } from "./consume.ts";
import { createEngine } from "./engine.ts";
import { measureEngine } from "./engine-metrics.ts";
import { engineOptionsOf } from "./engine-config.ts";
import type { HangUps } from "./hold-hang-ups.ts";
import { Interruption } from "./interruption.ts";
import { JobsAtWork } from "./jobs-at-work.ts";
import { reloadableSettings } from "./reload-settings.ts";
import { runUntilStopped } from "./run-until-stopped.ts";
import { openScratchRoot } from "./scratch.ts";
import { openStatusSocket } from "./status-socket.ts";
import { traceJob } from "./trace-jobs.ts";
import { createWorkerMetrics } from "./worker-metrics.ts";
import { describeWorker } from "./worker-status.ts";

// From SIGTERM: jobs that are not done by then go back to the queue.
const HAND_BACK_AFTER_MS = 4_000;

// EX_SOFTWARE: this machine computes something else than it should. Starting again will not help by itself.
const DEFUNCT_STATUS = 70;

// EX_NOPERM: this box was revoked, and starting again changes nothing.
const REVOKED_STATUS = 77;

/** Whoever asks for the status is answered by then, whatever the database does. */
const BACKLOG_MS = 2_000;

/** The inference worker, to its end: it ends the process. */
export function runWorker(env: Env, hangUps: HangUps): Promise<void> {
  boundMemory();
  const lines = createLog("worker");
  return runUntilStopped(lines, (stop) => workUntil(stop, { env, hangUps, lines }));
}

/** @returns the exit status. */
async function workUntil(
  stop: AbortSignal,
  { env, hangUps, lines }: { env: Env; hangUps: HangUps; lines: Log },
): Promise<number> {
  const startedAt = new Date();
  const started = readWorkerConfig(withEnvFile(env));
  const log = atLeast(() => settings.current.LOG_LEVEL, lines);
  const settings = reloadableSettings(started, {
    read: () => readWorkerConfig(withEnvFile(env)),
    apply: async (config) => (await opening).reload(engineOptionsOf(config, env)),
    log,
  });
  await using metrics = await openMetrics(started, log);
  await using tracing = await openTracing(started, {
    service: "earshot-worker",
    registry: metrics.registry,
    log,
  });
  const access = await openAccess(started, { log, random: Math.random });
  const database = openDatabase({
    ...access.database,
    name: "earshot-worker",
    statementSeconds: STATEMENT_SECONDS,
  });
  const queue = new JobQueue(access.queue);
  const scratchRoot = await openScratchRoot();
  const opening = createEngine({
    ...engineOptionsOf(started, env),
    fitnessCheck: "at start",
    log,
  });
  hangUps.take(() => void settings.reload());
  const engine = await opening;
  measureEngine(metrics.registry, engine.observe);
  const jobs = new JobsAtWork();
  const counted = createWorkerMetrics(metrics.registry, { jobs, slots: engine.slots });
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

  access.revoked.addEventListener("abort", () => {
    metrics.health.condemn("This box was revoked.");
    handBack.abort(new Interruption("draining"));
  });

  const boxId = access.boxId ?? newId("box");
  const workerId = `${hostname()}/${boxId}`;
  const blobs = await openBlobs(access.blobs, access.blobsCredentials);
  /** A job keeps those that it began with. */
  const optionsNow = () => ({
    db: database.db,
    blobs,
    ...engine,
    resultSealKey: access.resultSealKey ?? settings.current.RESULT_SEAL_KEY,
    policy: { allowLoopback: settings.current.ALLOW_LOOPBACK },
    scratchRoot,
    maxBytes: LIMITS.inputBytes,
    maxAudioSeconds: settings.current.MAX_AUDIO_SECONDS,
    leaseSeconds: settings.current.LEASE_SECONDS,
    log,
    random: Math.random,
  });
  await using _status = await openStatusSocket({
    home: started.HOME,
    // Several workers of one box share its home.
    name: newId("box").slice(-8).toLowerCase(),
    describe: () =>
      describeWorker({
        workerId,
        startedAt,
        health: metrics.health,
        engine,
        jobs,
        settings,
        backlog: () => withinMs(BACKLOG_MS, readBacklog(database.db)),
      }),
    log,
  });
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
      claim: () => ({
        workerId,
        leaseSeconds: settings.current.LEASE_SECONDS,
        accountJobs: settings.current.ACCOUNT_JOBS ?? null,
      }),
      slots: engine.slots,
      async work(claimed) {
        using job = jobs.begin(claimed);
        const options = { ...optionsNow(), onProgress: job.report };
        const settled = await analyze(claimed, options, handBack.signal);
        counted.jobSettled(settled);
        traceJob(settled, tracing.end);
      },
      onRoom: (hasRoom) => metrics.health.hasRoom(hasRoom),
      onLoginRefused: access.doubt,
      log,
      random: Math.random,
    },
    AbortSignal.any([stop, defunct, access.revoked]),
  );
  // A defunct worker stays, for whoever looks at its readiness, and takes no job. A revoked one can't be of any use.
  await aborted(AbortSignal.any([stop, access.revoked]));
  await Promise.all([
    access[Symbol.asyncDispose](),
    engine[Symbol.asyncDispose](),
    database.close(),
    rm(scratchRoot, { recursive: true, force: true }),
  ]);
  queue.close();
  if (access.revoked.aborted) return REVOKED_STATUS;
  return defunct.aborted ? DEFUNCT_STATUS : 0;
}

/** null: it failed, or took too long. */
function withinMs<T>(ms: number, answer: Promise<T>): Promise<T | null> {
  return Promise.race([answer.catch(() => null), pause(ms).then(() => null)]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
