import type postgres from "postgres";

/** Enough that none of them has more jobs queued than an account may have. */
const ACCOUNTS = 20;

/**
 * A system with a past and a full queue, in `rows` jobs and as many events and deliveries: of ten jobs five are queued and five
 * done, but for some that run; of two deliveries one is due. @returns one of the accounts that it all belongs to.
 */
export async function fillDatabase(sql: postgres.Sql, rows: number): Promise<string> {
  await sql`set synchronous_commit = off`;
  await sql`insert into accounts (id, name, webhook_secret_sealed)
    select 'acc_' || n, 'bench', '' from generate_series(0, ${ACCOUNTS - 1}::int) n`;
  await sql`
    insert into jobs (id, account_id, status, priority, input_url, tasks, timeout_seconds, retention_seconds, request_id,
      created_at, queue_deadline_at, claimable_at, attempt, lease_token, lease_until, started_at, finished_at, expires_at)
    select 'job_' || n, 'acc_' || n % ${ACCOUNTS}::int, status, n % 3, 'https://example.com/a.wav', '{audio.features}', 60, 60, 'req',
      now() - n * interval '1 s', now() + interval '1 day' + n * interval '1 s', now() - n * interval '1 s',
      (status <> 'queued')::int, case when status = 'running' then 't' end,
      case when status = 'running' then now() + interval '1 day' end,
      case when status <> 'queued' then now() - n * interval '1 s' end,
      case when status = 'succeeded' then now() - n * interval '1 s' end,
      case when status = 'succeeded' then now() + interval '1 day' + n * interval '1 s' end
    from (select n, case when n % 10 < 5 then 'queued' when n % 10 = 5 and n < 400 then 'running' else 'succeeded' end as status
      from generate_series(1, ${rows}::int) n) as made`;
  await sql`insert into job_attempts (job_id, attempt, worker_id) select id, 1, 'w' from jobs where attempt = 1`;
  await sql`
    insert into events (id, account_id, type, job_id, job_sequence, payload, sequence)
    select 'evt_' || n, 'acc_0', 'job.succeeded', 'job_' || n, 1, '{}', n from generate_series(1, ${rows}::int) n`;
  await sql`
    insert into deliveries (id, event_id, account_id, url, status, next_attempt_at)
    select 'dlv_' || n, 'evt_' || n, 'acc_0', 'https://example.com',
      case when n % 2 = 0 then 'pending' else 'succeeded' end, now() - n * interval '1 s'
    from generate_series(1, ${rows}::int) n`;
  await sql`vacuum analyze`;
  return "acc_0";
}
