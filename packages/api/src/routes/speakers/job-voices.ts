import { findJob, findTaskResult } from "@earshot/shared/db/jobs/read-job";
import { AppError } from "@earshot/shared/domain/errors";
import { parseVoices } from "@earshot/shared/domain/voices";
import type { Voices } from "@earshot/shared/domain/voices";
import type { Deps } from "../../deps.ts";
import { hasScope } from "../../principal.ts";
import { invalid } from "../../problem.ts";
import type { Principal } from "../../principal.ts";
import { requireId } from "../ids.ts";
import { requireJob } from "../jobs/require-job.ts";
import { storedBody, unzipped } from "../jobs/result-bodies.ts";

export type VoiceDeps = Pick<Deps, "db" | "blobs" | "resultKeys">;

/**
 * The voices that a job of the caller's heard.
 * @throws AppError `forbidden` for who may not read results, `not_found`, `gone`, and `conflict` for a job without voices.
 */
export async function jobVoices(
  { db, blobs, resultKeys }: VoiceDeps,
  principal: Principal,
  id: string,
): Promise<Voices> {
  if (!hasScope(principal, "jobs:read")) {
    throw new AppError("forbidden", { message: "This credential lacks the scope jobs:read." });
  }
  const jobId = requireId("job", id);
  requireJob(await findJob(db, principal.accountId, jobId));
  const result = await findTaskResult(db, jobId, "speech.speakers");
  const body = result?.status === "succeeded" ? await storedBody(result, resultKeys) : null;
  const text =
    body === null || "text" in body
      ? (body?.text ?? "null")
      : await new Response(await unzipped(blobs, body)).text();
  const voices = parseVoices(JSON.parse(text));
  if (voices === null) {
    throw new AppError("conflict", {
      message: "The job has no voices: speech.speakers must succeed with the option embeddings.",
    });
  }
  return voices;
}

/** @throws RefusedRequest when the job heard nobody of that label. */
export function requireVoice({ speakers }: Voices, label: string): Voices["speakers"][number] {
  const voice = speakers.find(({ speaker }) => speaker === label);
  if (voice === undefined) {
    throw invalid("/speaker", `The job has no speaker ${label}.`, "not_found");
  }
  return voice;
}
