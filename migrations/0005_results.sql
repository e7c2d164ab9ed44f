create table task_results (
  job_id text collate "C" not null references jobs (id),
  task text not null,
  -- Its place in the job's own list of tasks.
  position smallint not null,
  attempt integer not null,
  status text not null check (status in ('succeeded', 'failed')),
  error_code text,
  model text,
  version text not null,
  device text not null,
  -- Pooled scalars, for filters.
  summary jsonb not null default '{}',
  -- The result as text (jsonb would reorder its keys), or a gzipped blob when it is large.
  body text,
  blob_key text,
  body_bytes bigint not null,
  body_sha256 text not null,
  -- The key that sealed the body, if one did.
  key_id text,
  primary key (job_id, task),
  check (num_nonnulls(body, blob_key) = 1)
);

create table embeddings (
  account_id text collate "C" not null references accounts (id),
  -- Model and front end: vectors of two spaces are never compared.
  space text not null,
  job_id text collate "C" not null references jobs (id),
  vec real[] not null,
  primary key (account_id, space, job_id)
);

alter table embeddings alter column vec set storage plain;
create index embeddings_job on embeddings (job_id);
