-- What an account may have. Null is without an end.
alter table accounts
  add column max_queued_jobs bigint not null default 100000,
  add column max_upload_bytes_per_month bigint,
  add column max_audio_seconds_per_month bigint;

-- What quotas are held against: kept by triggers in the transactions that change it, read without counting. Each is the
-- sum of several rows, so that those who work for one account at once seldom wait for each other.
create table account_counters (
  account_id text collate "C" not null references accounts (id) on delete cascade,
  shard smallint not null,
  queued_jobs bigint not null,
  primary key (account_id, shard)
) with (fillfactor = 50);

create table account_usage (
  account_id text collate "C" not null references accounts (id) on delete cascade,
  -- Its first day, UTC.
  month date not null,
  shard smallint not null,
  jobs bigint not null default 0,
  uploads bigint not null default 0,
  upload_bytes bigint not null default 0,
  audio_seconds double precision not null default 0,
  compute_seconds double precision not null default 0,
  primary key (account_id, month, shard)
) with (fillfactor = 50);

create function this_month() returns date language sql stable as
  $$ select date_trunc('month', now() at time zone 'utc')::date $$;

-- A backend has its row: of sixteen connections of a pool no two wait for each other.
create function own_shard() returns smallint language sql stable as $$ select (pg_backend_pid() % 16)::smallint $$;

-- Raised as EQ001, with the quota's name as the message. Near the end of a quota those who come at once go one by one, else
-- each would see room for itself; more than 256 are never at once in one account.
create function hold_queue_quota(account text) returns void language plpgsql as $$
declare
  quota bigint := (select max_queued_jobs from accounts where id = account);
  queued bigint := (select sum(queued_jobs) from account_counters where account_id = account);
begin
  if queued <= quota - 256 then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('queued jobs ' || account, 0));
  queued := (select sum(queued_jobs) from account_counters where account_id = account);
  if queued > quota then raise exception 'queued_jobs' using errcode = 'EQ001'; end if;
end $$;

create function count_new_jobs() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  account text;
begin
  -- In the order of accounts, here and below: two statements that count for several never wait for each other in a ring.
  insert into account_counters as c (account_id, shard, queued_jobs)
  select account_id, own_shard(), count(*) filter (where status = 'queued') from added group by account_id order by account_id
  on conflict (account_id, shard) do update set queued_jobs = c.queued_jobs + excluded.queued_jobs;
  insert into account_usage as u (account_id, month, shard, jobs)
  select account_id, this_month(), own_shard(), count(*) from added group by account_id order by account_id
  on conflict (account_id, month, shard) do update set jobs = u.jobs + excluded.jobs;
  for account in select distinct account_id from added order by account_id loop
    perform hold_queue_quota(account);
    if (select sum(u.audio_seconds) >= max(a.max_audio_seconds_per_month)
        from account_usage u join accounts a on a.id = u.account_id where a.id = account and u.month = this_month()) then
      raise exception 'audio_seconds_per_month' using errcode = 'EQ001';
    end if;
  end loop;
  return null;
end $$;

create function count_changed_jobs() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- A beat changes a job, and neither where it stands nor what was used.
  insert into account_counters as c (account_id, shard, queued_jobs)
  select account_id, own_shard(), sum(change) from (
    select account_id, -1 as change from before where status = 'queued'
    union all select account_id, 1 from after where status = 'queued'
  ) changes group by account_id having sum(change) <> 0 order by account_id
  on conflict (account_id, shard) do update set queued_jobs = c.queued_jobs + excluded.queued_jobs;
  insert into account_usage as u (account_id, month, shard, audio_seconds, compute_seconds)
  select after.account_id, this_month(), own_shard(), coalesce(sum(after.audio_seconds), 0), coalesce(sum(after.compute_seconds), 0)
  from after join before using (id)
  where before.finished_at is null and after.finished_at is not null
    and (after.audio_seconds is not null or after.compute_seconds is not null)
  group by after.account_id order by after.account_id
  on conflict (account_id, month, shard) do update set
    audio_seconds = u.audio_seconds + excluded.audio_seconds,
    compute_seconds = u.compute_seconds + excluded.compute_seconds;
  return null;
end $$;

create function count_deleted_jobs() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into account_counters as c (account_id, shard, queued_jobs)
  select account_id, own_shard(), -count(*) from removed where status = 'queued' group by account_id order by account_id
  on conflict (account_id, shard) do update set queued_jobs = c.queued_jobs + excluded.queued_jobs;
  return null;
end $$;

create trigger jobs_counted_new after insert on jobs
  referencing new table as added for each statement execute function count_new_jobs();
create trigger jobs_counted_changed after update on jobs
  referencing old table as before new table as after for each statement execute function count_changed_jobs();
create trigger jobs_counted_deleted after delete on jobs
  referencing old table as removed for each statement execute function count_deleted_jobs();

create function count_new_uploads() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into account_usage as u (account_id, month, shard, uploads, upload_bytes)
  select account_id, this_month(), own_shard(), count(*), sum(size_bytes) from added group by account_id order by account_id
  on conflict (account_id, month, shard) do update set
    uploads = u.uploads + excluded.uploads, upload_bytes = u.upload_bytes + excluded.upload_bytes;
  if exists (
    select from account_usage u join accounts a on a.id = u.account_id
    where u.month = this_month() and a.max_upload_bytes_per_month is not null and a.id in (select account_id from added)
    group by a.id having sum(u.upload_bytes) > max(a.max_upload_bytes_per_month)
  ) then
    raise exception 'upload_bytes_per_month' using errcode = 'EQ001';
  end if;
  return null;
end $$;

create trigger uploads_counted_new after insert on uploads
  referencing new table as added for each statement execute function count_new_uploads();

insert into account_counters (account_id, shard, queued_jobs)
select account_id, 0, count(*) from jobs where status = 'queued' group by account_id;

insert into account_usage (account_id, month, shard, uploads, upload_bytes)
select account_id, date_trunc('month', created_at at time zone 'utc')::date, 0, count(*), sum(size_bytes) from uploads group by 1, 2;

insert into account_usage as u (account_id, month, shard, jobs, audio_seconds, compute_seconds)
select account_id, date_trunc('month', created_at at time zone 'utc')::date, 0, count(*),
  coalesce(sum(audio_seconds), 0), coalesce(sum(compute_seconds), 0)
from jobs group by 1, 2
on conflict (account_id, month, shard) do update set
  jobs = excluded.jobs, audio_seconds = excluded.audio_seconds, compute_seconds = excluded.compute_seconds;

grant select on account_counters, account_usage to earshot_api;
