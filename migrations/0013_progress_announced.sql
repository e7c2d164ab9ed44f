-- Progress wakes those who follow a job (GET …/events), at most once for each stage and each whole percent: a beat that
-- only extends the lease tells nobody, and the number of announcements does not grow with the length of the audio.
drop trigger job_announced on jobs;

create trigger job_announced after update on jobs
  for each row when (
    old.status is distinct from new.status
    or (new.progress_stage is not null and (
      old.progress_stage is distinct from new.progress_stage
      or floor(old.progress_fraction * 100) is distinct from floor(new.progress_fraction * 100)))
  ) execute function announce_job();
