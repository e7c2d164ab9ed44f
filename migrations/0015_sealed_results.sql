-- The key of a sealed result, itself sealed for the holder of `key_id`. A rotation changes these two and nothing else:
-- what they open stays where it is, as it is.
alter table task_results add column sealed_key text;
alter table task_results add check ((key_id is null) = (sealed_key is null));
create index task_results_sealed on task_results (key_id, job_id, task) where key_id is not null;
