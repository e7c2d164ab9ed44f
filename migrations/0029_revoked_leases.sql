-- A box that is revoked lets go of its jobs in the same transaction: another takes each at once, and no job pays for it with an
-- attempt. All but the last two statements is as in 0023.
create or replace function revoke_box(box text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  login text := box_login_of(box);
  was_live boolean;
begin
  update boxes set revoked_at = now() where id = box and revoked_at is null;
  was_live := found;
  if was_live and exists (select from pg_roles where rolname = login) then
    execute format('alter role %I nologin password null', login);
    execute format('revoke earshot_worker from %I', login);
    perform pg_terminate_backend(pid) from pg_stat_activity where usename = login;
  end if;
  if was_live then
    -- The sessions come first: a beat that waits for such a row ends with its session.
    with released as (
      update jobs set lease_until = now() - interval '1 second'
      where status in ('running', 'canceling') and right(worker_id, length(box) + 1) = '/' || box
      returning id, attempt
    )
    update job_attempts a set charged = false from released
    where a.job_id = released.id and a.attempt = released.attempt and a.ended_at is null;
  end if;
  return was_live;
end $$;
