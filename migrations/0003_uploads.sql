create table uploads (
  id text collate "C" primary key,
  account_id text collate "C" not null references accounts (id),
  status text not null default 'open' check (status in ('open', 'complete')),
  filename text not null,
  content_type text not null,
  size_bytes bigint not null check (size_bytes > 0),
  -- What the client announced, if it did. The worker's own count is in jobs.input_info.
  sha256 text,
  blob_key text not null unique,
  created_at timestamptz(3) not null default now(),
  put_expires_at timestamptz(3) not null,
  completed_at timestamptz(3),
  deleted_at timestamptz(3)
);

-- The sweep looks for uploads that nothing needs any more.
create index uploads_kept on uploads (created_at) where deleted_at is null;

-- Blobs that must go. A row is written in the transaction that drops the last reference; a worker also writes
-- one before it puts a result blob and removes it when the result commits, so no crash leaves an orphan.
create table blob_deletions (
  blob_key text collate "C" primary key,
  not_before timestamptz(3) not null default now()
);

create index blob_deletions_due on blob_deletions (not_before);
