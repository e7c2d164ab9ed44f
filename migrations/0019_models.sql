-- Which models an account may use, by their ids; null is every one. Checked when a job is submitted.
alter table accounts add column allowed_models text[];

-- By model id, the version that a job began with: a later attempt runs the same where it is still there.
alter table jobs add column model_versions jsonb;
grant select (model_versions), update (model_versions) on jobs to earshot_worker;
