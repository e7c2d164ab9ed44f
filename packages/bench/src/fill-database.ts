import type postgres from "postgres";

/**
 * A system with a past and a full queue, in `rows` jobs and as many events and deliveries: of ten jobs five are queued, four
 * done, one runs; of four deliveries one is due. @returns the account that it all belongs to.
 */
export async function fillDatabase(sql: postgres.Sql, rows: number): Promise<string> {
  const [account] = await sql<{ id: string }[]>`select id from accounts limit 1`;
  if (account === undefined) throw new Error("there is no account");
  const accountId = account.id;
  await sql`set synchronous_commit = off`;
  await sql`
    insert into jobs (id, account_id, status, priority, input_url, tasks, timeout_seconds, retention_seconds, request_id,
      created_at, queue_deadline_at, claimable_at, attempt, lease_token, lease_until, started_at, finished_at, expires_at)
    select 'job_' || n, ${accountId}, status, n % 3, 'https://example.com/a.wav', '{audio.features}', 60, 60, 'req',
      now() - n * interval '1 s', now() + interval '1 day' + n * interval '1 s', now() - n * interval '1 s',
      (status <> 'queued')::int, case when status = 'running' then 't' end,
      case when status = 'running' then now() + interval '1 day' end,
      case when status <> 'queued' then now() - n * interval '1 s' end,
      case when status = 'succeeded' then now() - n * interval '1 s' end,
      case when status = 'succeeded' then now() + interval '1 day' + n * interval '1 s' end
    from (select n, case when n % 10 < 5 then 'queued' when n % 10 = 5 then 'running' else 'succeeded' end as status
      from generate_series(1, ${rows}::int) n) as made`;
  await sql`insert into job_attempts (job_id, attempt, worker_id) select id, 1, 'w' from jobs where attempt = 1`;
  await sql`
    insert into events (id, account_id, type, job_id, job_sequence, payload, sequence)
    select 'evt_' || n, ${accountId}, 'job.succeeded', 'job_' || n, 1, '{}', n from generate_series(1, ${rows}::int) n`;
  await sql`
    insert into deliveries (id, event_id, account_id, url, status, next_attempt_at)
    select 'dlv_' || n, 'evt_' || n, ${accountId}, 'https://example.com',
      case when n % 4 = 0 then 'pending' else 'succeeded' end, now() - n * interval '1 s'
    from generate_series(1, ${rows}::int) n`;
  await sql`vacuum analyze`;
  return accountId;
}
