import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import { newEnvelope } from "@earshot/shared/crypto/result-keys";
import type { Envelope, ResultSealKey } from "@earshot/shared/crypto/result-keys";
import { sealingStream, through } from "@earshot/shared/crypto/sealed-stream";
import type { Database } from "@earshot/shared/db/database";
import type { Lease } from "@earshot/shared/db/jobs/job";
import type { Finish, NewTaskResult } from "@earshot/shared/db/jobs/finish-job";
import { planBlobDeletion } from "@earshot/shared/db/sweep";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { TaskResult } from "@earshot/shared/domain/results";
import { isSealedTask, resultContext } from "@earshot/shared/domain/sealed-tasks";
import type { TaskName } from "@earshot/shared/domain/tasks";
import * as z from "zod";

export interface ResultStore {
  db: Database;
  blobs: BlobStore;
  /** Speech is sealed with it. Null: it is stored as it is. */
  resultSealKey?: ResultSealKey | null | undefined;
}

/** What a task that embeds adds to its result (DESIGN §6). */
const embedded = z.object({ status: z.literal("succeeded"), space: z.string(), vector: z.array(z.number()) });

const compress = promisify(gzip);

// Longer than any transaction that may still take the blob over.
const ORPHAN_AFTER_SECONDS = 24 * 3600;

/** Makes a result ready for its row: the body as text, or as a gzipped blob when it is large; speech is sealed. */
export async function storeResult(
  result: TaskResult,
  lease: Lease,
  { db, blobs, resultSealKey = null }: ResultStore,
): Promise<NewTaskResult> {
  const bytes = new TextEncoder().encode(JSON.stringify(result));
  const envelope =
    resultSealKey !== null && isSealedTask(result.task)
      ? await newEnvelope(resultSealKey, resultContext(lease.jobId, result.task))
      : null;
  const isLarge = bytes.byteLength > LIMITS.inlineResultBytes;
  const stored = await sealed(isLarge ? new Uint8Array(await compress(bytes)) : bytes, envelope);
  return {
    task: result.task as TaskName,
    status: result.status,
    errorCode: result.status === "failed" ? result.error.code : null,
    model: result.model,
    version: result.version,
    device: result.device,
    summary: summaryOf(result, envelope),
    body: isLarge ? null : Buffer.from(stored).toString(envelope === null ? "utf8" : "base64"),
    blobKey: isLarge ? await writeBlob(blobKeyOf(lease, result.task, envelope), stored) : null,
    bodyBytes: bytes.byteLength,
    // Of a sealed one: the hash of what was said would tell whoever guesses it that he is right.
    bodySha256: createHash("sha256")
      .update(envelope === null ? bytes : stored)
      .digest("hex"),
    keyId: envelope === null ? null : (resultSealKey?.id ?? null),
    sealedKey: envelope?.sealedKey ?? null,
  };

  async function writeBlob(key: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
    await planBlobDeletion(db, key, ORPHAN_AFTER_SECONDS);
    await blobs.write(key, new Blob([body]).stream());
    return key;
  }
}

async function sealed(
  bytes: Uint8Array<ArrayBuffer>,
  envelope: Envelope | null,
): Promise<Uint8Array<ArrayBuffer>> {
  return envelope === null ? bytes : through(sealingStream(envelope.key), bytes);
}

function blobKeyOf({ jobId, attempt }: Lease, task: string, envelope: Envelope | null): string {
  return `results/${jobId}/${attempt}/${task}.json.gz${envelope === null ? "" : ".sealed"}`;
}

/**
 * The vectors of a job's results, for the search: scaled to length 1, so that a dot product is their cosine. A vector
 * without a direction is left out.
 */
export function embeddingsOf(results: readonly TaskResult[]): Finish["embeddings"] {
  return results.flatMap((result) => {
    const { success, data } = embedded.safeParse(result);
    if (!success) return [];
    const length = Math.hypot(...data.vector);
    return length > 0 ? [{ space: data.space, vec: data.vector.map((value) => value / length) }] : [];
  });
}

/**
 * The pooled fields of a result, by which jobs can be filtered: scalars, and objects of scalars such as scores by label.
 * What goes over time is none of them. Words of a sealed result stay sealed.
 */
function summaryOf(
  { task: _t, status: _s, model: _m, version: _v, device: _d, ...fields }: TaskResult,
  envelope: Envelope | null,
): Record<string, unknown> {
  const isKept = envelope === null ? isPooled : isFigure;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isKept(value)));
}

function isFigure(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function isPooled(value: unknown): boolean {
  return (
    isFigure(value) || typeof value === "string" || (isRecord(value) && Object.values(value).every(isPart))
  );
}

/** Of an object: pooled itself, or a list of names. */
function isPart(value: unknown): boolean {
  return isPooled(value) || (Array.isArray(value) && value.every((name) => typeof name === "string"));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
