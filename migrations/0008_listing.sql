-- GET /v1/jobs never shows tombstones: an account that deletes much would page through them all.
create index jobs_listed on jobs (account_id, created_at desc, id desc) where deleted_at is null;
drop index jobs_list;

-- A status that few of the account's jobs have.
create index jobs_listed_by_status on jobs (account_id, status, created_at desc, id desc) where deleted_at is null;

-- A field of the client's own that few jobs have: `metadata @> '{"album": "…"}'`.
create index jobs_metadata on jobs using gin (metadata jsonb_path_ops) where deleted_at is null;
