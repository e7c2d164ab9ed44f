import type { SQL } from "drizzle-orm";
import { eq, inArray, sql } from "drizzle-orm";
import { LIMITS } from "../../domain/limits.ts";
import { isFinal } from "../../domain/job-status.ts";
import type { JobStatus } from "../../domain/job-status.ts";
import type { Database } from "../database.ts";
import { isWanted, recordJobEvent } from "../events.ts";
import { jobs } from "../schema.ts";
import type { Job, Lease } from "./job.ts";
import { jobColumns } from "./job.ts";

export interface ClaimOptions {
  workerId: string;
  leaseSeconds: number;
}

export interface ClaimedJob {
  job: Job;
  lease: Lease;
}

export type Claim =
  | ({ outcome: "claimed" } & ClaimedJob)
  /** Another worker has it, or it waits for its next attempt. */
  | { outcome: "leased" }
  | { outcome: "finished" }
  | { outcome: "unknown" };

/**
 * Claims the job that a message named: a new one at once, a later attempt when it is due, and one whose lease has
 * run out. The message can be deleted whatever the outcome, since the table is claimed from as well.
 */
export async function claimJob(db: Database, jobId: string, options: ClaimOptions): Promise<Claim> {
  return db.transaction(async (tx) => {
    const [claimed] = await take(tx, bellCandidate(jobId), options);
    if (claimed) return { outcome: "claimed", ...claimed };
    // 0 rows alone do not tell a leased job from a finished one.
    const [row] = await tx.select({ status: jobs.status }).from(jobs).where(eq(jobs.id, jobId));
    return { outcome: row ? outcomeOf(row.status) : "unknown" };
  });
}

/** Exported for the test that reads its plan. */
export function bellCandidate(jobId: string): SQL {
  const due = sql`(j.attempt = 0 or j.claimable_at <= now())`;
  return sql`
    select j.id from jobs j
    where j.id = ${jobId} and ${withinBudget} and ((j.status = 'queued' and ${due}) or ${leaseRanOut})
    for update`;
}

/** Claims up to `limit` jobs straight from the table, without a bell: highest priority first, then oldest. */
export async function claimFromTable(
  db: Database,
  limit: number,
  options: ClaimOptions,
): Promise<ClaimedJob[]> {
  return db.transaction((tx) => take(tx, tableCandidates(limit), options));
}

/** Exported for the test that reads its plan. */
export function tableCandidates(limit: number): SQL {
  return sql`
    select id from (
      (select j.id from jobs j where ${leaseRanOut} and ${withinBudget}
       order by j.lease_until limit ${limit} for update skip locked)
    ) reclaimable
    union all
    select id from (
      (select j.id from jobs j where j.status = 'queued' and j.claimable_at <= now() and ${withinBudget}
       order by j.priority desc, j.claimable_at, j.id limit ${limit} for update skip locked)
    ) fresh
    limit ${limit}`;
}

const leaseRanOut = sql`(j.status = 'running' and j.lease_until < now())`;

const withinBudget = sql`(
  j.attempt < ${sql.raw(String(LIMITS.attempts))}
  and (select count(*) from job_attempts a where a.job_id = j.id and a.charged) < ${sql.raw(String(LIMITS.chargedAttempts))}
)`;

async function take(tx: Database, candidates: SQL, options: ClaimOptions): Promise<ClaimedJob[]> {
  const taken = await tx.execute<{ id: string }>(claimStatement(candidates, options));
  if (taken.length === 0) return [];
  const ids = taken.map((row) => row.id);
  const columns = { ...jobColumns, isStartWanted: isWanted("job.started") };
  const rows = await tx.select(columns).from(jobs).where(inArray(jobs.id, ids));
  const claimed = rows.map(({ isStartWanted, ...job }) => ({ job, lease: leaseOf(job), isStartWanted }));
  for (const { job, isStartWanted } of claimed)
    if (isStartWanted && job.attempt === 1) await announceStart(tx, job);
  return claimed
    .map(({ job, lease }) => ({ job, lease }))
    .toSorted((a, b) => ids.indexOf(a.job.id) - ids.indexOf(b.job.id));
}

/** One statement: the lease with its fresh token, the row of this attempt, and the end of the one that was lost. */
function claimStatement(candidates: SQL, options: ClaimOptions): SQL {
  return sql`
    with candidate as materialized (${candidates}),
    claimed as (
      update jobs set
        status = 'running',
        lease_token = gen_random_uuid()::text,
        lease_until = now() + make_interval(secs => ${options.leaseSeconds}),
        worker_id = ${options.workerId},
        attempt = attempt + 1,
        started_at = coalesce(started_at, now()),
        progress_stage = 'claimed',
        progress_fraction = 0
      where id in (select id from candidate)
      returning id, attempt
    ),
    lost as (
      update job_attempts a set ended_at = now(), outcome = 'lease_expired'
      from claimed where a.job_id = claimed.id and a.ended_at is null
    ),
    started as (
      insert into job_attempts (job_id, attempt, worker_id) select id, attempt, ${options.workerId} from claimed
    )
    select candidate.id from candidate join claimed using (id)`;
}

function leaseOf(job: Job): Lease {
  if (job.leaseToken === null) throw new Error("a claimed job has no lease");
  return { jobId: job.id, token: job.leaseToken, attempt: job.attempt };
}

async function announceStart(tx: Database, job: Job): Promise<void> {
  if (job.startedAt === null) return;
  await recordJobEvent(tx, job, "job.started", {
    status: job.status,
    attempt: job.attempt,
    tasks: job.tasks.map((task) => ({ task, status: "queued" })),
    error: null,
    metadata: job.metadata,
    at: job.startedAt,
  });
}

function outcomeOf(status: JobStatus): "leased" | "finished" {
  return isFinal(status) ? "finished" : "leased";
}
