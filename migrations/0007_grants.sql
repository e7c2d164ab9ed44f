-- The front door: takes orders, shows results. It cannot change a result or see a delivery's attempts change.
grant select, insert on accounts to earshot_api;
grant select, insert, update on api_keys, uploads to earshot_api;
grant select, insert, update on jobs to earshot_api;
grant select, insert on idempotency_keys to earshot_api;
grant select, delete on task_results, embeddings to earshot_api;
grant select, insert on events, deliveries to earshot_api;
grant select on delivery_attempts, job_attempts to earshot_api;
grant select, insert on blob_deletions to earshot_api;

-- The inference worker: claims jobs and writes what it found. It sees no key and no secret.
grant select (
  id, account_id, status, priority, upload_id, input_url, tasks, options, metadata, webhook_url, webhook_events,
  timeout_seconds, retention_seconds, queue_deadline_at, retried_from, request_id, traceparent, claimable_at,
  attempt, lease_token, lease_until, worker_id, progress_stage, progress_fraction, input_info, warnings,
  audio_seconds, compute_seconds, device, error_code, error_message, error_detail,
  created_at, started_at, finished_at, expires_at, deleted_at
) on jobs to earshot_worker;
grant update (
  status, claimable_at, attempt, lease_token, lease_until, worker_id, progress_stage, progress_fraction, input_info,
  warnings, audio_seconds, compute_seconds, device, error_code, error_message, error_detail,
  started_at, finished_at, expires_at
) on jobs to earshot_worker;
grant select, insert, update on job_attempts to earshot_worker;
grant select on uploads to earshot_worker;
grant select, insert on task_results to earshot_worker;
grant insert on embeddings, events, deliveries to earshot_worker;
grant select, insert, delete on blob_deletions to earshot_worker;

-- The deliverer: webhooks and the sweep.
grant select on accounts, uploads, job_attempts to earshot_deliver;
grant select, update on jobs, events, deliveries to earshot_deliver;
grant insert on events, deliveries to earshot_deliver;
grant select, insert on delivery_attempts to earshot_deliver;
grant update on job_attempts to earshot_deliver;
grant update (deleted_at) on uploads to earshot_deliver;
grant select, delete on task_results, embeddings, idempotency_keys to earshot_deliver;
grant select, insert, delete on blob_deletions to earshot_deliver;

-- /readyz compares it with the migrations that the code knows.
grant select on schema_migrations to earshot_api, earshot_worker, earshot_deliver;
