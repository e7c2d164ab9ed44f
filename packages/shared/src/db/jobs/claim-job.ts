import type { SQL } from "drizzle-orm";
import { eq, inArray, sql } from "drizzle-orm";
import { LIMITS } from "../../domain/limits.ts";
import { isFinal } from "../../domain/job-status.ts";
import type { JobStatus } from "../../domain/job-status.ts";
import { nowAt } from "../clock.ts";
import type { Database } from "../database.ts";
import { isWanted, recordJobEvent } from "../events.ts";
import { jobs } from "../schema.ts";
import type { Job, Lease } from "./job.ts";
import { jobColumns } from "./job.ts";

export interface ClaimOptions {
  workerId: string;
  leaseSeconds: number;
}

export interface TurnOptions extends ClaimOptions {
  /** A bell was heard: jobs that never ran are there to be taken, though the table would still wait for theirs. */
  ringing?: boolean;
  /** Running jobs of an account whose own `max_running_jobs` is null. Null: as many as there are slots. */
  accountJobs?: number | null;
  /** The account that had the last turn: equals take turns from there on. */
  after?: string;
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
 * Claims one job by its name, whoever's turn it is: a new one at once, a later attempt when it is due, and one whose lease has
 * run out. A worker takes turns instead (`claimFromTable`).
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
  const due = sql`(j.attempt = 0 or j.claimable_at <= ${nowAt()})`;
  return sql`
    select j.id from jobs j
    where j.id = ${jobId} and ${withinBudget} and ((j.status = 'queued' and ${due}) or ${leaseRanOut})
    for update`;
}

/**
 * Claims up to `limit` jobs: those of lost workers first, then in turns. The account with the fewest running jobs is next,
 * with its job of the highest priority that waits longest: nobody's backlog and nobody's priorities hold up another account.
 */
export async function claimFromTable(
  db: Database,
  limit: number,
  options: TurnOptions,
): Promise<ClaimedJob[]> {
  if (limit <= 0) return [];
  return db.transaction(async (tx) => {
    await tx.execute(oneAtATime);
    return take(tx, tableCandidates(limit, options), options);
  });
}

/**
 * Whoever claims sees what the others have claimed, so that shares and caps are exact. The lock goes with the transaction, and
 * a worker that dies in the middle of one holds up nobody for long.
 */
const oneAtATime = sql`
  select set_config('idle_in_transaction_session_timeout', '5000', true),
    pg_advisory_xact_lock(hashtextextended('earshot claims', 0))`;

/** Accounts that one claim looks at. More than these can only wait while each of these has jobs that run or wait. */
const ACCOUNTS_AT_ONCE = sql.raw("1000");

/** Exported for the test that reads its plan. */
export function tableCandidates(
  limit: number,
  { ringing = false, accountJobs = null, after = "" }: Omit<TurnOptions, keyof ClaimOptions> = {},
): SQL {
  const due = ringing
    ? sql`(j.attempt = 0 or j.claimable_at <= ${nowAt()})`
    : sql`j.claimable_at <= ${nowAt()}`;
  const nextAccount = (past: SQL, upTo: SQL) => sql`
    (select j.account_id from jobs j where j.status = 'queued' and j.account_id > ${past} and ${upTo}
     order by j.account_id limit 1)`;
  // From one account to the next by the index, not through all of their jobs.
  const lap = (past: SQL, upTo: SQL, from: string) => sql`
    select ${nextAccount(past, upTo)} as account_id, 1 as place
    union all
    select ${nextAccount(sql.raw(`${from}.account_id`), upTo)}, ${sql.raw(from)}.place + 1
    from ${sql.raw(from)} where ${sql.raw(from)}.account_id is not null and ${sql.raw(from)}.place < ${ACCOUNTS_AT_ONCE}`;
  return sql`
    select id from (
      (select j.id from jobs j where ${leaseRanOut} and ${withinBudget}
       order by j.lease_until limit ${limit} for update skip locked)
    ) reclaimable
    union all
    select id from (
      with recursive
      ahead as (${lap(sql`${after}::text`, sql`true`, "ahead")}),
      behind as (${lap(sql`''`, sql`j.account_id <= ${after}::text`, "behind")}),
      waiting as (
        select account_id, place from ahead where account_id is not null
        union all
        select account_id, place + ${ACCOUNTS_AT_ONCE} from behind where account_id is not null
        order by place limit ${ACCOUNTS_AT_ONCE}
      ),
      shares as materialized (
        select w.account_id, w.place,
          coalesce((select a.max_running_jobs from accounts a where a.id = w.account_id), ${accountJobs}::int) as most,
          (select count(*) from jobs r where r.account_id = w.account_id and r.status in ('running', 'canceling')) as running
        from waiting w
      ),
      turns as materialized (
        select s.account_id, nth from shares s, generate_series(1, ${limit}::int) nth
        where s.most is null or s.running + nth <= s.most
        order by s.running + nth, s.place
      )
      select picked.id from turns t, lateral (
        select j.id from jobs j
        where j.status = 'queued' and j.account_id = t.account_id and ${due} and ${withinBudget}
        order by j.priority desc, j.claimable_at, j.id
        offset t.nth - 1 limit 1 for update of j skip locked
      ) picked limit ${limit}
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
  const columns = { ...jobColumns(), isStartWanted: isWanted("job.started") };
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
    with candidate as materialized (select id, row_number() over () as place from (${candidates}) next),
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
    select candidate.id from candidate join claimed using (id) order by candidate.place`;
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
