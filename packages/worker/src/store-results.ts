import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { BlobStore } from "@earshot/shared/blobs/blob-store";
import type { Database } from "@earshot/shared/db/database";
import type { Lease } from "@earshot/shared/db/jobs/job";
import type { Finish, NewTaskResult } from "@earshot/shared/db/jobs/finish-job";
import { planBlobDeletion } from "@earshot/shared/db/sweep";
import { LIMITS } from "@earshot/shared/domain/limits";
import type { TaskResult } from "@earshot/shared/domain/results";
import type { TaskName } from "@earshot/shared/domain/tasks";
import * as z from "zod";

/** What a task that embeds adds to its result (DESIGN §6). */
const embedded = z.object({ status: z.literal("succeeded"), space: z.string(), vector: z.array(z.number()) });

const compress = promisify(gzip);

// Longer than any transaction that may still take the blob over.
const ORPHAN_AFTER_SECONDS = 24 * 3600;

/** Makes a result ready for its row: the body as text, or as a gzipped blob when it is large. */
export async function storeResult(
  result: TaskResult,
  lease: Lease,
  { db, blobs }: { db: Database; blobs: BlobStore },
): Promise<NewTaskResult> {
  const text = JSON.stringify(result);
  const bytes = Buffer.from(text);
  const isLarge = bytes.byteLength > LIMITS.inlineResultBytes;
  return {
    task: result.task as TaskName,
    status: result.status,
    errorCode: result.status === "failed" ? result.error.code : null,
    model: result.model,
    version: result.version,
    device: result.device,
    summary: summaryOf(result),
    body: isLarge ? null : text,
    blobKey: isLarge
      ? await writeBlob(`results/${lease.jobId}/${lease.attempt}/${result.task}.json.gz`, bytes)
      : null,
    bodyBytes: bytes.byteLength,
    bodySha256: createHash("sha256").update(bytes).digest("hex"),
    keyId: null,
  };

  async function writeBlob(key: string, body: Buffer): Promise<string> {
    await planBlobDeletion(db, key, ORPHAN_AFTER_SECONDS);
    const compressed = new Uint8Array(await compress(body));
    await blobs.write(key, new Blob([compressed]).stream());
    return key;
  }
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

/** The scalars of a result, by which jobs can be filtered. */
function summaryOf({
  task: _t,
  status: _s,
  model: _m,
  version: _v,
  device: _d,
  ...fields
}: TaskResult): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => ["number", "string", "boolean"].includes(typeof value)),
  );
}
