create table jobs (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  status text not null default 'queued'
    check (status in ('queued', 'running', 'canceling', 'succeeded', 'partial', 'failed', 'canceled', 'expired')),
  priority smallint not null default 0,

  -- What was asked for.
  upload_id text collate "C" references uploads (id),
  input_url text,
  tasks text[] not null,
  options jsonb not null default '{}',
  metadata jsonb not null default '{}',
  webhook_url text,
  webhook_events text[],
  webhook_secret_sealed text,
  timeout_seconds integer not null,
  retention_seconds integer not null,
  queue_deadline_at timestamptz(3) not null,
  retried_from text collate "C",
  request_id text not null,
  traceparent text,

  -- The lease. `claimable_at` is when the table may be claimed from without a bell.
  claimable_at timestamptz(3) not null,
  attempt integer not null default 0,
  lease_token text,
  lease_until timestamptz(3),
  worker_id text,
  progress_stage text,
  progress_fraction real,

  -- What came of it.
  input_info jsonb,
  warnings text[],
  audio_seconds double precision,
  compute_seconds double precision,
  device text,
  error_code text,
  error_message text,
  error_detail jsonb,

  created_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  finished_at timestamptz(3),
  expires_at timestamptz(3),
  deleted_at timestamptz(3),

  check (num_nonnulls(upload_id, input_url) = 1 or deleted_at is not null),
  check ((status in ('running', 'canceling')) = (lease_token is not null)),
  check ((status in ('succeeded', 'partial', 'failed', 'canceled', 'expired')) = (finished_at is not null))
);

create index jobs_list on jobs (account_id, created_at desc, id desc);
create index jobs_upload on jobs (upload_id) where upload_id is not null;
create index jobs_claimable on jobs (priority desc, claimable_at, id) where status = 'queued';
create index jobs_deadline on jobs (queue_deadline_at) where status = 'queued';
create index jobs_lease on jobs (lease_until) where status in ('running', 'canceling');
create index jobs_retention on jobs (expires_at) where deleted_at is null and finished_at is not null;

-- The transition table of packages/shared/src/domain/job-status.ts; a test holds the two together.
create function check_job_transition() returns trigger language plpgsql as $$
begin
  if (old.status, new.status) in (
    ('queued', 'running'), ('queued', 'canceled'), ('queued', 'expired'),
    ('running', 'queued'), ('running', 'canceling'),
    ('running', 'succeeded'), ('running', 'partial'), ('running', 'failed'),
    ('canceling', 'canceled')
  ) then
    return new;
  end if;
  raise exception 'a job cannot go from % to %', old.status, new.status using errcode = 'check_violation';
end $$;

create trigger job_transition before update on jobs
  for each row when (old.status is distinct from new.status) execute function check_job_transition();

-- Wakes those who wait for a job (GET ?wait=) and nobody else: the payload is the id alone.
create function announce_job() returns trigger language plpgsql as $$
begin
  perform pg_notify('earshot_jobs', new.id);
  return null;
end $$;

create trigger job_announced after update on jobs
  for each row when (old.status is distinct from new.status) execute function announce_job();

create table job_attempts (
  job_id text collate "C" not null references jobs (id),
  attempt integer not null,
  worker_id text not null,
  claimed_at timestamptz(3) not null default now(),
  ended_at timestamptz(3),
  outcome text check (outcome in
    ('succeeded', 'partial', 'failed', 'canceled', 'retried', 'handed_back', 'database_lost', 'lease_expired')),
  -- Counts against the budget of attempts. A drain or a lost database is refunded.
  charged boolean not null default true,
  primary key (job_id, attempt)
);

create table idempotency_keys (
  account_id text collate "C" not null references accounts (id),
  route text not null,
  key text not null,
  body_sha256 text not null,
  status smallint not null,
  location text,
  response text not null,
  created_at timestamptz(3) not null default now(),
  primary key (account_id, route, key)
);

create index idempotency_keys_age on idempotency_keys (created_at);
