import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBlobs } from "@earshot/shared/blobs/open-blobs";
import { openDatabase } from "@earshot/shared/db/database";
import { claimFromTable } from "@earshot/shared/db/jobs/claim-job";
import { silentLog } from "@earshot/shared/log";
import { analyze } from "../analyze.ts";
import type { AnalyzeOptions } from "../analyze.ts";
import { createDecoder } from "../input/decoder.ts";
import { findFfmpeg } from "../input/ffmpeg.ts";
import { detectSandbox } from "../input/sandbox.ts";
import type { JobSettled } from "../job-settled.ts";
import { writeToneWav } from "./make-audio.ts";
import { startTestStack } from "./test-stack.ts";
import type { TestStack } from "./test-stack.ts";

/** Attempts at the jobs of a stack, in this process, with a worker's login. */
export interface Attempts extends AsyncDisposable {
  stack: TestStack;
  /** As a worker sees it. */
  db: AnalyzeOptions["db"];
  /** Removed at the end. */
  directory: string;
  options: AnalyzeOptions;
  /** Claims the job, which must be the next, and does what a worker does with it. */
  attempt(jobId: string, changed?: Partial<AnalyzeOptions>): Promise<JobSettled>;
  /** A file of so many seconds, at 16 kHz. */
  tone(seconds: number): Promise<string>;
}

/** What a worker's engine is in these attempts. */
export type AttemptEngine = Pick<AnalyzeOptions, "decoder" | "inference" | "readTags" | "versionsFor">;

/** Whatever the engine needs stopped is for the caller to stop. */
export async function openAttempts(
  engine: AttemptEngine,
  { leaseSeconds }: { leaseSeconds: number },
): Promise<Attempts> {
  const stack = await startTestStack();
  const directory = await mkdtemp(join(tmpdir(), "earshot-test-attempts-"));
  const { db, close } = openDatabase({ url: stack.database.urls.worker, name: "test" });
  const options: AnalyzeOptions = {
    decoder: engine.decoder,
    inference: engine.inference,
    readTags: engine.readTags,
    versionsFor: engine.versionsFor,
    db,
    blobs: await openBlobs(stack.blobs),
    policy: { allowLoopback: true },
    scratchRoot: directory,
    maxBytes: 1024 ** 2,
    maxAudioSeconds: 60,
    leaseSeconds,
    log: silentLog,
    random: () => 0.5,
  };
  return {
    stack,
    db,
    directory,
    options,
    async attempt(jobId, changed = {}) {
      await stack.sql`update jobs set claimable_at = now() - interval '1 second' where id = ${jobId}`;
      const [claimed] = await claimFromTable(db, 1, { workerId: "test", leaseSeconds });
      if (claimed?.job.id !== jobId) throw new Error("another job was claimed");
      return analyze(claimed, { ...options, ...changed }, new AbortController().signal);
    },
    tone: (seconds) =>
      writeToneWav(join(directory, `tone-${seconds}.wav`), { seconds, sampleRateHz: 16_000 }),
    async [Symbol.asyncDispose]() {
      await close();
      await stack[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A decoder of this machine, and no lanes: models are what `inference` says. */
export async function engineWithout(inference: AnalyzeOptions["inference"]): Promise<AttemptEngine> {
  const sandbox = await detectSandbox();
  return {
    decoder: createDecoder({ ffmpeg: await findFfmpeg(sandbox.searchPath), sandbox }),
    inference,
    readTags: async () => ({}),
    versionsFor: async () => ({ versions: {}, gone: [] }),
  };
}
