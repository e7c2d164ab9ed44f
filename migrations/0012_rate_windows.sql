-- Rate limits where several servers share them: one row a bucket. Unlogged, for a crash may fill every bucket.
create unlogged table rate_windows (
  key text collate "C" primary key,
  start_ms bigint not null,
  used integer not null,
  -- In the window before, which fades while this one lasts.
  used_before integer not null,
  -- When the bucket is full again, and the row of no use.
  stale_at timestamptz(3) not null
) with (fillfactor = 50);

grant select, insert, update on rate_windows to earshot_api;
grant select, delete on rate_windows to earshot_deliver;
