import { and, eq, isNull, ne, sql } from "drizzle-orm";
import { isFinal } from "../../domain/job-status.ts";
import type { JobStatus } from "../../domain/job-status.ts";
import type { Database } from "../database.ts";
import { blobDeletions, jobs, taskResults, uploads } from "../schema.ts";
import { scrubJobs } from "../scrub-jobs.ts";

/** `blobKeys`: what nobody refers to any more. The sweep removes it, unless somebody is quicker. */
export type Deletion =
  | { outcome: "deleted"; blobKeys: string[] }
  | { outcome: "live"; status: JobStatus }
  | { outcome: "not_found" };

/**
 * Leaves a tombstone of an ended job: its results and vectors go, and its audio unless another job uses it. Once more
 * changes nothing, except that it finds the audio of a job whose retention was shorter than that of uploads.
 */
export async function deleteJob(db: Database, accountId: string, id: string): Promise<Deletion> {
  return db.transaction(async (tx) => {
    const [job] = await tx
      .select({ status: jobs.status, uploadId: jobs.uploadId, deletedAt: jobs.deletedAt })
      .from(jobs)
      .where(and(eq(jobs.id, id), eq(jobs.accountId, accountId)))
      .for("update");
    if (job === undefined) return { outcome: "not_found" };
    if (!isFinal(job.status)) return { outcome: "live", status: job.status };
    const results = await resultBlobs(tx, id);
    if (job.deletedAt === null) await scrubJobs(tx, [id]);
    const audio = job.uploadId === null ? [] : await dropUpload(tx, job.uploadId, id);
    return { outcome: "deleted", blobKeys: [...results, ...audio] };
  });
}

async function resultBlobs(tx: Database, jobId: string): Promise<string[]> {
  const rows = await tx
    .select({ blobKey: taskResults.blobKey })
    .from(taskResults)
    .where(eq(taskResults.jobId, jobId));
  return rows.flatMap(({ blobKey }) => blobKey ?? []);
}

/** @returns the blob's key, or nothing when another job still uses it or it is gone already. */
async function dropUpload(tx: Database, uploadId: string, jobId: string): Promise<string[]> {
  // Locked before the users are looked for: a retry that is just being made holds it, or waits and finds it deleted.
  const [upload] = await tx
    .select({ blobKey: uploads.blobKey, putExpiresAt: uploads.putExpiresAt })
    .from(uploads)
    .where(and(eq(uploads.id, uploadId), isNull(uploads.deletedAt)))
    .for("update");
  if (upload === undefined || (await isUsedElsewhere(tx, uploadId, jobId))) return [];
  await tx
    .update(uploads)
    .set({ deletedAt: sql`now()` })
    .where(eq(uploads.id, uploadId));
  // Until its URL expires somebody could PUT the file again: the sweep comes after that.
  await tx
    .insert(blobDeletions)
    .values({
      blobKey: upload.blobKey,
      notBefore: sql`greatest(now(), ${upload.putExpiresAt.toISOString()}::timestamptz)`,
    })
    .onConflictDoNothing();
  return [upload.blobKey];
}

async function isUsedElsewhere(tx: Database, uploadId: string, jobId: string): Promise<boolean> {
  const users = await tx
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.uploadId, uploadId), ne(jobs.id, jobId), isNull(jobs.deletedAt)))
    .limit(1);
  return users.length > 0;
}
