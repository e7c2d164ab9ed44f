import { createHash } from "node:crypto";
import { join } from "node:path";
import { ApiError, isFinal } from "@earshot/sdk";
import type { Earshot, Job, JobRequest } from "@earshot/sdk";
import { hashFile } from "@earshot/worker/input/hash";
import { uploadFile } from "../client/upload-file.ts";
import type { Entry, Journal } from "./journal.ts";
import { isAsBefore } from "./journal.ts";
import type { LibraryFile } from "./walk.ts";

export interface ScanContext {
  root: string;
  earshot: Earshot;
  request: Pick<JobRequest, "tasks" | "options">;
  /** Of the request and the API: what was asked of another one is no answer to this. */
  fingerprint: string;
  journal: Journal;
  /** Ask once more for what failed. */
  retryFailed: boolean;
  signal: AbortSignal;
}

export interface FileOutcome {
  entry: Entry;
  /** `unchanged`: nothing was asked; `same`: another path has the same bytes. */
  by: "unchanged" | "same" | "analysed";
}

/** Statuses that are this file's fault: the others go on. Anything else ends the scan. */
const OF_THE_FILE: readonly number[] = [413, 415, 422];

/** Whether the journal has all there is to know of the file without reading it. */
export function isKnown(file: LibraryFile, { journal, fingerprint, retryFailed }: ScanContext): boolean {
  const entry = journal.get(file.path);
  return entry !== undefined && isAsBefore(file, entry) && isAnswer(entry, fingerprint, retryFailed);
}

/**
 * Brings one file from wherever the journal has it to its end. Each step is written down before the next one: who is killed between
 * two goes on from there, and the same upload with the same tasks is the same job, however often it is sent.
 */
export async function scanFile(file: LibraryFile, context: ScanContext): Promise<FileOutcome> {
  const { journal, fingerprint } = context;
  const known = journal.get(file.path);
  if (known && isKnown(file, context)) return { entry: known, by: "unchanged" };
  const sha256 =
    known && isAsBefore(file, known) ? known.sha256 : await hashFile(join(context.root, file.path), context);
  const began = { ...file, sha256, fingerprint };
  const twin = journal.withBytes(sha256).find((entry) => isAnswer(entry, fingerprint, context.retryFailed));
  if (twin)
    return {
      entry: await kept(journal, { ...twin, ...began }),
      by: known?.sha256 === sha256 ? "unchanged" : "same",
    };
  const under = known?.sha256 === sha256 && known.fingerprint === fingerprint ? known : null;
  try {
    return { entry: await ended(await submitted(began, under, context), context), by: "analysed" };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof ApiError) || !OF_THE_FILE.includes(error.status)) throw error;
    const { code, message } = error;
    return {
      entry: await kept(journal, { ...began, state: "failed", error: { code, message } }),
      by: "analysed",
    };
  }
}

type Began = Omit<Entry, "state">;

interface Submitted {
  job: Job;
  entry: Entry;
}

/** The job that runs already, or that of the upload which is there, or of a new one. */
async function submitted(began: Began, under: Entry | null, context: ScanContext): Promise<Submitted> {
  const { earshot, journal, request, root, fingerprint, signal } = context;
  if (under?.state === "submitted" && under.jobId !== undefined) {
    const job = await earshot.jobs.get(under.jobId, { signal }).catch(unlessGone);
    if (job) return { job, entry: under };
  }
  const submit = async (uploadId: string): Promise<Submitted> => {
    const idempotencyKey = createHash("sha256").update(`${uploadId} ${fingerprint}`).digest("hex");
    const asked = { ...request, input: { upload_id: uploadId } };
    const job = await earshot.jobs.create(asked, { idempotencyKey, signal });
    return { job, entry: await kept(journal, { ...began, state: "submitted", uploadId, jobId: job.id }) };
  };
  if (under?.state === "uploaded" && under.uploadId !== undefined) {
    const there = await submit(under.uploadId).catch(unlessGone);
    if (there) return there;
  }
  const uploadId = await uploadFile(earshot, join(root, began.path), () => {}, signal, began.sha256);
  await kept(journal, { ...began, state: "uploaded", uploadId });
  return submit(uploadId);
}

/** An upload or a job of last week is gone: begin anew. */
function unlessGone(error: unknown): null {
  if (error instanceof ApiError && [404, 409, 410, 422].includes(error.status)) return null;
  throw error;
}

async function ended({ job, entry }: Submitted, { earshot, journal, signal }: ScanContext): Promise<Entry> {
  const end = isFinal(job.status) ? job : await earshot.jobs.wait(job.id, { signal });
  if (end.status === "succeeded" || end.status === "partial") {
    await journal.keepResult(end.id, await earshot.jobs.result(end.id, { signal }));
    return kept(journal, { ...entry, state: end.status });
  }
  const state = end.status === "canceled" || end.status === "expired" ? end.status : "failed";
  const { code = "internal", message = `The job is ${end.status}.` } = end.error ?? {};
  return kept(journal, { ...entry, state, error: { code, message } });
}

function isAnswer({ fingerprint, state }: Entry, asked: string, retryFailed: boolean): boolean {
  if (fingerprint !== asked) return false;
  return state === "succeeded" || (!retryFailed && (state === "partial" || state === "failed"));
}

async function kept(journal: Journal, entry: Entry): Promise<Entry> {
  await journal.put(entry);
  return entry;
}
