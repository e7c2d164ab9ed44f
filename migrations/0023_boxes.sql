-- Machines that do the work. Each has a key of its own, of which the public half is here, and a database login of its
-- own, which is made when it first asks and ends when somebody revokes it.

-- A box works for every account of the installation, so not every owner may let one in.
alter table accounts add column is_operator boolean not null default false;
update accounts set is_operator = true
  where id = (select id from accounts where deleted_at is null order by created_at limit 1);

create table box_enrolments (
  -- SHA-256 of the code that a person carries to the box.
  code_hash text collate "C" primary key,
  name text not null,
  -- No reference here and below: the boxes of an account that is deleted are the installation's still.
  account_id text collate "C" not null,
  created_by text collate "C" not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null,
  used_at timestamptz(3)
);

create index box_enrolments_expired on box_enrolments (expires_at);

create table boxes (
  id text collate "C" primary key check (id ~ '^box_[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  account_id text collate "C" not null,
  name text not null,
  algorithm text not null check (algorithm in ('EdDSA', 'ES256')),
  public_jwk text not null,
  created_at timestamptz(3) not null default now(),
  -- When it was last given credentials.
  last_seen_at timestamptz(3),
  revoked_at timestamptz(3)
);

create index boxes_of_account on boxes (account_id, id desc);

-- Which assertions were used: each is good once, whichever server it is shown to.
create table box_assertions (
  box_id text collate "C" not null references boxes (id),
  jti text collate "C" not null,
  used_at timestamptz(3) not null default now(),
  primary key (box_id, jti)
);

create function box_login_of(box text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 'earshot_' || lower(box) $$;

-- Lets a box that is enrolled in by a new password, until then, as one of the workers. The API may not make roles: it may
-- ask for this one. It gives what the password is checked by (RFC 5803), so that no log of the server ever holds it.
create function open_box_login(box text, verifier text, valid_until timestamptz) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  login text := box_login_of(box);
begin
  if verifier !~ '^SCRAM-SHA-256\$\d{4,6}:[A-Za-z0-9+/]{22,64}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' then
    raise exception 'not a SCRAM-SHA-256 verifier' using errcode = 'invalid_parameter_value';
  end if;
  if valid_until > now() + interval '2 hours' then
    raise exception 'a login of a box is good for two hours at most' using errcode = 'invalid_parameter_value';
  end if;
  perform from boxes where id = box and revoked_at is null for update;
  if not found then
    raise exception 'no such box' using errcode = 'no_data_found';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 20', login);
    -- An owner that is no superuser ends only sessions of roles whose privileges it has.
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant %I to %I with inherit true, set false', login, current_user);
    end if;
  end if;
  execute format('grant earshot_worker to %I with inherit true, set false', login);
  execute format('alter role %I login password %L valid until %L', login, verifier, valid_until);
  return login;
end $$;

-- Ends a box: no login, no privilege of the sessions that are there, and those sessions. One that slips in while this
-- commits may do nothing.
create function revoke_box(box text) returns boolean
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
  return was_live;
end $$;

revoke execute on function open_box_login, revoke_box from public;
grant execute on function open_box_login, revoke_box to earshot_api;
grant select, insert, delete on box_enrolments to earshot_api;
grant update (used_at) on box_enrolments to earshot_api;
grant select, insert on boxes to earshot_api;
grant update (last_seen_at) on boxes to earshot_api;
grant select, insert, delete on box_assertions to earshot_api;
