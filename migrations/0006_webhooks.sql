create table events (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  type text not null,
  job_id text collate "C" references jobs (id),
  -- The very bytes that are signed and sent.
  payload text not null,
  created_at timestamptz(3) not null default now(),
  -- Given by the deliverer in the order of commits.
  sequence bigint unique
);

create index events_list on events (account_id, created_at desc, id desc);
create index events_job on events (job_id);
create index events_unnumbered on events (id) where sequence is null;

create table deliveries (
  id text collate "C" primary key,
  event_id text collate "C" not null references events (id),
  account_id text collate "C" not null references accounts (id),
  job_id text collate "C" references jobs (id),
  endpoint_id text collate "C",
  url text not null,
  status text not null default 'pending' check (status in ('pending', 'succeeded', 'failed')),
  attempt integer not null default 0,
  -- When the next attempt is due, or until when the one under way is leased.
  next_attempt_at timestamptz(3) not null default now(),
  lease_token text,
  created_at timestamptz(3) not null default now(),
  finished_at timestamptz(3)
);

create index deliveries_due on deliveries (next_attempt_at) where status = 'pending';
create index deliveries_event on deliveries (event_id);
create index deliveries_job on deliveries (job_id) where status = 'pending';

create table delivery_attempts (
  delivery_id text collate "C" not null references deliveries (id),
  attempt integer not null,
  started_at timestamptz(3) not null,
  latency_ms integer not null,
  status_code integer,
  -- dns, connect, tls, timeout, reset, forbidden …: the class of the fault, when no answer came.
  error text,
  response_head text,
  primary key (delivery_id, attempt)
);

create function announce_delivery() returns trigger language plpgsql as $$
begin
  perform pg_notify('earshot_deliveries', '');
  return null;
end $$;

create trigger delivery_announced after insert on deliveries
  for each statement execute function announce_delivery();
