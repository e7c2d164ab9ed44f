import type { ChaosStack } from "./chaos-stack.ts";

/** What isn't as it must be, in words; empty when all is well. */
export async function findViolations(
  { sql, bucket, receiver }: ChaosStack,
  accepted: ReadonlyMap<string, string>,
): Promise<string[]> {
  const violations: string[] = [];
  const none = async (what: string, rows: PromiseLike<readonly object[]>) => {
    const found = await rows;
    if (found.length > 0) violations.push(`${what}: ${found.length}, such as ${JSON.stringify(found[0])}`);
  };
  const ids = [...accepted.values()];
  const list = ids.join(",");

  if (new Set(ids).size !== accepted.size) violations.push("two keys got one job");
  await none(
    "accepted, and not there",
    sql`select accepted.id from unnest(string_to_array(${list}, ',')) as accepted (id) left join jobs using (id) where jobs.id is null`,
  );
  await none(
    "there, and never accepted",
    sql`select id from jobs where not id = any(string_to_array(${list}, ','))`,
  );
  await none(
    "jobs in no final state",
    sql`select id, status, attempt from jobs where status not in ('succeeded', 'partial', 'failed', 'canceled', 'expired')`,
  );
  await none("attempts that never ended", sql`select * from job_attempts where ended_at is null`);
  await none(
    "jobs with more than one attempt that gave the result",
    sql`select job_id, count(*) from job_attempts where outcome in ('succeeded', 'partial', 'failed')
      group by job_id having count(*) > 1`,
  );
  await none(
    "attempts that were charged for what wasn't the job's fault",
    sql`select * from job_attempts where charged and outcome in ('handed_back', 'database_lost')`,
  );
  await none(
    "successes without one result for each task, of the attempt that ended the job",
    sql`select j.id, j.attempt, count(r.*) as results from jobs j
      left join task_results r on r.job_id = j.id and r.attempt = j.attempt
      where j.status in ('succeeded', 'partial')
      group by j.id having count(r.*) <> cardinality(j.tasks)`,
  );
  await none(
    "results of another attempt than the one that ended the job",
    sql`select r.job_id, r.attempt from task_results r join jobs j on j.id = r.job_id where r.attempt <> j.attempt`,
  );
  await none(
    "successes whose attempt says something else",
    sql`select j.id, a.outcome from jobs j join job_attempts a on a.job_id = j.id and a.attempt = j.attempt
      where j.status in ('succeeded', 'partial') and a.outcome <> j.status`,
  );
  await none(
    "jobs without exactly one final event",
    sql`select j.id, count(e.*) from jobs j left join events e on e.job_id = j.id and e.type <> 'job.started'
      group by j.id having count(e.*) <> 1`,
  );
  await none(
    "deliveries that did not arrive",
    sql`select id, status from deliveries where status <> 'succeeded'`,
  );
  violations.push(...webhookViolations(receiver.requests, ids));
  const keys = await bucket.keys();
  violations.push(...(await orphans(sql, keys)), ...(await missingBlobs(sql, keys)));
  return violations;
}

function webhookViolations(requests: ChaosStack["receiver"]["requests"], ids: readonly string[]): string[] {
  const hooks = new Map<string, Set<string>>();
  for (const { body, headers } of requests) {
    const { id } = (JSON.parse(body) as { data: { id: string } }).data;
    hooks.set(id, (hooks.get(id) ?? new Set()).add(String(headers["webhook-id"])));
  }
  return ids.flatMap((id) => {
    const count = hooks.get(id)?.size ?? 0;
    return count === 1 ? [] : [`${id} has ${count} webhook ids`];
  });
}

async function missingBlobs(sql: ChaosStack["sql"], keys: readonly string[]): Promise<string[]> {
  const results = await sql<{ key: string; job: string }[]>`
    select blob_key as key, job_id as job from task_results where blob_key is not null`;
  const there = new Set(keys);
  return results.filter(({ key }) => !there.has(key)).map(({ job }) => `${job} has a result that is nowhere`);
}

async function orphans(sql: ChaosStack["sql"], keys: readonly string[]): Promise<string[]> {
  const owned = await sql<{ key: string }[]>`
    select blob_key as key from uploads where deleted_at is null
    union select blob_key from task_results where blob_key is not null
    union select blob_key from blob_deletions`;
  const known = new Set(owned.map(({ key }) => key));
  return keys.filter((key) => !known.has(key)).map((key) => `${key} is nobody's`);
}
