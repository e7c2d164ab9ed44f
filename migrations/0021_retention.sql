-- What goes by itself, and what goes with an account.

-- Events age out with what was sent of them. The deliverer may remove nothing by itself: only through this.
create index events_age on events (created_at);

create function retire_events(kept_days integer, most integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  ids text[];
begin
  if kept_days < 1 then
    raise exception 'events are kept for a day at least' using errcode = 'restrict_violation';
  end if;
  ids := array(
    select id from events e where created_at < now() - make_interval(days => kept_days)
      and not exists (select from deliveries d where d.event_id = e.id and d.status = 'pending')
    order by created_at limit most);
  delete from delivery_attempts where delivery_id in (select id from deliveries where event_id = any (ids));
  delete from deliveries where event_id = any (ids);
  delete from events where id = any (ids);
  return cardinality(ids);
end $$;

revoke execute on function retire_events from public;
grant execute on function retire_events to earshot_deliver;

-- Deleted jobs whose metadata stands in events and in saved answers still. What waits to be delivered is signed as it
-- is: the sweep scrubs it once it was.
create table scrub_orders (
  job_id text collate "C" primary key references jobs (id) on delete cascade
);
create index idempotency_keys_location on idempotency_keys (location) where location is not null;
grant insert on scrub_orders to earshot_api, earshot_deliver;
grant select, delete on scrub_orders to earshot_deliver;
grant update (response) on idempotency_keys to earshot_deliver;

-- An account that its owner has deleted. Its credentials are dead at once; the sweep removes the rest, batch by batch.
alter table accounts add column deleted_at timestamptz(3);
create index accounts_deleted on accounts (deleted_at) where deleted_at is not null;
grant update (deleted_at) on accounts to earshot_api;
create index uploads_of_account on uploads (account_id, created_at, id);

-- Removes a batch of what a deleted account left, blobs by order. The audit log stays. Answers how many rows went, and
-- null once the account itself has gone: not before the last access token that it was given has run out.
create function purge_account(account text, most integer) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  gone bigint := 0;
  went bigint;
  ids text[];
  people text[];
  owned record;
begin
  if not exists (select from accounts where id = account and deleted_at is not null for update) then
    raise exception 'this account was not deleted by its owner' using errcode = 'restrict_violation';
  end if;

  people := array(
    select user_id from memberships m where account_id = account
      and not exists (select from memberships o where o.user_id = m.user_id and o.account_id <> account));

  update jobs set status = 'canceled', finished_at = now(), error_code = 'canceled', error_message = 'The account was deleted.'
    where id in (select id from jobs where account_id = account and status = 'queued' limit most);
  update jobs set status = 'canceling' where account_id = account and status = 'running';

  ids := array(select id from jobs where account_id = account and finished_at is not null limit most);
  insert into blob_deletions (blob_key) select blob_key from task_results
    where job_id = any (ids) and blob_key is not null on conflict do nothing;
  delete from delivery_attempts where delivery_id in (
    select d.id from deliveries d join events e on e.id = d.event_id where e.job_id = any (ids));
  delete from deliveries where event_id in (select id from events where job_id = any (ids));
  delete from events where job_id = any (ids);
  delete from task_results where job_id = any (ids);
  delete from embeddings where job_id = any (ids);
  delete from job_attempts where job_id = any (ids);
  delete from jobs where id = any (ids);
  gone := gone + cardinality(ids);

  ids := array(select id from events where account_id = account and job_id is null limit most);
  delete from delivery_attempts where delivery_id in (select id from deliveries where event_id = any (ids));
  delete from deliveries where event_id = any (ids);
  delete from events where id = any (ids);
  gone := gone + cardinality(ids);

  ids := array(
    select id from uploads u where account_id = account
      and not exists (select from jobs j where j.upload_id = u.id) limit most);
  insert into blob_deletions (blob_key, not_before)
    select blob_key, greatest(now(), put_expires_at) from uploads where id = any (ids) on conflict do nothing;
  delete from uploads where id = any (ids);
  gone := gone + cardinality(ids);

  -- Whatever else refers to the account, later tables too. One that another still refers to has its turn later.
  for owned in
    select c.conrelid::regclass as name, a.attname as account_column
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confrelid = 'accounts'::regclass
      and c.conrelid::regclass::text not in ('jobs', 'events', 'deliveries', 'uploads', 'memberships')
  loop
    begin
      execute format('delete from %s where ctid = any (array(select ctid from %s where %I = $1 limit $2))',
        owned.name, owned.name, owned.account_column) using account, most;
      get diagnostics went = row_count;
      gone := gone + went;
    exception when foreign_key_violation then null;
    end;
  end loop;

  -- People who were in no other account.
  delete from sessions where user_id = any (people);
  delete from device_logins where user_id = any (people);
  delete from memberships where account_id = account;
  get diagnostics went = row_count;
  gone := gone + went;
  delete from identities where user_id = any (people);
  delete from users where id = any (people);

  if gone > 0 or exists (select from jobs where account_id = account) then return gone; end if;
  delete from accounts where id = account and deleted_at < now() - interval '15 minutes';
  return case when found then null else 0 end;
end $$;

revoke execute on function purge_account from public;
grant execute on function purge_account to earshot_deliver;
