-- From how probable on a class of music.mood becomes a tag, by an account's own distribution. A row never changes but for
-- being in use or not; a result names the one that it was made with.
create table calibrations (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  -- Whose probabilities they are: of another model they say nothing.
  model text not null,
  model_version text not null,
  -- How many results they were computed from.
  results integer not null check (results > 0),
  -- By class, one for each tier.
  thresholds jsonb not null,
  is_active boolean not null default false,
  created_at timestamptz(3) not null default now()
);
create index calibrations_account on calibrations (account_id, created_at, id);
-- One in use at a time.
create unique index calibrations_active on calibrations (account_id) where is_active;

grant select, insert, update (is_active) on calibrations to earshot_api;
grant select on calibrations to earshot_worker;
