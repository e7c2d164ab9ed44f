-- Where an account's events are posted.
create table webhook_endpoints (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  url text not null,
  description text not null default '',
  -- The types it asks for; null is every type that need not be asked for.
  events text[],
  payload text not null default 'thin' check (payload in ('thin', 'full')),
  metadata jsonb not null default '{}',
  enabled boolean not null default true,
  -- Why and when we disabled it; null where its owner did.
  disabled_reason text check (disabled_reason in ('gone', 'exhausted')),
  disabled_at timestamptz(3),
  -- Sealed by AES-256-GCM. While a rotation lasts both sign.
  secret_sealed text,
  previous_secret_sealed text,
  previous_secret_until timestamptz(3),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  deleted_at timestamptz(3),
  -- A deleted one stays for what was sent to it, without its secrets.
  check ((secret_sealed is null) = (deleted_at is not null)),
  check ((previous_secret_sealed is null) = (previous_secret_until is null)),
  check (deleted_at is null or (previous_secret_sealed is null and not enabled))
);

create index webhook_endpoints_listed on webhook_endpoints (account_id, created_at desc, id desc) where deleted_at is null;

-- The order of a job's events, given as they are written: its row is locked then.
alter table events add column job_sequence integer;
-- With the results' summaries, for endpoints that want them. It goes when the job is deleted.
alter table events add column payload_full text;
update events set job_sequence = numbered.place
from (select id, row_number() over (partition by job_id order by id) as place from events where job_id is not null) numbered
where numbered.id = events.id;
create unique index events_job_sequence on events (job_id, job_sequence) where job_id is not null;
drop index events_job;
create index events_list_by_type on events (account_id, type, created_at desc, id desc);

-- The order of an account's events. A number for all accounts would tell one how much the others do.
alter table events drop constraint events_sequence_key;
create unique index events_sequence on events (account_id, sequence);
drop index events_unnumbered;
create index events_unnumbered on events (created_at, job_sequence, id) where sequence is null;

create table event_sequences (
  account_id text collate "C" primary key references accounts (id),
  last bigint not null
);
insert into event_sequences select account_id, max(sequence) from events where sequence is not null group by account_id;

create trigger event_announced after insert on events
  for each statement execute function announce_delivery();

-- What a receiver that answers slowly or never can hold up: its endpoint, or its origin where jobs brought their own URL.
alter table deliveries add column lane text collate "C" not null
  generated always as (coalesce(endpoint_id, account_id || ' ' || lower(substring(url from '^[^/]+//[^/?#]+')))) stored;
alter table deliveries add column payload text not null default 'thin' check (payload in ('thin', 'full'));
create index deliveries_lane on deliveries (lane, next_attempt_at) where status = 'pending';
create index deliveries_of_job on deliveries (job_id, created_at desc, id desc) where endpoint_id is null;

-- Of the delivery, once more: attempts are listed by endpoint.
alter table delivery_attempts add column endpoint_id text collate "C";
create index delivery_attempts_listed on delivery_attempts (endpoint_id, started_at desc, delivery_id desc, attempt desc)
  where endpoint_id is not null;
create index delivery_attempts_succeeded on delivery_attempts (endpoint_id, started_at)
  where endpoint_id is not null and status_code between 200 and 299;

grant select, insert, update on webhook_endpoints to earshot_api;
grant update (payload_full) on events to earshot_api;
grant update (next_attempt_at) on deliveries to earshot_api;
grant select on event_sequences to earshot_api;

-- Enough to know who wants an event, and no secret.
grant select (id, account_id, url, events, payload, enabled, deleted_at) on webhook_endpoints to earshot_worker;
grant select (job_id, job_sequence) on events to earshot_worker;

grant select on webhook_endpoints to earshot_deliver;
grant update (enabled, disabled_reason, disabled_at, updated_at) on webhook_endpoints to earshot_deliver;
grant select, insert, update on event_sequences to earshot_deliver;
