import { doc } from "@earshot/shared/domain/doc";
import { newId } from "@earshot/shared/crypto/ids";
import { submitJob } from "@earshot/shared/db/jobs/submit-job";
import type { Job } from "@earshot/shared/db/jobs/job";
import { AppError, titleOf } from "@earshot/shared/domain/errors";
import { isFinal } from "@earshot/shared/domain/job-status";
import type { Transcript } from "@earshot/shared/domain/transcript";
import { formatTranscript } from "@earshot/shared/domain/transcript-formats";
import type { Deps } from "../../deps.ts";
import { note } from "../../env.ts";
import type { App, AppContext } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { hasScope } from "../../principal.ts";
import { problems } from "../answers.ts";
import { mediaTypeOf } from "../jobs/job-form.ts";
import { JobRequest } from "../jobs/job-request.ts";
import { checkFile, storeFile } from "../jobs/form-file.ts";
import { orderedJob } from "../jobs/ordered-job.ts";
import { readTranscript } from "../jobs/read-transcript.ts";
import { requireJob } from "../jobs/require-job.ts";
import { ringBell } from "../jobs/ring-bell.ts";
import { answerFor } from "../jobs/submission.ts";
import { transcriptFile } from "../jobs/transcript.ts";
import { waitForEnd } from "../jobs/wait-for-end.ts";
import { formContent, readSpokenForm } from "./spoken-form.ts";
import type { SpokenForm } from "./spoken-form.ts";
import type { SpokenPath } from "./spoken-paths.ts";

/** So long the answer may be waited for: what stands between a client and us gives up at a hundred seconds or more. */
const WAIT_SECONDS = 90;

const TASK = "speech.transcription";

export type SpokenDeps = Pick<
  Deps,
  "db" | "blobs" | "bell" | "log" | "sealKeys" | "watchJobs" | "resultKeys" | "transcriptionWaitSeconds"
>;

interface Spoken {
  path: SpokenPath;
  summary: string;
}

/** As OpenAI's: a file in, text of what was said out. It is a job like any other, and is waited for. */
export function answerSpoken(app: App, deps: SpokenDeps, { path, summary }: Spoken): void {
  app.openAPIRegistry.registerPath({
    method: "post",
    path,
    summary,
    request: { body: { required: true, content: doc(() => formContent(path)) } },
    responses: doc(() => ({
      200: {
        description: "In the format that was asked for.",
        content: { "application/json": { schema: {} } },
      },
      ...problems(
        "forbidden",
        "conflict",
        "body_too_large",
        "unsupported_content_type",
        "unsupported_media",
        "quota_exceeded",
      ),
    })),
  });
  app.post(path, authorize("jobs:write"), async (c) => {
    requireReading(c);
    // OpenAI's own clients ask again on a 409 and a 5xx: the job would be made once more.
    c.header("x-should-retry", "false");
    if (mediaTypeOf(c) !== "multipart/form-data") throw new AppError("unsupported_content_type");
    const form = await readSpokenForm(c, path);
    const job = await ended(c, deps, await submit(c, deps, form));
    return answer(c, await readTranscript(deps, job), job, form);
  });
}

function requireReading(c: AppContext): void {
  if (hasScope(c.var.principal, "jobs:read")) return;
  throw new AppError("forbidden", { message: "This credential lacks the scope jobs:read." });
}

async function submit(c: AppContext, deps: SpokenDeps, { file, options }: SpokenForm): Promise<Job> {
  const sha256 = await checkFile(file);
  const uploadId = newId("upload");
  await storeFile(c, deps, uploadId, file, sha256);
  const request = JobRequest.parse({
    input: { upload_id: uploadId },
    tasks: [TASK],
    options: { [TASK]: options },
  });
  const order = await orderedJob(c, deps.sealKeys, request);
  const submission = await submitJob(deps.db, { job: order, idempotency: null, answerFor });
  // Without an idempotency key there is nothing else that it could be.
  if (submission.outcome !== "created") throw new Error("a job without a key was not made");
  note(c, { job_id: submission.job.id });
  await ringBell(c, deps, submission.job.id);
  return submission.job;
}

/** @throws AppError `conflict` when it takes too long or has failed: the job's link says more. */
async function ended(c: AppContext, deps: SpokenDeps, { id }: Job): Promise<Job> {
  const link = `/v1/jobs/${id}`;
  c.header("Location", link);
  const seconds = deps.transcriptionWaitSeconds ?? WAIT_SECONDS;
  const story = await waitForEnd(c, deps, { jobId: id, seconds });
  const job = requireJob(story?.job);
  if (!isFinal(job.status)) {
    const message = `The transcription takes longer than ${seconds} s and goes on: GET ${link} says when it is done, GET ${link}/transcript.json what was said.`;
    throw new AppError("conflict", { message });
  }
  const failed = story?.outcomes.find(({ task }) => task === TASK)?.errorCode ?? job.errorCode;
  if (failed === null || failed === undefined) return job;
  throw new AppError("conflict", {
    message: `The transcription failed: ${titleOf(failed)} GET ${link} says more.`,
  });
}

function answer(c: AppContext, transcript: Transcript, job: Job, form: SpokenForm): Response {
  switch (form.responseFormat) {
    case "json":
      return c.json({ text: transcript.text });
    case "text":
      return transcriptFile(c, `${transcript.text}\n`, "txt");
    case "srt":
    case "vtt":
      return transcriptFile(c, formatTranscript(transcript, form.responseFormat), form.responseFormat);
    case "verbose_json":
      return c.json(verbose(transcript, job, form));
  }
}

/** What OpenAI says of a segment beside this, its tokens and how it was decoded, is not kept here. */
function verbose(
  { language, text, words, utterances }: Transcript,
  job: Job,
  { granularities, options }: SpokenForm,
) {
  const segments = utterances.map(({ start, end, text: said, confidence }, id) => ({
    id,
    seek: 0,
    start,
    end,
    text: said,
    avg_logprob: Math.log(Math.max(confidence, Number.MIN_VALUE)),
  }));
  return {
    task: options.task,
    language: nameOf(options.task === "translate" ? "en" : language),
    duration: job.inputInfo?.duration_seconds ?? 0,
    text,
    ...(granularities.includes("segment") ? { segments } : {}),
    ...(granularities.includes("word")
      ? { words: words.map(({ text: word, start, end }) => ({ word, start, end })) }
      : {}),
  };
}

/** "german": OpenAI names languages in English, in small letters. */
function nameOf(code: string): string {
  const name = new Intl.DisplayNames(["en"], { type: "language" }).of(code);
  return (name ?? code).toLowerCase();
}
