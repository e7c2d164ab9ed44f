-- Accounts take turns: a claim goes from one account that waits to the next, and to the best job of each, by this index.
create index jobs_waiting on jobs (account_id, priority desc, claimable_at, id) where status = 'queued';
drop index jobs_claimable;
create index jobs_at_work on jobs (account_id) where status in ('running', 'canceling');

-- How many of its jobs may run at once. Null: what the workers are configured with.
alter table accounts add column max_running_jobs integer check (max_running_jobs > 0);
grant select (id, max_running_jobs) on accounts to earshot_worker;
