import type { Job } from "@earshot/shared/db/jobs/job";
import { findTaskResult } from "@earshot/shared/db/jobs/read-job";
import { AppError } from "@earshot/shared/domain/errors";
import { isFinal } from "@earshot/shared/domain/job-status";
import { parseTranscript } from "@earshot/shared/domain/transcript";
import type { Transcript } from "@earshot/shared/domain/transcript";
import type { Deps } from "../../deps.ts";
import { requireBlobs, storedBody, unzipped } from "./result-bodies.ts";
import { withoutResults } from "./result.ts";

const TASK = "speech.transcription";

/**
 * What an ended job wrote down. @throws AppError `not_found` when it was not asked to, `conflict` when it has not ended, or has and
 * could not.
 */
export async function readTranscript(
  { db, blobs, resultKeys }: Pick<Deps, "db" | "blobs" | "resultKeys">,
  job: Job,
): Promise<Transcript> {
  if (!job.tasks.includes(TASK)) {
    throw new AppError("not_found", { message: `The job was not asked for ${TASK}.` });
  }
  const stored = isFinal(job.status) ? await findTaskResult(db, job.id, TASK) : null;
  if (stored === null) throw withoutResults(job);
  const body = await storedBody(stored, resultKeys);
  await requireBlobs(blobs, [body]);
  const text = "text" in body ? body.text : await new Response(await unzipped(blobs, body)).text();
  const result: unknown = JSON.parse(text);
  const message = failureOf(result);
  if (message !== null) throw new AppError("conflict", { message: `${TASK} failed: ${message}` });
  return parseTranscript(result);
}

function failureOf(result: unknown): string | null {
  const { status, error } = result as { status?: string; error?: { message?: string } };
  return status === "failed" ? (error?.message ?? "") : null;
}
