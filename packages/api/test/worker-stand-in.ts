import type { Database } from "@earshot/shared/db/database";
import { claimJob } from "@earshot/shared/db/jobs/claim-job";
import { finishJob } from "@earshot/shared/db/jobs/finish-job";
import type { Finish, NewTaskResult } from "@earshot/shared/db/jobs/finish-job";
import type { Lease } from "@earshot/shared/db/jobs/job";

/** Does in the database what a worker does, by the statements that a worker uses. */
export async function claim(db: Database, jobId: string): Promise<Lease> {
  const claimed = await claimJob(db, jobId, { workerId: "stand-in", leaseSeconds: 60 });
  if (claimed.outcome !== "claimed") throw new Error(`the job is ${claimed.outcome}`);
  return claimed.lease;
}

export async function finish(db: Database, lease: Lease, outcome: Partial<Finish> = {}): Promise<void> {
  const isWritten = await finishJob(db, lease, {
    status: "succeeded",
    results: [
      succeeded("audio.features", '{"task":"audio.features","status":"succeeded","loudness_lufs":-23.0}'),
    ],
    embeddings: [],
    input: {
      duration_seconds: 2,
      codec: "pcm_s16le",
      channels: 1,
      sample_rate: 16_000,
      sha256: "0".repeat(64),
      tags: {},
    },
    warnings: [],
    computeSeconds: 0.25,
    device: "cpu",
    error: null,
    ...outcome,
  });
  if (!isWritten) throw new Error("the lease was lost");
}

export async function claimAndFinish(
  db: Database,
  jobId: string,
  outcome: Partial<Finish> = {},
): Promise<void> {
  await finish(db, await claim(db, jobId), outcome);
}

export function succeeded(task: NewTaskResult["task"], body: string): NewTaskResult {
  return { ...RESULT, task, body, bodyBytes: body.length };
}

/** What a worker writes when its one task found the audio too short. */
export function allTooShort(body: string): Partial<Finish> {
  const failed = {
    ...succeeded("audio.features", body),
    status: "failed",
    errorCode: "input_too_short",
  } as const;
  const error = { code: "tasks_failed", message: "Every task of the job failed." } as const;
  return { status: "failed", results: [failed], error };
}

export function inBlob(task: NewTaskResult["task"], blobKey: string): NewTaskResult {
  return { ...RESULT, task, blobKey, bodyBytes: 1 };
}

const RESULT = {
  status: "succeeded",
  errorCode: null,
  model: null,
  version: "1",
  device: "cpu",
  summary: {},
  body: null,
  blobKey: null,
  bodySha256: "0".repeat(64),
  keyId: null,
} as const;
