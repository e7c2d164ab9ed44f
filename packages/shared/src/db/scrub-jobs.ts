import { inArray, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { jobs } from "./schema.ts";

/** Removes results and vectors, orders their blobs deleted, and leaves tombstones. */
export async function scrubJobs(tx: Database, jobIds: string[]): Promise<void> {
  const these = sql`in ${jobIds}`;
  await tx.execute(sql`
    insert into blob_deletions (blob_key) select blob_key from task_results
    where job_id ${these} and blob_key is not null on conflict do nothing`);
  await tx.execute(sql`delete from task_results where job_id ${these}`);
  await tx.execute(sql`delete from embeddings where job_id ${these}`);
  await tx.execute(
    sql`update events set payload_full = null where job_id ${these} and payload_full is not null`,
  );
  await tx.execute(
    sql`insert into scrub_orders (job_id) select id from jobs where id ${these} on conflict do nothing`,
  );
  await tx
    .update(jobs)
    .set({
      deletedAt: sql`now()`,
      inputUrl: null,
      inputInfo: null,
      options: {},
      metadata: {},
      // A delivery that still waits is signed with it; the last one to end drops it.
      webhookSecretSealed: sql`case when exists (
        select from deliveries d where d.job_id = ${jobs.id} and d.status = 'pending'
      ) then ${jobs.webhookSecretSealed} end`,
      errorDetail: null,
    })
    .where(inArray(jobs.id, jobIds));
}
