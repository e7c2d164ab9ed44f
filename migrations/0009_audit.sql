-- Who did what, from where, and what came of it. Rows are added by whoever acts, in the transaction of the act, and
-- numbered and sealed by the deliverer once they are committed. Nothing else ever changes here.
create table audit_log (
  id text collate "C" primary key,
  -- No reference: what an account did outlives it. Null: nobody's, such as a login with an unknown name.
  account_id text collate "C",
  actor_kind text not null,
  actor_id text,
  action text not null,
  target text,
  outcome text not null check (outcome in ('success', 'denied', 'failure')),
  ip text,
  request_id text,
  -- No secrets.
  detail jsonb not null default '{}',
  created_at timestamptz(3) not null default now(),
  -- Given by the sealer in the order of commits: a transaction that commits late is sealed late, and nothing slips in between.
  sequence bigint unique
);

create index audit_log_list on audit_log (account_id, created_at desc, id desc);
create index audit_log_unsealed on audit_log (id) where sequence is null;

-- The signed chain. `rows`: a digest over the rows first_row to last_row. `checkpoint`: retention removed the rows
-- up to removed_through and the seals up to removed_seal, the hash of which is its digest.
create table audit_seals (
  seq bigint primary key,
  kind text not null check (kind in ('rows', 'checkpoint')),
  first_row bigint,
  last_row bigint,
  row_count integer not null,
  removed_seal bigint,
  removed_through bigint,
  digest text not null,
  previous_hash text not null,
  created_at timestamptz(3) not null,
  key_id text not null,
  signature text not null,
  check ((kind = 'rows') = (num_nonnulls(first_row, last_row) = 2)),
  check ((kind = 'checkpoint') = (num_nonnulls(removed_seal, removed_through) = 2))
);

create index audit_seals_last_row on audit_seals (last_row) where kind = 'rows';
create index audit_seals_removed on audit_seals (removed_through) where kind = 'checkpoint';

-- It stops mistakes and every login, the owner's too. Whoever can drop a trigger can't forge a seal.
create function guard_audit_log() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.sequence is null and to_jsonb(new) - 'sequence' = to_jsonb(old) - 'sequence' then
    return new;
  end if;
  if tg_op = 'DELETE' and exists (select from audit_seals s where s.removed_through >= old.sequence) then
    return old;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'restrict_violation';
end $$;

create function guard_audit_seals() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and exists (select from audit_seals s where s.removed_seal >= old.seq) then
    return old;
  end if;
  raise exception 'audit seals are append-only' using errcode = 'restrict_violation';
end $$;

create trigger audit_log_guarded before update or delete on audit_log
  for each row execute function guard_audit_log();
create trigger audit_log_not_truncated before truncate on audit_log
  for each statement execute function guard_audit_log();
create trigger audit_seals_guarded before update or delete on audit_seals
  for each row execute function guard_audit_seals();
create trigger audit_seals_not_truncated before truncate on audit_seals
  for each statement execute function guard_audit_seals();

-- Retention, the only way out: adds a checkpoint that the deliverer has signed and removes what it covers. Nothing
-- younger than 30 days goes, whatever the deliverer says.
create function retire_audit(
  checkpoint_seq bigint, retired_seal bigint, retired_seal_hash text, chain_hash text, sealed_at timestamptz,
  signing_key text, seal_signature text
) returns bigint language plpgsql security definer set search_path = public, pg_temp as $$
declare
  through bigint;
begin
  select max(coalesce(last_row, removed_through)) into strict through from audit_seals where seq <= retired_seal;
  if through is null or exists (
    select from audit_log where sequence <= through and created_at > now() - interval '30 days'
  ) then
    raise exception 'the audit log is kept for 30 days at least' using errcode = 'restrict_violation';
  end if;
  insert into audit_seals (seq, kind, row_count, removed_seal, removed_through, digest, previous_hash, created_at, key_id, signature)
  values (checkpoint_seq, 'checkpoint', 0, retired_seal, through, retired_seal_hash, chain_hash, sealed_at, signing_key, seal_signature);
  delete from audit_log where sequence <= through;
  delete from audit_seals where seq <= retired_seal;
  return through;
end $$;

revoke execute on function retire_audit from public;
grant execute on function retire_audit to earshot_deliver;

-- Neither the time nor the place in the order is the writer's to say.
grant insert (id, account_id, actor_kind, actor_id, action, target, outcome, ip, request_id, detail)
  on audit_log to earshot_api, earshot_worker, earshot_deliver;
grant select on audit_log, audit_seals to earshot_api, earshot_deliver;
grant update (sequence) on audit_log to earshot_deliver;
grant insert on audit_seals to earshot_deliver;
